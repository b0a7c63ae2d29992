/* A program on libuv. The loop is the program's; the library's own loop is another one, and the two do not meet.
 * Handles that watch the agent's descriptor must be stopped before the agent is freed. */
#include "host.h"

#include <uv.h>

/* Ends the program with libuv's message if `error` is one. */
static void must_uv(int error, const char *what) {
  if (error == 0) return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(error));
  exit(1);
}

static void on_callbacks(uv_poll_t *watcher, int error, int events) {
  mas_agent *agent = watcher->data;
  (void)events;
  must_uv(error, "the agent's descriptor");
  mas_status status = mas_agent_poll(agent, 0, NULL);
  must(status, "poll");
  if (status == MAS_CANCELLED) uv_stop(watcher->loop); /* SIGTERM called mas_agent_quit */
}

static void on_input(uv_poll_t *watcher, int error, int events) {
  (void)events;
  must_uv(error, "standard input");
  if (!host_read_input(watcher->data)) uv_stop(watcher->loop);
}

static void watch(uv_loop_t *loop, uv_poll_t *watcher, int fd, uv_poll_cb callback, mas_agent *agent) {
  must_uv(uv_poll_init(loop, watcher, fd), "uv_poll_init");
  watcher->data = agent;
  must_uv(uv_poll_start(watcher, UV_READABLE, callback), "uv_poll_start");
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
