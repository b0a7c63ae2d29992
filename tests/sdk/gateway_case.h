/* What the tests of gateway mode share: agents in that mode, and callbacks that count. */
#ifndef TESTS_SDK_GATEWAY_CASE_H
#define TESTS_SDK_GATEWAY_CASE_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "mock_gateway.h"

static UNUSED void print_line(const char *line, void *user) {
  (void)user;
  fprintf(stderr, "    %s\n", line);
}

/* MAS_TEST_DEBUG in the environment shows what the library does. */
static UNUSED mas_options *gateway_options(void) {
  mas_options *options = options_here();
  CHECK_OK(mas_options_set_mode(options, MAS_MODE_GATEWAY));
  if (getenv("MAS_TEST_DEBUG") != NULL) mas_options_set_debug(options, print_line, NULL);
  return options;
}

static UNUSED mas_agent *gateway_agent(const char *id) {
  mas_options *options = gateway_options();
  mas_agent *agent = agent_started(id, options);
  mas_options_free(options);
  return agent;
}

typedef struct tally {
  int count, wanted, failures;
  int last; /* {"n":…} of the last message */
  bool disordered;
  mas_status last_status;
  char last_id[MAS_MESSAGE_ID_SIZE];
  char decision[32];
} tally;
#define in_order disordered == false

static UNUSED mas_status on_message(mas_agent *agent, const mas_message *message, void *user) {
  tally *t = user;
  int n = t->count;
  (void)agent;
  sscanf(mas_message_data(message, NULL), "{\"n\":%d}", &n);
  if (n != t->count) t->disordered = true;
  t->last = n;
  ++t->count;
  return MAS_OK;
}

static UNUSED void on_receipt(mas_agent *agent, const char *id, const char *target, mas_status outcome, void *user) {
  tally *t = user;
  (void)agent;
  (void)target;
  ++t->count;
  if (outcome != MAS_OK) ++t->failures;
  t->last_status = outcome;
  snprintf(t->last_id, sizeof t->last_id, "%s", id);
  snprintf(t->decision, sizeof t->decision, "%s", mas_receipt_decision());
}

static UNUSED bool tally_is_1(void *context) { return ((tally *)context)->count == 1; }
static UNUSED bool tally_is_wanted(void *context) { return ((tally *)context)->count >= ((tally *)context)->wanted; }
static UNUSED bool received_5(void *agent) { return stats_of(agent).received >= 5; }

/** Whether every message for bob, in gateway mode, is acknowledged. */
static UNUSED bool nothing_is_held(void *context) {
  (void)context;
  return strcmp(redis("XLEN", "agent.stream:bob", NULL), "0") == 0;
}

#endif /* TESTS_SDK_GATEWAY_CASE_H */
