/* An agent in gateway mode that writes down everything it does, for tests that count messages.
 *
 *   mas-ledger-agent send ID RATE FIRST TARGET…    a message to each target in turn, RATE a second, numbered from FIRST
 *   mas-ledger-agent receive ID [failing]          failing: some handlers are slow, some fail once, some for ever, by
 *                                                  what they return or by longjmp()
 *
 * Of the environment: MAS_LEDGER_PADDING, bytes that are added to each message; MAS_LEDGER_BOUND=MESSAGES:BYTES of the
 * inbound queue; MAS_LEDGER_LATE, milliseconds before a receiver's first poll; MAS_LEDGER_DEDUPE, messages that a
 * receiver recognises; MAS_LEDGER_AGAIN, whether what is in doubt is sent again.
 *
 * One line per event, written at once, so that a killed process has told all it knew; AT is the monotonic clock, in
 * seconds:
 *
 *   try N TARGET AT                before a message is sent
 *   sent N ID                      it is queued
 *   receipt ID AT STATUS DECISION  what became of it; DECISION is - where the gateway has not decided
 *   got SENDER N ID AT             a message is handled
 *   failed SENDER N ID AT          its handler fails
 *   doubt ID                       it was accepted, and Redis may have lost it
 *   again N ID                     it is sent again
 *   forgotten N                    as many more, at most, whose ids are not known any more
 *   told STATE WHY                 STATE is connected or disconnected
 *   ready, end                     started; stopped in order, after every receipt
 *
 * What the library says of itself goes to standard error, with its time.
 *
 * TERM ends it: a sender then waits for the receipts that are missing. */
#include <mas.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "until_term.h"

enum { kStartMs = 20000, kFlushMs = 20000 };

static jmp_buf outside;

static void on_receipt(mas_agent* agent, const char* id, const char* target, mas_status outcome, void* user) {
  (void)agent, (void)target, (void)user;
  const char* decision = mas_receipt_decision();
  printf("receipt %s %.3f %s %s\n", id, now(), mas_status_text(outcome), decision[0] != '\0' ? decision : "-");
}

/* What was sent, for the case that it is to be sent again. */
static struct {
  char** targets;
  int count;
  long first, sent, room;
  char (*ids)[MAS_MESSAGE_ID_SIZE]; /* of number first, first + 1, ... */
} sender;

static void remember(long number, const char* id) {
  if (number - sender.first >= sender.room) {
    sender.room = 2 * sender.room + 1024;
    sender.ids = realloc(sender.ids, (size_t)sender.room * sizeof *sender.ids);
    if (sender.ids == NULL) abort();
  }
  sender.sent = number - sender.first + 1;
  memcpy(sender.ids[number - sender.first], id, MAS_MESSAGE_ID_SIZE);
}

static int body_of(long number, char* data, size_t size) {
  const char* padding = getenv("MAS_LEDGER_PADDING");
  return snprintf(data, size, "{\"n\":%ld,\"x\":\"%0*d\"}", number, padding == NULL ? 0 : atoi(padding), 0);
}

static void send_again(mas_agent* agent, const char* id) {
  static char data[256 * 1024];
  for (long i = 0; i < sender.sent; ++i) {
    if (strcmp(sender.ids[i], id) != 0) continue;
    const int size = body_of(sender.first + i, data, sizeof data);
    const mas_status status =
        mas_agent_send_again(agent, id, sender.targets[i % sender.count], "ledger", data, (size_t)size);
    if (status == MAS_OK) printf("again %ld %s\n", sender.first + i, id);
  }
}

static void on_doubt(mas_agent* agent, const mas_doubt* doubt, void* user) {
  (void)user;
  for (size_t i = 0; i < doubt->count; ++i) {
    printf("doubt %s\n", doubt->message_ids[i]);
    if (getenv("MAS_LEDGER_AGAIN") != NULL) send_again(agent, doubt->message_ids[i]);
  }
  if (doubt->forgotten > 0) printf("forgotten %llu\n", (unsigned long long)doubt->forgotten);
}

static void on_connection(mas_agent* agent, mas_connection state, const char* detail, void* user) {
  (void)agent, (void)user;
  printf("told %s %s\n", state == MAS_CONNECTED ? "connected" : "disconnected", detail);
}

static void on_debug(const char* line, void* user) {
  (void)user;
  fprintf(stderr, "%.3f %s\n", now(), line);
}

/* @param user not NULL: a failing receiver. */
static mas_status on_message(mas_agent* agent, const mas_message* message, void* user) {
  (void)agent;
  long number = -1;
  (void)!sscanf(mas_message_data(message, NULL), "{\"n\":%ld", &number);
  int fails = user != NULL && (number % 50 == 7 || (number % 10 == 3 && mas_message_attempt(message) == 1));
  const struct timespec slow = {0, 20000000};
  if (user != NULL && number % 100 == 1) nanosleep(&slow, NULL);
  printf("%s %s %ld %s %.3f\n", fails ? "failed" : "got", mas_message_sender(message), number, mas_message_id(message),
         now());
  if (fails && number % 4 == 3) longjmp(outside, 1);
  return fails ? MAS_HANDLER_FAILED : MAS_OK;
}

