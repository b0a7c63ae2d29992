/* A plain loop that blocks: a game, a simulation or a controller that does one step after another. Between two steps it
 * waits in mas_agent_poll instead of sleeping, so messages are handled at once and steps come on time. */
#include "host.h"

#include <time.h>

enum { kStepMs = 20 };

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int argc, char **argv) {
  mas_agent *agent = host_started(argc, argv);
  mas_status status = MAS_OK;
  for (long next = now_ms(); status == MAS_OK && host_read_input(agent);) { /* the step */
    next += kStepMs;
    /* It returns as soon as callbacks have run, so it is called until the next step is due. */
    for (long left; status == MAS_OK && (left = next - now_ms()) > 0;) status = mas_agent_poll(agent, (int)left, NULL);
  }
  must(status, "poll"); /* MAS_CANCELLED: SIGTERM called mas_agent_quit */
  return example_end(agent);
}
