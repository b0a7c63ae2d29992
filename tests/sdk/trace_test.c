/* The trace context of messages: what is taken over, what an application sets, and what is invalid. */
#include "answering.h"
#include "tracing.h"

enum { kLong = 10000 };

static const char kOther[] = "00-11111111111111111111111111111111-2222222222222222-00";

typedef struct context_seen {
  int count;
  char traceparent[600], tracestate[600];
} context_seen;

static mas_status look(mas_agent *agent, const mas_message *message, void *user) {
  context_seen *seen = user;
  (void)agent;
  snprintf(seen->traceparent, sizeof seen->traceparent, "%s", mas_message_traceparent(message));
  snprintf(seen->tracestate, sizeof seen->tracestate, "%s", mas_message_tracestate(message));
  ++seen->count;
  return MAS_OK;
}
static bool seen_once(void *context) { return ((context_seen *)context)->count == 1; }

/* What an agent sees of a message with this `meta`. */
static context_seen context_of(mas_agent *bob, const char *meta) {
  context_seen seen = {0};
  const char *message = text(
      "{\"sender_id\":\"x\",\"target_id\":\"bob\",\"message_type\":\"look\",\"data\":{},"
      "\"meta\":{%s}}",
      meta);
  CHECK_OK(mas_agent_on_message(bob, "look", look, &seen));
  CHECK(redis_publish("agent.bob", message, strlen(message)) == 1);
  CHECK(eventually(seen_once, &seen, bob));
  return seen;
}

static void a_message_shows_the_context_that_it_came_with(void) {
  mas_agent *bob = agent_started("bob", NULL);
  context_seen seen = context_of(bob, "\"traceparent\":\"" PARENT "\",\"tracestate\":\"" STATE "\"");
  CHECK_TEXT(seen.traceparent, PARENT);
  CHECK_TEXT(seen.tracestate, STATE);
  seen = context_of(bob, "\"traceparent\":\"00\\u002d" TRACE_ID "-b7ad6b7169203331-01\",\"tracestate\":\"a\\u003db\"");
  CHECK_TEXT(seen.traceparent, PARENT);
  CHECK_TEXT(seen.tracestate, "a=b");
  seen = context_of(bob, "");
  CHECK_TEXT(seen.traceparent, "");
  CHECK_TEXT(seen.tracestate, "");
  seen = context_of(bob, "\"traceparent\":\"" PARENT "\",\"tracestate\":\"no list\"");
  CHECK_TEXT(seen.traceparent, PARENT);
  CHECK_TEXT(seen.tracestate, "");
  seen = context_of(bob, "\"traceparent\":\"00-t\",\"tracestate\":\"a=b\"");
  CHECK_TEXT(seen.traceparent, "");
  CHECK_TEXT(seen.tracestate, "");
  agent_ended(bob);
}

static mas_status passes_on_and_replies(mas_agent *agent, const mas_message *message, void *user) {
  (void)user;
  CHECK_OK(mas_agent_send(agent, "alice", "passed", NULL, 0, NULL));
  return mas_message_reply(message, "reply", NULL, 0);
}
static void expect_both_carry(ear *alice, const char *meta, const char *expected) {
  const char *request = text(
      "{\"sender_id\":\"alice\",\"target_id\":\"bob\",\"message_type\":\"x\",\"data\":{},"
      "\"meta\":{\"correlation_id\":\"c\",\"expects_reply\":true%s}}",
      meta);
  CHECK(redis_publish("agent.bob", request, strlen(request)) == 1);
  for (int i = 0; i < 2; ++i) {
    const char *got = ear_hear(alice);
    CHECK(got != NULL && (expected != NULL ? strstr(got, expected) != NULL : strstr(got, "\"trace") == NULL));
  }
}

