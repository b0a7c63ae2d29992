/* Agents that ask and answer, for tests of how requests end. MAS_MODE says in which mode.
 *
 *   mas-asking-agent ask ID RATE TARGET…   RATE requests a second, to each target and of each type in turn
 *   mas-asking-agent answer ID             handles all types of requests but the last:
 *
 *     answers   a reply                         silent    nothing: the request times out
 *     fails     HANDLER_FAILED                  both      a reply, and then HANDLER_FAILED
 *     misfits   INVALID_PAYLOAD                 releases  is deferred and released, so it fails
 *     unknown   has no handler
 *
 * One line per event, written at once: `ready`, `asked N TYPE`, `heard N STATUS VALUE` (the reply's value, -1 without
 * one) each time that the request's callback runs, `end`. TERM ends it; who asks then waits for what is under way. */
#include <mas.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "until_term.h"

enum { kStartMs = 20000, kTimeoutMs = 4000, kStopMs = 5000, kMaxRequests = 1 << 20 };

static const char* const kTypes[] = {"answers", "fails", "misfits", "silent", "both", "releases", "unknown"};
enum { kTypeCount = sizeof kTypes / sizeof *kTypes };

static long under_way;

static long number_in(const mas_message* message) {
  long number = -1;
  (void)!sscanf(mas_message_data(message, NULL), "{\"n\":%ld}", &number);
  return number;
}

/* ---- Answering */

static mas_status reply_to(const mas_message* message) {
  const char* data = mas_message_data(message, NULL);
  return mas_message_reply(message, "answer", data, MAS_STRLEN);
}
static mas_status answers(mas_agent* agent, const mas_message* message, void* user) {
  (void)agent, (void)user;
  return reply_to(message);
}
static mas_status fails(mas_agent* agent, const mas_message* message, void* user) {
  (void)agent, (void)message, (void)user;
  return MAS_HANDLER_FAILED;
}
static mas_status misfits(mas_agent* agent, const mas_message* message, void* user) {
  (void)agent, (void)message, (void)user;
  return MAS_INVALID_PAYLOAD;
}
static mas_status silent(mas_agent* agent, const mas_message* message, void* user) {
  (void)agent, (void)message, (void)user;
  return MAS_OK;
}
static mas_status both(mas_agent* agent, const mas_message* message, void* user) {
  (void)agent, (void)user;
  (void)reply_to(message);
  return MAS_HANDLER_FAILED;
}
static mas_status releases(mas_agent* agent, const mas_message* message, void* user) {
  (void)agent, (void)user;
  return mas_message_defer(message); /* nobody keeps it */
}

static mas_status set_handlers(mas_agent* agent) {
  static const mas_message_fn kHandlers[] = {answers, fails, misfits, silent, both, releases};
  mas_status status = MAS_OK;
  for (size_t i = 0; i < sizeof kHandlers / sizeof *kHandlers && status == MAS_OK; ++i)
    status = mas_agent_on_message(agent, kTypes[i], kHandlers[i], NULL);
  return status;
}

static mas_status answer_all(mas_agent* agent) {
  mas_status status = MAS_OK;
  while (!stopping && status == MAS_OK) status = mas_agent_poll(agent, 50, NULL);
  return status;
}

/* ---- Asking */

static void on_end(mas_agent* agent, mas_status status, const mas_message* reply, void* user) {
  (void)agent;
  --under_way;
  printf("heard %ld %d %ld\n", (long)(intptr_t)user, (int)status, reply == NULL ? -1L : number_in(reply));
}

static mas_status ask_one(mas_agent* agent, long number, const char* target) {
  char data[64];
  const char* type = kTypes[number % kTypeCount];
  const int size = snprintf(data, sizeof data, "{\"n\":%ld}", number);
  const mas_status status = mas_agent_request_async(agent, target, type, data, (size_t)size, kTimeoutMs, on_end,
                                                    (void*)(intptr_t)number, NULL);
  if (status == MAS_OK) {
    ++under_way;
    printf("asked %ld %s\n", number, type);
  }
  return status == MAS_WOULD_BLOCK ? MAS_OK : status; /* the next one may find room */
}

static mas_status ask_all(mas_agent* agent, double rate, char** targets, int count) {
  const double begin = now();
  mas_status status = MAS_OK;
  for (long n = 0; !stopping && status == MAS_OK;) {
    for (; n < (long)((now() - begin) * rate) && n < kMaxRequests && status == MAS_OK; ++n)
      status = ask_one(agent, n, targets[n / kTypeCount % count]);
    if (status == MAS_OK) status = mas_agent_poll(agent, 5, NULL);
  }
  while (status == MAS_OK && under_way > 0) status = mas_agent_poll(agent, 50, NULL);
  const double late = now() + kTimeoutMs / 1000.0; /* a second reply to any of them would come now */
  while (status == MAS_OK && now() < late) status = mas_agent_poll(agent, 50, NULL);
  return status;
}

static mas_status run(int argc, char** argv) {
  const bool asks = strcmp(argv[1], "ask") == 0;
  mas_agent* agent = NULL;
  mas_status status = mas_agent_new(argv[2], NULL, &agent);
  if (status == MAS_OK && !asks) status = set_handlers(agent);
  if (status == MAS_OK) status = mas_agent_start(agent, kStartMs);
  if (status == MAS_OK) {
    puts("ready");
    status = asks ? ask_all(agent, atof(argv[3]), argv + 4, argc - 4) : answer_all(agent);
  }
  const mas_status stopped = mas_agent_stop(agent, kStopMs);
  mas_agent_free(agent);
  return status == MAS_OK ? stopped : status;
}

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  const bool good = (argc >= 5 && strcmp(argv[1], "ask") == 0) || (argc == 3 && strcmp(argv[1], "answer") == 0);
  if (!good) {
    fprintf(stderr, "usage: mas-asking-agent ask ID RATE TARGET... | answer ID\n");
    return 64;
  }
  signal(SIGTERM, on_term);
  signal(SIGINT, on_term);
  const mas_status status = run(argc, argv);
  if (status != MAS_OK) fprintf(stderr, "%s: %s\n", argv[2], mas_error_detail());
  if (status == MAS_OK) puts("end");
  return status == MAS_OK ? 0 : 1;
}
