/* A loop of the program's own on epoll, level-triggered: epoll_wait returns at once as long as callbacks wait, so one
 * mas_agent_poll for each time that the descriptor is readable is enough. poll(2) and select(2) work the same way. */
#include "host.h"

#include <sys/epoll.h>

static void watch(int epoll, int fd) {
  struct epoll_event wanted = {.events = EPOLLIN, .data.fd = fd};
  must_call(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted), "epoll_ctl");
}

int main(int argc, char **argv) {
  mas_agent *agent = host_started(argc, argv);
  int epoll = must_call(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  watch(epoll, STDIN_FILENO);
  watch(epoll, mas_agent_fd(agent));

  mas_status status = MAS_OK;
  for (bool more = true; more && status == MAS_OK;) {
    struct epoll_event event;
    int ready = epoll_wait(epoll, &event, 1, -1);
    if (ready < 0 && errno == EINTR) continue; /* SIGTERM has made the agent's descriptor readable */
    must_call(ready, "epoll_wait");
    if (event.data.fd == STDIN_FILENO)
      more = host_read_input(agent);
    else
      status = mas_agent_poll(agent, 0, NULL);
  }
  must(status, "poll"); /* MAS_CANCELLED: SIGTERM called mas_agent_quit */
  close(epoll);
  return example_end(agent);
}