static void what_a_handler_sends_and_replies_carries_the_context_on(void) {
  mas_agent *a = agent_started("bob", NULL);
  CHECK_OK(mas_agent_on_message(a, "x", passes_on_and_replies, NULL));
  answering bob = {a, 0};
  resume_answering(&bob);
  ear *alice = ear_open("agent.alice");
  expect_both_carry(alice, ",\"traceparent\":\"" PARENT "\",\"tracestate\":\"" STATE "\"",
                    "\"traceparent\":\"" PARENT "\",\"tracestate\":\"" STATE "\"");
  expect_both_carry(alice, ",\"traceparent\":\"" PARENT "\",\"tracestate\":\"=\"", "\"traceparent\":\"" PARENT "\"");
  expect_both_carry(alice, ",\"traceparent\":\"" PARENT "0\",\"tracestate\":\"a=b\"", NULL);
  expect_both_carry(alice, ",\"tracestate\":\"a=b\"", NULL);
  expect_both_carry(alice, "", NULL);
  ear_close(alice);
  answering_ended(bob);
}

static void a_context_that_is_invalid_is_not_set(void) {
  static const char *const kParents[] = {"x", "00-t", PARENT "-", PARENT "\n", "00-" TRACE_ID "-0000000000000000-01"};
  char long_state[600] = "a=";
  memset(long_state + 2, 'x', 300);
  for (size_t i = 0; i < sizeof kParents / sizeof *kParents; ++i) {
    CHECK_STATUS(mas_trace_set(kParents[i], NULL), MAS_INVALID_ARGUMENT);
    CHECK(strstr(mas_error_detail(), "traceparent") != NULL);
  }
  CHECK_STATUS(mas_trace_set(PARENT, "no list"), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_trace_set(PARENT, long_state), MAS_INVALID_ARGUMENT);
  CHECK(strstr(mas_error_detail(), "tracestate") != NULL);
  CHECK_STATUS(mas_trace_set(NULL, STATE), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_trace_set("", STATE), MAS_INVALID_ARGUMENT);
  CHECK_OK(mas_trace_set("", ""));
  CHECK_OK(mas_trace_set(NULL, NULL));
}

static void expect_next(ear *e, const char *expected) {
  const char *got = ear_hear(e);
  CHECK(got != NULL && (expected != NULL ? strstr(got, expected) != NULL : strstr(got, "\"trace") == NULL));
}
static void *send_from_another_thread(void *agent) {
  CHECK_OK(mas_agent_send(agent, "bob", "x", NULL, 0, NULL));
  return NULL;
}

