/* A loop of the program's own on epoll, level-triggered: epoll_wait returns at once as long as callbacks wait, so one
 * mas_agent_poll for each time that the descriptor is readable is enough. poll(2) and select(2) work the same way. */
#include "host.h"

#include <sys/epoll.h>

static void watch(int epoll, int fd) {
  struct epoll_event wanted = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted) != 0) must(MAS_INTERNAL, "epoll_ctl");
}

int main(int argc, char **argv) {
  mas_agent *agent = host_started(argc, argv);
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, STDIN_FILENO);
  watch(epoll, mas_agent_fd(agent));

  mas_status status = MAS_OK;
  for (bool more = true; more && status == MAS_OK;) {
    struct epoll_event event;
    if (epoll_wait(epoll, &event, 1, -1) != 1) continue; /* a signal: SIGTERM made the agent's descriptor readable */
    if (event.data.fd == STDIN_FILENO)
      more = host_read_input(agent);
    else
      status = mas_agent_poll(agent, 0, NULL);
  }
  must(status, "poll"); /* MAS_CANCELLED: SIGTERM called mas_agent_quit */
  close(epoll);
  return example_end(agent);
}
