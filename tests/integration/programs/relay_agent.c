/* An agent in gateway mode that passes every message on: what people fear when agents answer each other.
 *
 *   mas-relay-agent ID TARGET [start]     with `start` it sends the first message itself
 *
 * One line per event: `ready`; `got SENDER TYPE` for a message that it handles; `refused DECISION DETAIL` for one of
 * its own that was not accepted. TERM ends it. */
#include <mas.h>
#include <stdio.h>
#include <string.h>

#include "until_term.h"

enum { kStartMs = 20000, kStopMs = 5000 };

static void on_receipt(mas_agent* agent, const char* id, const char* target, mas_status outcome, void* user) {
  (void)agent, (void)id, (void)target, (void)outcome, (void)user;
  printf("refused %s %s\n", mas_receipt_decision(), mas_error_detail());
}

static mas_status on_message(mas_agent* agent, const mas_message* message, void* user) {
  printf("got %s %s\n", mas_message_sender(message), mas_message_type(message));
  return mas_agent_send(agent, user, mas_message_type(message), NULL, 0, NULL);
}

static mas_status run(const char* id, char* target, int start) {
  mas_options* options = mas_options_new();
  mas_agent* agent = NULL;
  mas_status status = mas_options_set_mode(options, MAS_MODE_GATEWAY);
  if (status == MAS_OK) status = mas_agent_new(id, options, &agent);
  mas_options_free(options);
  if (status != MAS_OK) return status;
  mas_agent_on_receipt(agent, MAS_RECEIPTS_FAILURES, on_receipt, NULL);
  status = mas_agent_on_message(agent, NULL, on_message, target);
  if (status == MAS_OK) status = mas_agent_start(agent, kStartMs);
  if (status == MAS_OK) puts("ready");
  if (status == MAS_OK && start) status = mas_agent_send(agent, target, "work", NULL, 0, NULL);
  while (!stopping && status == MAS_OK) status = mas_agent_poll(agent, 50, NULL);
  mas_status stopped = mas_agent_stop(agent, kStopMs);
  mas_agent_free(agent);
  return status == MAS_OK ? stopped : status;
}

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc < 3 || argc > 4 || (argc == 4 && strcmp(argv[3], "start") != 0)) {
    fprintf(stderr, "usage: mas-relay-agent ID TARGET [start]\n");
    return 64;
  }
  signal(SIGTERM, on_term);
  signal(SIGINT, on_term);
  mas_status status = run(argv[1], argv[2], argc == 4);
  if (status != MAS_OK) fprintf(stderr, "%s: %s\n", argv[1], mas_error_detail());
  return status == MAS_OK ? 0 : 1;
}
