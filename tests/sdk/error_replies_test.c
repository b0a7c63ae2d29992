/* Requests that nobody can answer, peer to peer: the requester hears at once and why; nobody else is told anything. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answering.h"
#include "harness.h"

enum { kLong = 60000 }; /* ms: what a test that waits for a time-out would take */

/* An error reply of bob to the request that `ear` hears; `error` is the member as it stands in the envelope. */
static void answer_as_bob(ear *bob, const char *error) {
  char id[64];
  const char *request = ear_hear(bob);
  CHECK(request != NULL && sscanf(strstr(request, "\"correlation_id\":\""), "\"correlation_id\":\"%36[^\"]", id) == 1);
  char *reply = malloc(strlen(error) + 1024);
  const int size = sprintf(reply,
                           "{\"sender_id\":\"bob\",\"target_id\":\"alice\",\"message_type\":\"mas.error\",\"data\":{},"
                           "\"meta\":{\"correlation_id\":\"%s\",\"is_reply\":true,\"error\":%s}}",
                           id, error);
  CHECK(redis_publish("agent.alice", reply, (size_t)size) == 1);
  free(reply);
}

static void a_request_without_a_handler_ends_at_once(void) {
  answering bob = answering_started("bob", NULL);
  mas_agent *a = agent_started("alice", NULL);
  CHECK_STATUS(mas_agent_request(a, "bob", "sum", NULL, 0, kLong, NULL), MAS_NO_HANDLER);
  CHECK_TEXT(mas_error_detail(), "'bob' answered NO_HANDLER: no handler for messages of type 'sum'");
  CHECK_TEXT(mas_error_reply_code(), "NO_HANDLER");
  CHECK_TEXT(mas_error_reply_text(), "no handler for messages of type 'sum'");
  CHECK_STATUS(mas_agent_request(a, "nobody", "sum", NULL, 0, kLong, NULL), MAS_NO_RECEIVER);
  CHECK_TEXT(mas_error_reply_code(), "");
  CHECK_OK(mas_agent_send(a, "bob", "sum", NULL, 0, NULL)); /* no request: no answer */
  CHECK(eventually(has_unhandled_2, bob.agent, NULL));
  CHECK(stats_at_rest(&bob).error_replies == 1 && stats_at_rest(&bob).handler_failed == 0);
  CHECK(stats_of(a).received == 1);
  agent_ended(a);
  answering_ended(bob);
}

static void a_handler_that_fails_ends_its_request(void) {
  answering bob = answering_started("bob", NULL);
  mas_agent *a = agent_started("alice", NULL);
  CHECK_OK(mas_agent_on_message(bob.agent, "bad", fails, NULL));
  CHECK_OK(mas_agent_on_message(bob.agent, "said", fails_and_says_why, NULL));
  CHECK_OK(mas_agent_on_message(bob.agent, "fine", replies_though_it_said_why, NULL));
  CHECK_OK(mas_agent_on_message(bob.agent, "odd", returns_an_unknown_status, NULL));
  CHECK_OK(mas_agent_on_message(bob.agent, "throws", throwing_handler, NULL));
  CHECK_OK(mas_agent_on_message(bob.agent, "misfit", finds_a_misfit, NULL));
  CHECK_STATUS(mas_agent_request(a, "bob", "bad", NULL, 0, kLong, NULL), MAS_HANDLER_FAILED);
  CHECK_TEXT(mas_error_reply_text(), "handler returned a failure");
  CHECK_STATUS(mas_agent_request(a, "bob", "said", NULL, 0, kLong, NULL), MAS_HANDLER_FAILED);
  CHECK_TEXT(mas_error_reply_text(), "no such account");
  for (int i = 0; i < 20; ++i) { /* messages come to stand where earlier ones stood */
    CHECK_OK(mas_agent_request(a, "bob", "fine", NULL, 0, kLong, NULL));
    CHECK_STATUS(mas_agent_request(a, "bob", "bad", NULL, 0, kLong, NULL), MAS_HANDLER_FAILED);
    CHECK_TEXT(mas_error_reply_text(), "handler returned a failure");
  }
  CHECK_STATUS(mas_agent_request(a, "bob", "odd", NULL, 0, kLong, NULL), MAS_HANDLER_FAILED);
  CHECK_STATUS(mas_agent_request(a, "bob", "throws", NULL, 0, kLong, NULL), MAS_HANDLER_FAILED);
  CHECK_TEXT(mas_error_reply_text(), "handler returned a failure"); /* and not what the exception said */
  CHECK_STATUS(mas_agent_request(a, "bob", "misfit", NULL, 0, kLong, NULL), MAS_INVALID_PAYLOAD);
  CHECK_TEXT(mas_error_reply_code(), "INVALID_PAYLOAD");
  CHECK_TEXT(mas_error_reply_text(), "n: expected an integer");
  CHECK(stats_at_rest(&bob).handler_failed == 25 && stats_at_rest(&bob).error_replies == 25);
  agent_ended(a);
  answering_ended(bob);
}