static void what_a_thread_sets_is_carried_until_it_ends_it(void) {
  mas_agent *a = agent_started("alice", NULL);
  ear *bob = ear_open("agent.bob");
  pthread_t thread;
  CHECK_OK(mas_trace_set(PARENT, STATE));
  CHECK_STATUS(mas_trace_set("x", NULL), MAS_INVALID_ARGUMENT); /* changes nothing */
  CHECK_OK(mas_agent_send(a, "bob", "x", NULL, 0, NULL));
  expect_next(bob, "\"traceparent\":\"" PARENT "\",\"tracestate\":\"" STATE "\"");
  CHECK_STATUS(mas_agent_request(a, "bob", "x", NULL, 0, 0, NULL), MAS_TIMEOUT);
  expect_next(bob, "\"traceparent\":\"" PARENT "\",\"tracestate\":\"" STATE "\"");
  CHECK(pthread_create(&thread, NULL, send_from_another_thread, a) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  expect_next(bob, NULL);
  CHECK_OK(
      mas_trace_set("cc"
                    "-" TRACE_ID "-b7ad6b7169203331-03-more",
                    NULL)); /* a version to come */
  CHECK_OK(mas_agent_send(a, "bob", "x", NULL, 0, NULL));
  expect_next(bob, "\"traceparent\":\"" PARENT "\"}");
  CHECK_OK(mas_trace_set(NULL, NULL));
  CHECK_OK(mas_agent_send(a, "bob", "x", NULL, 0, NULL));
  expect_next(bob, NULL);
  ear_close(bob);
  agent_ended(a);
}

static mas_status sets_and_sends(mas_agent *agent, const mas_message *message, void *user) {
  (void)user;
  CHECK_OK(mas_agent_send(agent, "alice", "1", NULL, 0, NULL));
  CHECK_OK(mas_trace_set(kOther, NULL));
  CHECK_OK(mas_agent_send(agent, "alice", "2", NULL, 0, NULL));
  CHECK_OK(mas_message_reply(message, "3", NULL, 0));
  CHECK_OK(mas_trace_set(NULL, NULL));
  CHECK_OK(mas_agent_send(agent, "alice", "4", NULL, 0, NULL));
  CHECK_OK(mas_trace_set(kOther, NULL));
  return MAS_OK;
}
static bool has_received_2(void *agent) { return stats_of(agent).received == 2; }

/* The thread's own is not that of the handlers which it runs, and comes back after them. */
static void what_a_handler_sets_ends_with_it(void) {
  mas_agent *b = agent_started("bob", NULL);
  ear *alice = ear_open("agent.alice");
  static const char kRequest[] =
      "{\"sender_id\":\"alice\",\"target_id\":\"bob\",\"message_type\":\"x\",\"data\":{},\"meta\":{\"correlation_id\":"
      "\"c\","
      "\"expects_reply\":true,\"traceparent\":\"" PARENT "\"}}";
  CHECK_OK(mas_agent_on_message(b, "x", sets_and_sends, NULL));
  CHECK_OK(mas_trace_set("00-" TRACE_ID "-4444444444444444-01", NULL));
  for (int i = 0; i < 2; ++i) CHECK(redis_publish("agent.bob", kRequest, strlen(kRequest)) == 1);
  CHECK(eventually(has_received_2, b, b));
  CHECK_OK(mas_agent_poll(b, 0, NULL));
  for (int i = 0; i < 2; ++i) {
    expect_next(alice, PARENT);
    expect_next(alice, kOther);
    expect_next(alice, kOther);
    expect_next(alice, PARENT);
  }
  CHECK_OK(mas_agent_send(b, "alice", "5", NULL, 0, NULL));
  expect_next(alice, "-4444444444444444-01");
  CHECK_OK(mas_trace_set(NULL, NULL));
  ear_close(alice);
  agent_ended(b);
}

static mas_message *kept;
static mas_status keeps(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)user;
  kept = mas_message_ref(message);
  return MAS_OK;
}
static bool has_kept(void *context) {
  (void)context;
  return kept != NULL;
}

static void a_request_that_is_answered_later_gives_its_context_back(void) {
  mas_agent *b = agent_started("bob", NULL);
  ear *alice = ear_open("agent.alice");
  static const char kRequest[] =
      "{\"sender_id\":\"alice\",\"target_id\":\"bob\",\"message_type\":\"x\",\"data\":{},\"meta\":{\"correlation_id\":"
      "\"c\","
      "\"expects_reply\":true,\"conversation_id\":\"talk\",\"traceparent\":\"" PARENT "\",\"tracestate\":\"a=b\"}}";
  CHECK_OK(mas_agent_on_message(b, "x", keeps, NULL));
  CHECK(redis_publish("agent.bob", kRequest, strlen(kRequest)) == 1);
  CHECK(eventually(has_kept, NULL, b));
  CHECK_OK(mas_message_reply(kept, "later", NULL, 0));
  expect_next(alice, "\"traceparent\":\"" PARENT "\",\"tracestate\":\"a=b\",\"conversation_id\":\"talk\"");
  CHECK_STATUS(mas_message_reply_error(kept, MAS_UNAVAILABLE, NULL), MAS_INVALID_STATE);
  mas_message_unref(kept);
  ear_close(alice);
  agent_ended(b);
}

int main(int argc, char **argv) {
  static const test_case tests[] = {
      {"a_context_that_is_invalid_is_not_set", a_context_that_is_invalid_is_not_set},
      {"a_message_shows_the_context_that_it_came_with", a_message_shows_the_context_that_it_came_with},
      {"a_request_that_is_answered_later_gives_its_context_back",
       a_request_that_is_answered_later_gives_its_context_back},
      {"what_a_handler_sends_and_replies_carries_the_context_on",
       what_a_handler_sends_and_replies_carries_the_context_on},
      {"what_a_handler_sets_ends_with_it", what_a_handler_sets_ends_with_it},
      {"what_a_thread_sets_is_carried_until_it_ends_it", what_a_thread_sets_is_carried_until_it_ends_it},
  };
  return RUN_TESTS(argc, argv, tests);
}
