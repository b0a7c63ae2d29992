/* An agent in gateway mode whose handlers fail as its messages tell them to: `data` is {"n":N,"fail":F,"sleep":MS}.
 *
 *   mas-flaky-agent ID [HANDLER_TIMEOUT_MS]
 *
 * A message fails the first F times that it comes; its handler takes MS milliseconds. One line per event: `ready`;
 * `failed N ATTEMPT`; `handled N ATTEMPT`; `died N` before it kills itself, for a message with "die". TERM ends it. */
#include <mas.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "until_term.h"

enum { kStartMs = 20000, kStopMs = 5000 };

static long member(const char* data, const char* name) {
  const char* at = strstr(data, name);
  return at == NULL ? 0 : strtol(at + strlen(name) + 2, NULL, 10);
}

static mas_status on_message(mas_agent* agent, const mas_message* message, void* user) {
  (void)agent, (void)user;
  const char* data = mas_message_data(message, NULL);
  long n = member(data, "\"n"), fail = member(data, "\"fail"), sleep = member(data, "\"sleep");
  struct timespec rest = {sleep / 1000, sleep % 1000 * 1000000};
  nanosleep(&rest, NULL);
  if (strstr(data, "\"die\"") != NULL) {
    printf("died %ld\n", n);
    raise(SIGKILL);
  }
  bool failed = (long)mas_message_attempt(message) <= fail;
  printf("%s %ld %u\n", failed ? "failed" : "handled", n, (unsigned)mas_message_attempt(message));
  return failed ? MAS_HANDLER_FAILED : MAS_OK;
}

static mas_status run(const char* id, int timeout_ms) {
  mas_options* options = mas_options_new();
  mas_agent* agent = NULL;
  mas_status status = mas_options_set_mode(options, MAS_MODE_GATEWAY);
  if (status == MAS_OK) status = mas_options_set_handler_timeout(options, timeout_ms);
  if (status == MAS_OK) status = mas_options_set_dedupe_window(options, 1000);
  if (status == MAS_OK) status = mas_agent_new(id, options, &agent);
  mas_options_free(options);
  if (status != MAS_OK) return status;
  status = mas_agent_on_message(agent, NULL, on_message, NULL);
  if (status == MAS_OK) status = mas_agent_start(agent, kStartMs);
  if (status == MAS_OK) puts("ready");
  while (!stopping && status == MAS_OK) status = mas_agent_poll(agent, 50, NULL);
  mas_status stopped = mas_agent_stop(agent, kStopMs);
  mas_agent_free(agent);
  return status == MAS_OK ? stopped : status;
}

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc < 2 || argc > 3) {
    fprintf(stderr, "usage: mas-flaky-agent ID [HANDLER_TIMEOUT_MS]\n");
    return 64;
  }
  signal(SIGTERM, on_term);
  signal(SIGINT, on_term);
  mas_status status = run(argv[1], argc == 3 ? atoi(argv[2]) : 0);
  if (status != MAS_OK) fprintf(stderr, "%s: %s\n", argv[1], mas_error_detail());
  return status == MAS_OK ? 0 : 1;
}
