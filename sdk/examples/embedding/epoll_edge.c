/* A loop of the program's own on epoll, edge-triggered: epoll_wait reports each change once. So every source is drained
 * when it is reported: the input until read() would block, the agent until mas_agent_poll has run no callback. */
#include "host.h"

#include <sys/epoll.h>

static void watch(int epoll, int fd) {
  struct epoll_event wanted = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
  must_call(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted), "epoll_ctl");
}

static mas_status drain(mas_agent *agent) {
  mas_status status;
  size_t handled;
  do {
    handled = 0;
    status = mas_agent_poll(agent, 0, &handled);
  } while (status == MAS_OK && handled > 0);
  return status;
}

int main(int argc, char **argv) {
  mas_agent *agent = host_started(argc, argv);
  int epoll = must_call(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  watch(epoll, STDIN_FILENO);
  watch(epoll, mas_agent_fd(agent)); /* what arrived before this is reported as well */

  mas_status status = MAS_OK;
  for (bool more = true; more && status == MAS_OK;) {
    struct epoll_event event;
    int ready = epoll_wait(epoll, &event, 1, -1);
    if (ready < 0 && errno == EINTR) continue; /* SIGTERM has made the agent's descriptor readable */
    must_call(ready, "epoll_wait");
    if (event.data.fd == STDIN_FILENO)
      more = host_read_input(agent);
    else
      status = drain(agent);
  }
  must(status, "poll"); /* MAS_CANCELLED: SIGTERM called mas_agent_quit */
  close(epoll);
  return example_end(agent);
}
