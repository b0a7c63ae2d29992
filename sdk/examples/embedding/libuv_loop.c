/* A program on libuv. The loop is the program's; the library's own loop is another one, and the two do not meet.
 * Handles that watch the agent's descriptor must be stopped before the agent is freed. */
#include "host.h"

#include <uv.h>

static void on_callbacks(uv_poll_t *watcher, int error, int events) {
  mas_agent *agent = watcher->data;
  (void)events;
  mas_status status = error == 0 ? mas_agent_poll(agent, 0, NULL) : MAS_INTERNAL;
  must(status, "poll");
  if (status == MAS_CANCELLED) uv_stop(watcher->loop); /* SIGTERM called mas_agent_quit */
}

static void on_input(uv_poll_t *watcher, int error, int events) {
  (void)events;
  if (error != 0 || !host_read_input(watcher->data)) uv_stop(watcher->loop);
}

static void watch(uv_loop_t *loop, uv_poll_t *watcher, int fd, uv_poll_cb callback, mas_agent *agent) {
  int error = uv_poll_init(loop, watcher, fd);
  watcher->data = agent;
  if (error == 0) error = uv_poll_start(watcher, UV_READABLE, callback);
  if (error != 0) must(MAS_INTERNAL, uv_strerror(error));
}

int main(int argc, char **argv) {
  mas_agent *agent = host_started(argc, argv);
  uv_loop_t *loop = uv_default_loop();
  uv_poll_t callbacks, input;
  watch(loop, &callbacks, mas_agent_fd(agent), on_callbacks, agent);
  watch(loop, &input, STDIN_FILENO, on_input, agent);
  uv_run(loop, UV_RUN_DEFAULT);

  uv_close((uv_handle_t *)&callbacks, NULL);
  uv_close((uv_handle_t *)&input, NULL);
  uv_run(loop, UV_RUN_DEFAULT); /* until both are closed */
  uv_loop_close(loop);
  return example_end(agent);
}