static void a_payload_that_does_not_fit_is_named_without_its_value(void) {
  answering bob = answering_started("bob", NULL);
  mas_agent *a = agent_started("alice", NULL);
  answer_typed(bob.agent, "greet");
  CHECK_OK(mas_agent_request(a, "bob", "greet", "{\"times\":3}", MAS_STRLEN, kLong, NULL));
  CHECK_STATUS(mas_agent_request(a, "bob", "greet", "{\"times\":\"s3cret\"}", MAS_STRLEN, kLong, NULL),
               MAS_INVALID_PAYLOAD);
  CHECK_TEXT(mas_error_reply_text(), "times: expected an integer from 1 to 10, not a string");
  CHECK(strstr(mas_error_detail(), "s3cret") == NULL);
  CHECK_STATUS(mas_agent_request(a, "bob", "greet", NULL, 0, kLong, NULL), MAS_INVALID_PAYLOAD);
  agent_ended(a);
  answering_ended(bob);
}

/* A handler that has replied may fail: the requester has its reply, and no other follows. */
static void what_was_replied_to_gets_no_error(void) {
  answering bob = answering_started("bob", NULL);
  mas_agent *a = agent_started("alice", NULL);
  CHECK_OK(mas_agent_on_message(bob.agent, "both", replies_and_fails, NULL));
  CHECK_OK(mas_agent_on_message(bob.agent, "end", fails, NULL));
  CHECK_OK(mas_agent_request(a, "bob", "both", NULL, 0, kLong, NULL));
  CHECK_STATUS(mas_agent_request(a, "bob", "end", NULL, 0, kLong, NULL), MAS_HANDLER_FAILED);
  CHECK(stats_of(a).late_replies == 0 && stats_at_rest(&bob).error_replies == 1);
  agent_ended(a);
  answering_ended(bob);
}

static void a_request_that_was_kept_can_be_answered_by_an_error(void) {
  answering bob = answering_started("bob", NULL);
  mas_agent *a = agent_started("alice", NULL);
  CHECK_OK(mas_agent_on_message(bob.agent, "later", fails_later, NULL));
  CHECK_STATUS(mas_agent_request(a, "bob", "later", NULL, 0, kLong, NULL), MAS_UNAVAILABLE);
  CHECK_TEXT(mas_error_reply_text(), "busy");
  CHECK(mas_status_retriable(MAS_UNAVAILABLE) && !mas_status_retriable(MAS_NO_HANDLER));
  agent_ended(a);
  answering_ended(bob);
}

static void an_asynchronous_request_hears_in_its_callback(void) {
  answering bob = answering_started("bob", NULL);
  mas_agent *a = agent_started("alice", NULL);
  heard end = {0};
  CHECK_OK(mas_agent_request_async(a, "bob", "sum", NULL, 0, kLong, hear, &end, NULL));
  CHECK(eventually(heard_once, &end, a));
  CHECK_STATUS(end.status, MAS_NO_HANDLER);
  CHECK_TEXT(end.code, "NO_HANDLER");
  CHECK_TEXT(end.text, "no handler for messages of type 'sum'");
  CHECK(strstr(end.detail, "'bob' answered NO_HANDLER") == end.detail);
  agent_ended(a);
  answering_ended(bob);
}

static void a_handler_that_asks_can_pass_the_failure_on(void) {
  answering bob = answering_started("bob", NULL), carol = answering_started("carol", NULL);
  mas_agent *a = agent_started("alice", NULL);
  CHECK_OK(mas_agent_on_message(carol.agent, "ask", asks_bob_and_passes_on, NULL));
  CHECK_STATUS(mas_agent_request(a, "carol", "ask", NULL, 0, kLong, NULL), MAS_HANDLER_FAILED);
  CHECK_TEXT(mas_error_reply_text(), "bob: no handler for messages of type 'sum'");
  agent_ended(a);
  answering_ended(carol);
  answering_ended(bob);
}