static long number_in_environment(const char* name) {
  const char* text = getenv(name);
  return text == NULL ? 0 : atol(text);
}

/* Sends one message; waits while the queue is full. */
static mas_status send_one(mas_agent* agent, const char* target, long number) {
  static char data[256 * 1024];
  char id[MAS_MESSAGE_ID_SIZE];
  const int size = body_of(number, data, sizeof data);
  printf("try %ld %s %.3f\n", number, target, now());
  mas_status status = MAS_WOULD_BLOCK;
  while (status == MAS_WOULD_BLOCK && !stopping) {
    status = mas_agent_send(agent, target, "ledger", data, (size_t)size, id);
    if (status == MAS_WOULD_BLOCK) (void)!mas_agent_poll(agent, 5, NULL);
  }
  if (status == MAS_OK) printf("sent %ld %s\n", number, id);
  if (status == MAS_OK) remember(number, id);
  return status == MAS_WOULD_BLOCK ? MAS_OK : status;
}

static mas_status send_all(mas_agent* agent, double rate, long first, char** targets, int count) {
  double begin = now();
  mas_status status = MAS_OK;
  sender.targets = targets;
  sender.count = count;
  sender.first = first;
  for (long n = 0; !stopping && status == MAS_OK;) {
    for (; n < (long)((now() - begin) * rate) && !stopping && status == MAS_OK; ++n)
      status = send_one(agent, targets[n % count], first + n);
    if (status == MAS_OK) status = mas_agent_poll(agent, 1, NULL);
  }
  if (status == MAS_OK || status == MAS_CANCELLED) status = mas_agent_flush(agent, kFlushMs);
  size_t handled = 1;
  while (handled > 0 && mas_agent_poll(agent, 0, &handled) == MAS_OK) continue;
  return status;
}

static mas_status receive_all(mas_agent* agent) {
  const long late = number_in_environment("MAS_LEDGER_LATE");
  const struct timespec wait = {late / 1000, late % 1000 * 1000000};
  nanosleep(&wait, NULL);
  setjmp(outside);
  mas_status status = MAS_OK;
  while (!stopping && status == MAS_OK) status = mas_agent_poll(agent, 50, NULL);
  return status;
}

static mas_status run(int argc, char** argv) {
  int sends = strcmp(argv[1], "send") == 0;
  mas_options* options = mas_options_new();
  mas_agent* agent = NULL;
  mas_status status = mas_options_set_mode(options, MAS_MODE_GATEWAY);
  mas_options_set_debug(options, on_debug, NULL);
  unsigned long messages, bytes;
  const char* bound = getenv("MAS_LEDGER_BOUND");
  if (status == MAS_OK && bound != NULL && sscanf(bound, "%lu:%lu", &messages, &bytes) == 2)
    status = mas_options_set_inbound_queue(options, messages, bytes);
  if (status == MAS_OK)
    status = mas_options_set_dedupe_window(options, (size_t)number_in_environment("MAS_LEDGER_DEDUPE"));
  if (status == MAS_OK) status = mas_agent_new(argv[2], options, &agent);
  mas_options_free(options);
  if (status != MAS_OK) return status;
  mas_agent_on_receipt(agent, MAS_RECEIPTS_ALL, on_receipt, NULL);
  mas_agent_on_connection(agent, on_connection, NULL);
  mas_agent_on_doubt(agent, on_doubt, NULL);
  status = mas_agent_on_message(agent, "ledger", on_message, !sends && argc == 4 ? argv[3] : NULL);
  if (status == MAS_OK) status = mas_agent_start(agent, kStartMs);
  if (status == MAS_OK) {
    puts("ready");
    status = sends ? send_all(agent, atof(argv[3]), atol(argv[4]), argv + 5, argc - 5) : receive_all(agent);
  }
  mas_status stopped = mas_agent_stop(agent, kFlushMs);
  mas_agent_free(agent);
  return status == MAS_OK ? stopped : status;
}

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  int good = (argc >= 6 && strcmp(argv[1], "send") == 0) || (argc == 3 && strcmp(argv[1], "receive") == 0) ||
             (argc == 4 && strcmp(argv[1], "receive") == 0 && strcmp(argv[3], "failing") == 0);
  if (!good) {
    fprintf(stderr, "usage: mas-ledger-agent send ID RATE FIRST TARGET... | receive ID [failing]\n");
    return 64;
  }
  signal(SIGTERM, on_term);
  signal(SIGINT, on_term);
  mas_status status = run(argc, argv);
  if (status != MAS_OK) fprintf(stderr, "%s: %s\n", argv[2], mas_error_detail());
  if (status == MAS_OK) puts("end");
  return status == MAS_OK ? 0 : 1;
}
