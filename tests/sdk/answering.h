/* Agents that answer in a thread of their own, the handlers by which they cannot, and what was heard of it. */
#ifndef TESTS_SDK_ANSWERING_H
#define TESTS_SDK_ANSWERING_H

#include <mas_schema.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "throwing_handler.h"

typedef struct answering {
  mas_agent *agent;
  pthread_t thread;
} answering;

static UNUSED void resume_answering(answering *a) { CHECK(pthread_create(&a->thread, NULL, run_agent, a->agent) == 0); }
static UNUSED void pause_answering(answering *a) {
  mas_agent_quit(a->agent);
  CHECK(pthread_join(a->thread, NULL) == 0);
}
static UNUSED answering answering_started(const char *id, mas_options *options) {
  answering a = {agent_started(id, options), 0};
  resume_answering(&a);
  return a;
}
/* Its counters once its callback has ended: a requester may have its answer before that. */
static UNUSED mas_stats stats_at_rest(answering *a) {
  pause_answering(a);
  const mas_stats stats = stats_of(a->agent);
  resume_answering(a);
  return stats;
}
static UNUSED void answering_ended(answering a) {
  pause_answering(&a);
  agent_ended(a.agent);
}

/* ---- Handlers. */

static UNUSED mas_status fails(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)message, (void)user;
  return MAS_HANDLER_FAILED;
}
static UNUSED mas_status fails_and_says_why(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)user;
  return mas_message_fail(message, MAS_HANDLER_FAILED, "no such account");
}
static UNUSED mas_status fails_with_text(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent;
  return mas_message_fail(message, MAS_HANDLER_FAILED, user);
}
static UNUSED mas_status replies_though_it_said_why(mas_agent *agent, const mas_message *message, void *user) {
  (void)fails_and_says_why(agent, message, user);
  return mas_message_reply(message, "fine", NULL, 0);
}
static UNUSED mas_status returns_an_unknown_status(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)message, (void)user;
  return (mas_status)12345;
}
static UNUSED mas_status finds_a_misfit(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)user;
  return mas_message_fail(message, MAS_INVALID_PAYLOAD, "n: expected an integer");
}
static UNUSED mas_status replies_and_fails(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)user;
  CHECK_OK(mas_message_reply(message, "done", NULL, 0));
  return mas_message_fail(message, MAS_HANDLER_FAILED, "afterwards");
}
static UNUSED void *answer_later(void *message) {
  CHECK_OK(mas_message_reply_error(message, MAS_UNAVAILABLE, "busy"));
  mas_message_unref(message);
  return NULL;
}
static UNUSED mas_status fails_later(mas_agent *agent, const mas_message *message, void *user) {
  pthread_t thread;
  (void)agent, (void)user;
  CHECK(pthread_create(&thread, NULL, answer_later, mas_message_ref(message)) == 0);
  CHECK(pthread_detach(thread) == 0);
  return MAS_OK;
}
static UNUSED mas_status asks_bob_and_passes_on(mas_agent *agent, const mas_message *message, void *user) {
  char why[600];
  (void)user;
  CHECK_STATUS(mas_agent_request(agent, "bob", "sum", NULL, 0, 60000, NULL), MAS_NO_HANDLER);
  snprintf(why, sizeof why, "bob: %s", mas_error_reply_text());
  return mas_message_fail(message, MAS_HANDLER_FAILED, why);
}
static UNUSED mas_status uses_error_replies_wrongly(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)user;
  CHECK_STATUS(mas_message_reply_error(message, MAS_OK, NULL), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_message_reply_error(message, MAS_TIMEOUT, "x"), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_message_reply_error(message, (mas_status)-1, "x"), MAS_INVALID_ARGUMENT);
  if (!mas_message_expects_reply(message))
    CHECK_STATUS(mas_message_reply_error(message, MAS_NO_HANDLER, "x"), MAS_INVALID_ARGUMENT);
  return mas_message_fail(message, MAS_NO_HANDLER, NULL);
}

typedef struct greeting {
  int32_t times;
} greeting;

static UNUSED mas_status greets(mas_agent *agent, const mas_message *message, const void *filled, void *user) {
  (void)agent, (void)filled, (void)user;
  return mas_message_reply(message, "greeting", NULL, 0);
}
/* Handles messages of that type with a struct of one number, 1 to 10. */
static UNUSED void answer_typed(mas_agent *agent, const char *type) {
  static const mas_field kFields[] = {MAS_FIELD(greeting, times, MAS_TYPE_INT32, 0, .minimum = 1, .maximum = 10)};
  static const mas_schema kSchema = MAS_SCHEMA(greeting, kFields);
  CHECK_OK(mas_agent_on_typed(agent, type, &kSchema, greets, NULL));
}

/* ---- What was heard. */

typedef struct heard {
  int count;
  mas_status status;
  char code[80], text[600], detail[600];
} heard;

static UNUSED void hear(mas_agent *agent, mas_status status, const mas_message *reply, void *user) {
  heard *h = user;
  (void)agent;
  CHECK((reply != NULL) == (status == MAS_OK));
  ++h->count;
  h->status = status;
  snprintf(h->code, sizeof h->code, "%s", mas_error_reply_code());
  snprintf(h->text, sizeof h->text, "%s", mas_error_reply_text());
  snprintf(h->detail, sizeof h->detail, "%s", mas_error_detail());
}
static UNUSED bool heard_once(void *context) { return ((heard *)context)->count == 1; }

static UNUSED bool has_unhandled_2(void *agent) { return stats_of(agent).unhandled == 2; }
static UNUSED bool has_error_reply(void *agent) { return stats_of(agent).error_replies == 1; }
static UNUSED bool has_2_error_replies(void *agent) { return stats_of(agent).error_replies == 2; }
static UNUSED bool has_late_reply(void *agent) { return stats_of(agent).late_replies == 1; }
static UNUSED bool has_received_1(void *agent) { return stats_of(agent).received == 1; }

#endif /* TESTS_SDK_ANSWERING_H */