typedef struct asking {
  mas_agent *agent;
  mas_status status;
  int timeout_ms;
  char code[80], text[600];
} asking;

static void *ask_bob(void *user) {
  asking *asked = user;
  asked->status = mas_agent_request(asked->agent, "bob", "x", NULL, 0, asked->timeout_ms, NULL);
  snprintf(asked->code, sizeof asked->code, "%s", mas_error_reply_code());
  snprintf(asked->text, sizeof asked->text, "%s", mas_error_reply_text());
  return NULL;
}

static bool has_malformed(void *agent) { return stats_of(agent).malformed == 1; }

/* A foreign bob answers alice's request. */
static asking answered_with(const char *error, int timeout_ms) {
  mas_agent *a = agent_started("alice", NULL);
  asking asked = {a, MAS_OK, timeout_ms, "", ""};
  ear *bob = ear_open("agent.bob");
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, ask_bob, &asked) == 0);
  answer_as_bob(bob, error);
  CHECK(pthread_join(thread, NULL) == 0);
  /* The answer may still be on its way when the time-out ends the request. */
  CHECK(asked.status == MAS_TIMEOUT ? eventually(has_malformed, a, NULL) : stats_of(a).malformed == 0);
  ear_close(bob);
  agent_ended(a);
  return asked;
}

static void a_code_of_a_newer_peer_is_a_failed_handler_with_its_name(void) {
  asking asked = answered_with("{\"code\":\"TOO_BUSY\",\"message\":\"come back\",\"more\":{\"a\":1}}", kLong);
  CHECK_STATUS(asked.status, MAS_HANDLER_FAILED);
  CHECK_TEXT(asked.code, "TOO_BUSY");
  CHECK_TEXT(asked.text, "come back");
  asked = answered_with("{\"code\":\"AUTH_FAILED\"}", kLong); /* a peer cannot make alice doubt her own password */
  CHECK_STATUS(asked.status, MAS_HANDLER_FAILED);
  CHECK_TEXT(asked.text, "");
}

static void what_a_peer_says_can_be_printed(void) {
  asking asked = answered_with("{\"code\":\"X\",\"message\":\"a\\nb\\u001b[2J\\u009b\\u007f\"}", kLong);
  CHECK_STATUS(asked.status, MAS_HANDLER_FAILED);
  CHECK_TEXT(asked.text, "a?b?[2J??");
}

/* Refused like every envelope with a wrong member: counted, and nothing is done. */
static void an_error_that_is_none_answers_nothing(void) {
  static const char *const kWrong[] = {
      "\"X\"", "[]", "{}", "{\"code\":1}", "{\"code\":\"x y\"}", "{\"code\":\"X\",\"message\":{}}"};
  for (size_t i = 0; i < sizeof kWrong / sizeof *kWrong; ++i)
    CHECK_STATUS(answered_with(kWrong[i], 300).status, MAS_TIMEOUT);
  char *huge = malloc(1 << 20);
  strcpy(huge, "{\"code\":\"X\",\"message\":\"");
  memset(huge + strlen(huge), 'y', 1000000);
  strcpy(huge + 1000000, "\"}");
  CHECK_STATUS(answered_with(huge, 300).status, MAS_TIMEOUT);
  free(huge);
  CHECK_STATUS(answered_with("{\"code\":\"X\",\"message\":\"\xff\"}", 300).status, MAS_TIMEOUT);
}

/* Two instances get the request: the one that cannot answer does not keep the other from it. */
static void one_instance_without_a_handler_does_not_end_the_request(void) {
  mas_agent *a = agent_started("alice", NULL);
  answering bob = answering_started("bob", NULL);
  ear *other = ear_open("agent.bob"); /* as another process would */
  asking asked = {a, MAS_OK, kLong, "", ""};
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, ask_bob, &asked) == 0);
  CHECK(eventually(has_error_reply, bob.agent, NULL));
  answer_as_bob(other, "null"); /* a reply like any other */
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK_STATUS(asked.status, MAS_OK);

  CHECK(pthread_create(&thread, NULL, ask_bob, &asked) == 0);
  answer_as_bob(other, "{\"code\":\"NO_HANDLER\",\"message\":\"me neither\"}");
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK_STATUS(asked.status, MAS_NO_HANDLER); /* both have said so */

  asked.timeout_ms = 3000; /* the other says nothing: the time-out tells what is known */
  CHECK(pthread_create(&thread, NULL, ask_bob, &asked) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK_STATUS(asked.status, MAS_NO_HANDLER);
  CHECK_TEXT(asked.text, "no handler for messages of type 'x'");
  ear_close(other);
  agent_ended(a);
  answering_ended(bob);
}

