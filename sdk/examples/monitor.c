/* monitor: sends a reading to every agent that keeps notes, once a second, from an event loop of its own. It waits for
 * no outcome; its receipt callback reports readings that did not arrive.
 *
 *   usage: example_monitor [ID]
 */
#include "example.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* The receipt callback. main() asks for failures only. */
static void on_receipt(mas_agent *agent, const char *message_id, const char *target, mas_status outcome, void *user) {
  (void)message_id, (void)user;
  say(agent, "a reading did not reach %s: %s", target, mas_status_text(outcome));
}

static void send_readings(mas_agent *agent, int number) {
  static const char *const wanted[] = {"notes"};
  mas_agent_list *keepers;
  char reading[64];
  if (mas_agent_discover(agent, wanted, 1, MAS_DISCOVER_ANY, 0, 1000, &keepers) != MAS_OK) {
    say(agent, "cannot discover: %s", mas_error_detail());
    return;
  }
  snprintf(reading, sizeof reading, "{\"reading\":%d,\"celsius\":%.1f}", number, 20 + number % 10 / 10.0);
  for (size_t i = 0; i < mas_agent_list_size(keepers); ++i) {
    mas_status status = mas_agent_send(agent, mas_agent_list_id(keepers, i), "note", reading, MAS_STRLEN, NULL);
    if (status != MAS_OK) say(agent, "cannot send: %s", mas_error_detail());
  }
  say(agent, "reading %d went to %zu agents", number, mas_agent_list_size(keepers));
  mas_agent_list_free(keepers);
}

int main(int argc, char **argv) {
  mas_agent *agent = example_new(argc, argv, "monitor", NULL, "{\"about\":\"measures\"}");
  mas_agent_on_receipt(agent, MAS_RECEIPTS_FAILURES, on_receipt, NULL);
  must(mas_agent_start(agent, 10000), "start");
  say(agent, "ready");

  int timer = must_call(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");
  const struct itimerspec each_second = {{1, 0}, {1, 0}};
  must_call(timerfd_settime(timer, 0, &each_second, NULL), "timerfd_settime");
  /* The descriptor is readable while callbacks wait, and after a quit. libuv or GLib can watch it in the same way. */
  struct pollfd watched[] = {{mas_agent_fd(agent), POLLIN, 0}, {timer, POLLIN, 0}};

  for (int number = 1;;) {
    if (poll(watched, 2, -1) < 0 && errno != EINTR) must_call(-1, "poll");
    if (mas_agent_poll(agent, 0, NULL) == MAS_CANCELLED) break; /* SIGTERM */
    uint64_t ticks;
    if ((watched[1].revents & POLLIN) != 0 && read(timer, &ticks, sizeof ticks) > 0) send_readings(agent, number++);
    watched[1].revents = 0;
  }
  close(timer);
  return example_end(agent);
}