static void the_requester_may_be_gone_or_late(void) {
  answering bob = answering_started("bob", NULL);
  mas_agent *a = agent_started("alice", NULL);
  pause_answering(&bob);
  CHECK_STATUS(mas_agent_request(a, "bob", "x", NULL, 0, 50, NULL), MAS_TIMEOUT);
  CHECK_TEXT(mas_error_reply_code(), "");
  resume_answering(&bob);
  CHECK(eventually(has_late_reply, a, NULL));
  pause_answering(&bob);
  heard end = {0};
  CHECK_OK(mas_agent_request_async(a, "bob", "x", NULL, 0, kLong, hear, &end, NULL));
  CHECK_OK(mas_agent_flush(a, 5000));
  agent_ended(a);
  CHECK_STATUS(end.status, MAS_CANCELLED);
  resume_answering(&bob);
  CHECK(eventually(has_2_error_replies, bob.agent, NULL)); /* and nobody is hurt */
  answering_ended(bob);
}

/* The handler of the first request outlives the stop; the others wait behind it, some of them taken from the inbox. */
enum { kLeft = 100 };
static atomic_bool in_handler, let_handler_go;
static mas_status stays_until_it_may_go(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)message, (void)user;
  in_handler = true;
  while (!let_handler_go) usleep(1000);
  return MAS_OK;
}
static bool is_in_handler(void *context) { return (void)context, in_handler; }
static bool has_received_all_left(void *agent) { return stats_of(agent).received == kLeft; }
static bool all_are_heard(void *context) {
  const heard *ends = context;
  for (int i = 0; i < kLeft; ++i)
    if (ends[i].count == 0) return false;
  return true;
}
static void expect_refused_by_a_stop(const heard *end) {
  CHECK_STATUS(end->status, MAS_HANDLER_FAILED);
  CHECK_TEXT(end->text, "the agent is being stopped");
}
static void a_request_that_a_stop_leaves_unhandled_has_failed(void) {
  mas_agent *a = agent_started("alice", NULL), *b = agent_started("bob", NULL);
  heard *ends = calloc(kLeft, sizeof *ends);
  for (int i = 0; i < kLeft; ++i)
    CHECK_OK(mas_agent_request_async(a, "bob", "x", NULL, 0, kLong, hear, &ends[i], NULL));
  CHECK(eventually(has_received_all_left, b, NULL));
  CHECK_OK(mas_agent_stop(b, kLong)); /* nobody has polled it */
  CHECK(eventually(all_are_heard, ends, a));
  for (int i = 0; i < kLeft; ++i) expect_refused_by_a_stop(&ends[i]);
  CHECK(stats_of(b).error_replies == kLeft);
  mas_agent_free(b);

  memset(ends, 0, kLeft * sizeof *ends);
  answering bob = {agent_started("bob", NULL), 0};
  CHECK_OK(mas_agent_on_message(bob.agent, "x", stays_until_it_may_go, NULL));
  for (int i = 0; i < kLeft; ++i)
    CHECK_OK(mas_agent_request_async(a, "bob", "x", NULL, 0, kLong, hear, &ends[i], NULL));
  CHECK(eventually(has_received_all_left, bob.agent, NULL));
  resume_answering(&bob);
  CHECK(eventually(is_in_handler, NULL, NULL));
  (void)mas_agent_stop(bob.agent, 500);
  CHECK(eventually(all_are_heard, ends, a));
  for (int i = 0; i < kLeft; ++i) expect_refused_by_a_stop(&ends[i]);
  let_handler_go = true;
  CHECK(pthread_join(bob.thread, NULL) == 0);
  CHECK(stats_of(bob.agent).error_replies == kLeft && stats_of(a).late_replies == 0);
  mas_agent_free(bob.agent);
  free(ends);
  agent_ended(a);
}

/* The handler's own messages fill the outbound queue; the library's answer has room beside them. */
static mas_status fills_the_queue_and_fails(mas_agent *agent, const mas_message *message, void *user) {
  mas_status status = MAS_OK;
  (void)message;
  redis_freeze();
  while (status == MAS_OK) status = mas_agent_send(agent, "nobody", "x", NULL, 0, NULL);
  CHECK_STATUS(status, MAS_WOULD_BLOCK);
  *(bool *)user = true;
  return MAS_HANDLER_FAILED;
}
static bool is_set(void *flag) { return *(bool *)flag; }
static void a_full_outbound_queue_holds_no_error_reply_back(void) {
  mas_options *options = options_here();
  heard end = {0};
  bool full = false;
  CHECK_OK(mas_options_set_outbound_queue(options, 10, 1 << 20));
  mas_agent *a = agent_started("alice", NULL), *bob = agent_started("bob", options);
  mas_options_free(options);
  CHECK_OK(mas_agent_on_message(bob, "x", fills_the_queue_and_fails, &full));
  CHECK_OK(mas_agent_request_async(a, "bob", "x", NULL, 0, kLong, hear, &end, NULL));
  CHECK(eventually(is_set, &full, bob));
  redis_thaw();
  CHECK(eventually(heard_once, &end, a));
  CHECK_STATUS(end.status, MAS_HANDLER_FAILED);
  agent_ended(bob);
  agent_ended(a);
}

/* Answered by mas_message_reply_error: counted as if the handler had returned that, and once. */
static mas_status answers_and_fails(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)user;
  CHECK_OK(mas_message_reply_error(message, MAS_HANDLER_FAILED, "early"));
  return MAS_HANDLER_FAILED;
}
static mas_status answers_that_nobody_handles(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)user;
  CHECK_OK(mas_message_reply_error(message, MAS_NO_HANDLER, NULL));
  return MAS_OK;
}
static void error_replies_of_the_application_are_counted(void) {
  answering bob = answering_started("bob", NULL);
  mas_agent *a = agent_started("alice", NULL);
  CHECK_OK(mas_agent_on_message(bob.agent, "later", fails_later, NULL));
  CHECK_OK(mas_agent_on_message(bob.agent, "early", answers_and_fails, NULL));
  CHECK_OK(mas_agent_on_message(bob.agent, "none", answers_that_nobody_handles, NULL));
  CHECK_STATUS(mas_agent_request(a, "bob", "later", NULL, 0, kLong, NULL), MAS_UNAVAILABLE);
  CHECK(eventually(has_error_reply, bob.agent, NULL));
  CHECK_STATUS(mas_agent_request(a, "bob", "early", NULL, 0, kLong, NULL), MAS_HANDLER_FAILED);
  CHECK_STATUS(mas_agent_request(a, "bob", "none", NULL, 0, kLong, NULL), MAS_NO_HANDLER);
  const mas_stats stats = stats_at_rest(&bob);
  CHECK(stats.error_replies == 3 && stats.handler_failed == 2 && stats.unhandled == 1);
  agent_ended(a);
  answering_ended(bob);
}

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void the_same_request_twice_is_answered_each_time_and_ends_once(void) {
  answering bob = answering_started("bob", NULL);
  ear *alice = ear_open("agent.alice");
  static const char kRequest[] =
      "{\"sender_id\":\"alice\",\"target_id\":\"bob\",\"message_type\":\"x\",\"data\":{},\"meta\":{\"correlation_id\":"
      "\"c\","
      "\"expects_reply\":true,\"conversation_id\":\"talk\",\"traceparent\":\"" TRACE "\"},\"message_id\":\"m\"}";
  static const char kReplyToo[] =
      "{\"sender_id\":\"alice\",\"target_id\":\"bob\",\"message_type\":\"x\",\"data\":{},\"meta\":{\"correlation_id\":"
      "\"c\","
      "\"expects_reply\":true,\"is_reply\":true}}";
  CHECK(redis_publish("agent.bob", kReplyToo, strlen(kReplyToo)) == 1); /* a reply is never answered */
  for (int i = 0; i < 2; ++i) {
    CHECK(redis_publish("agent.bob", kRequest, strlen(kRequest)) == 1);
    const char *reply = ear_hear(alice);
    CHECK(reply != NULL && strstr(reply, "\"message_type\":\"mas.error\",\"data\":{},") != NULL);
    CHECK(strstr(reply, "\"correlation_id\":\"c\",\"expects_reply\":false,\"is_reply\":true,") != NULL);
    CHECK(strstr(reply, "\"traceparent\":\"" TRACE
                        "\",\"conversation_id\":\"talk\",\"error\":{\"code\":\"NO_HANDLER\",") != NULL);
  }
  CHECK(stats_at_rest(&bob).error_replies == 2);
  ear_close(alice);
  answering_ended(bob);
}

static void hostile_texts_of_a_handler_are_cut_and_cleaned(void) {
  answering bob = answering_started("bob", NULL);
  mas_agent *a = agent_started("alice", NULL);
  char *mebibyte = malloc((1 << 20) + 1);
  memset(mebibyte, '\xff', 1 << 20);
  mebibyte[1 << 20] = '\0';
  CHECK_OK(mas_agent_on_message(bob.agent, "text", fails_with_text, mebibyte));
  CHECK_STATUS(mas_agent_request(a, "bob", "text", NULL, 0, kLong, NULL), MAS_HANDLER_FAILED);
  CHECK(strlen(mas_error_reply_text()) > 400 && strlen(mas_error_reply_text()) <= 512);
  CHECK(strspn(mas_error_reply_text(), "?") > 400);
  CHECK_OK(mas_agent_on_message(bob.agent, "text", fails_with_text, "a\nb\x1b[2Jc"));
  CHECK_STATUS(mas_agent_request(a, "bob", "text", NULL, 0, kLong, NULL), MAS_HANDLER_FAILED);
  CHECK_TEXT(mas_error_reply_text(), "a?b?[2Jc");
  free(mebibyte);
  agent_ended(a);
  answering_ended(bob);
}

static void wrong_use_of_error_replies_is_told(void) {
  answering bob = answering_started("bob", NULL);
  mas_agent *a = agent_started("alice", NULL);
  CHECK_OK(mas_agent_on_message(bob.agent, "wrong", uses_error_replies_wrongly, NULL));
  CHECK_OK(mas_agent_send(a, "bob", "wrong", NULL, 0, NULL));
  CHECK_STATUS(mas_agent_request(a, "bob", "wrong", NULL, 0, kLong, NULL), MAS_NO_HANDLER);
  agent_ended(a);
  answering_ended(bob);
}

int main(int argc, char **argv) {
  static const test_case tests[] = {
      {"a request without a handler ends at once", a_request_without_a_handler_ends_at_once},
      {"a handler that fails ends its request", a_handler_that_fails_ends_its_request},
      {"a payload that does not fit is named without its value",
       a_payload_that_does_not_fit_is_named_without_its_value},
      {"what was replied to gets no error", what_was_replied_to_gets_no_error},
      {"a request that was kept can be answered by an error", a_request_that_was_kept_can_be_answered_by_an_error},
      {"an asynchronous request hears in its callback", an_asynchronous_request_hears_in_its_callback},
      {"a handler that asks can pass the failure on", a_handler_that_asks_can_pass_the_failure_on},
      {"a code of a newer peer is a failed handler with its name",
       a_code_of_a_newer_peer_is_a_failed_handler_with_its_name},
      {"what a peer says can be printed", what_a_peer_says_can_be_printed},
      {"an error that is none answers nothing", an_error_that_is_none_answers_nothing},
      {"one instance without a handler does not end the request",
       one_instance_without_a_handler_does_not_end_the_request},
      {"the requester may be gone or late", the_requester_may_be_gone_or_late},
      {"a request that a stop leaves unhandled has failed", a_request_that_a_stop_leaves_unhandled_has_failed},
      {"a full outbound queue holds no error reply back", a_full_outbound_queue_holds_no_error_reply_back},
      {"error replies of the application are counted", error_replies_of_the_application_are_counted},
      {"the same request twice is answered each time", the_same_request_twice_is_answered_each_time_and_ends_once},
      {"hostile texts of a handler are cut and cleaned", hostile_texts_of_a_handler_are_cut_and_cleaned},
      {"wrong use of error replies is told", wrong_use_of_error_replies_is_told},
  };
  return RUN_TESTS(argc, argv, tests);
}
