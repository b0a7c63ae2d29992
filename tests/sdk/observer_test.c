/* Observers of messages: what they are told, on which threads, and that each start has one end whatever happens. What
 * they may do is in observer_conduct_test.c. */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "answering.h"
#include "gateway_case.h"
#include "tracing.h"

enum { kLong = 10000 };

static mas_status replies(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)user;
  return mas_message_reply(message, "answer", "{\"ok\":true}", MAS_STRLEN);
}
static bool has_one_end(void *context) {
  recorder *r = context;
  return traced_count(r) == 1 && all_ended(r);
}
static bool has_2_ended(void *context) {
  recorder *r = context;
  return traced_count(r) == 2 && all_ended(r);
}
static void ignore_reply(mas_agent *agent, mas_status status, const mas_message *reply, void *user) {
  (void)agent, (void)status, (void)reply, (void)user;
}
static bool has_3_ended(void *context) {
  recorder *r = context;
  return traced_count(r) >= 3 && all_ended(r);
}

/* ---- What is told. */

static void a_message_is_told_at_both_ends(void) {
  recorder sent = RECORDER, taken = RECORDER;
  mas_agent *a = observed_agent("alice", NULL, 0, record, &sent);
  mas_agent *b = observed_agent("bob", NULL, MAS_TRACE_PAYLOAD, record, &taken);
  tally got = {0};
  char id[MAS_MESSAGE_ID_SIZE];
  CHECK_OK(mas_agent_on_message(b, "note", on_message, &got));
  CHECK_OK(mas_agent_send(a, "bob", "note", "{\"n\":7}", MAS_STRLEN, id));
  CHECK(eventually(tally_is_1, &got, b));
  CHECK(eventually(has_one_end, &sent, a));
  const traced *out = only(&sent, MAS_TRACE_SEND), *in = only(&taken, MAS_TRACE_HANDLE);
  CHECK_TEXT(out->peer, "bob");
  CHECK_TEXT(out->type, "note");
  CHECK_TEXT(out->message_id, id);
  CHECK_TEXT(out->correlation_id, "");
  CHECK_TEXT(out->traceparent, "");
  CHECK_TEXT(out->body, ""); /* nobody asked for it */
  CHECK(out->body_size == 7 && out->attempt == 0 && out->outcome == MAS_OK);
  CHECK_TEXT(in->peer, "alice");
  CHECK_TEXT(in->type, "note");
  CHECK_TEXT(in->message_id, id);
  CHECK_TEXT(in->body, "{\"n\":7}");
  CHECK(in->body_size == 7 && in->attempt == 1 && in->outcome == MAS_OK);
  agent_ended(a);
  agent_ended(b);
  CHECK(sent.count == 1 && taken.count == 1);
}

static void expect_request_in(mas_options *options) {
  recorder asked = RECORDER, answered = RECORDER;
  asked.spans = TRACE_ID, answered.spans = TRACE_ID;
  mas_agent *a = observed_agent("alice", options, 0, record, &asked);
  mas_agent *b = observed_agent("bob", options, 0, record, &answered);
  CHECK_OK(mas_agent_on_message(b, "sum", replies, NULL));
  answering bob = {b, 0};
  resume_answering(&bob);
  mas_message *reply;
  CHECK_OK(mas_agent_request(a, "bob", "sum", NULL, 0, kLong, &reply));
  CHECK(has_one_end(&asked)); /* told in the call */
  pause_answering(&bob);
  CHECK(eventually(all_ended, &answered, b));
  const traced *request = only(&asked, MAS_TRACE_REQUEST);
  const traced *handled = only(&answered, MAS_TRACE_HANDLE), *back = only(&answered, MAS_TRACE_REPLY);
  CHECK(request->outcome == MAS_OK && handled->outcome == MAS_OK && back->outcome == MAS_OK);
  CHECK(pthread_equal(request->start_thread, pthread_self()) && pthread_equal(request->end_thread, pthread_self()));
  CHECK_TEXT(request->correlation_id, request->message_id);
  CHECK_TEXT(handled->correlation_id, request->message_id);
  CHECK_TEXT(back->correlation_id, request->message_id);
  CHECK_TEXT(back->peer, "alice");
  CHECK_TEXT(back->type, "answer");
  CHECK(back->body_size == strlen("{\"ok\":true}") && request->body_size == strlen("{}"));
  /* Each is the parent of the next: request, handler, reply; and of what the requester gets. */
  CHECK_TEXT(request->traceparent, "");
  CHECK_TEXT(handled->traceparent, request->ended_with);
  CHECK_TEXT(handled->tracestate, STATE);
  CHECK_TEXT(back->traceparent, handled->ended_with);
  CHECK_TEXT(mas_message_traceparent(reply), back->ended_with);
  CHECK(strcmp(request->ended_with, handled->ended_with) != 0 && strcmp(handled->ended_with, back->ended_with) != 0);
  mas_message_unref(reply);
  agent_ended(a);
  agent_ended(b);
  CHECK(asked.count == 1 && answered.count == 2);
}

static void a_request_is_told_with_its_reply(void) { expect_request_in(NULL); }
static void a_request_is_told_with_its_reply_in_gateway_mode(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_options *options = gateway_options();
  expect_request_in(options);
  mas_options_free(options);
  mock_gateway_stop(gateway);
}

static void expect_error_reply_in(mas_options *options, const char *type, mas_message_fn handler, mas_status outcome) {
  recorder asked = RECORDER, answered = RECORDER;
  answered.spans = TRACE_ID;
  mas_agent *a = observed_agent("alice", options, 0, record, &asked);
  mas_agent *b = observed_agent("bob", options, 0, record, &answered);
  CHECK_OK(mas_agent_on_message(b, "else", handler == NULL ? replies : handler, NULL));
  CHECK_OK(mas_agent_on_message(b, type, handler, NULL));
  answering bob = {b, 0};
  resume_answering(&bob);
  CHECK_STATUS(mas_agent_request(a, "bob", type, NULL, 0, kLong, NULL), outcome);
  pause_answering(&bob);
  CHECK(eventually(all_ended, &answered, b));
  const traced *handled = only(&answered, MAS_TRACE_HANDLE), *back = only(&answered, MAS_TRACE_ERROR_REPLY);
  CHECK(only(&asked, MAS_TRACE_REQUEST)->outcome == outcome);
  CHECK(handled->outcome == outcome && back->outcome == MAS_OK);
  CHECK_TEXT(back->type, "mas.error");
  CHECK_TEXT(back->traceparent, handled->ended_with);
  agent_ended(a);
  agent_ended(b);
}

static void an_error_reply_is_told_and_belongs_to_its_handler(void) {
  expect_error_reply_in(NULL, "sum", NULL, MAS_NO_HANDLER);
  expect_error_reply_in(NULL, "sum", fails_and_says_why, MAS_HANDLER_FAILED);
  expect_error_reply_in(NULL, "sum", finds_a_misfit, MAS_INVALID_PAYLOAD);
  mock_gateway *gateway = mock_gateway_start();
  mas_options *options = gateway_options();
  expect_error_reply_in(options, "sum", NULL, MAS_NO_HANDLER);
  mas_options_free(options);
  mock_gateway_stop(gateway);
}

/* Nothing else arrives, and nothing else is called: the thread that waits in mas_agent_run is woken for the end. */
static void an_end_wakes_the_thread_that_polls(void) {
  recorder r = RECORDER;
  answering alice = {observed_agent("alice", NULL, 0, record, &r), 0};
  resume_answering(&alice);
  CHECK_OK(mas_agent_send(alice.agent, "nobody", "x", NULL, 0, NULL));
  CHECK(eventually(has_one_end, &r, NULL));
  CHECK_OK(mas_agent_request_direct(alice.agent, "nobody", "x", NULL, 0, kLong, ignore_reply, NULL, NULL));
  CHECK(eventually(has_2_ended, &r, NULL));
  answering_ended(alice);
}

/* ---- Every start has its end. */

static void on_reply(mas_agent *agent, mas_status status, const mas_message *reply, void *user) {
  (void)agent, (void)reply;
  *(mas_status *)user = status;
}

static void requests_end_as_they_do(void) {
  recorder r = RECORDER;
  mas_agent *a = observed_agent("alice", NULL, 0, record, &r);
  mas_agent *b = agent_started("bob", NULL);
  mas_status status = MAS_OK;
  mas_request *request;
  CHECK_STATUS(mas_agent_request(a, "nobody", "x", NULL, 0, kLong, NULL), MAS_NO_RECEIVER);
  CHECK_STATUS(mas_agent_request(a, "bob", "x", NULL, 0, 20, NULL), MAS_TIMEOUT);
  CHECK_OK(mas_agent_request_async(a, "bob", "x", NULL, 0, 20, on_reply, &status, NULL));
  while (status != MAS_TIMEOUT) CHECK_OK(mas_agent_poll(a, 100, NULL));
  CHECK_OK(mas_agent_request_async(a, "bob", "x", NULL, 0, kLong, on_reply, &status, &request));
  CHECK_OK(mas_request_cancel(request));
  mas_request_free(request);
  CHECK_OK(mas_agent_request_direct(a, "nobody", "x", NULL, 0, kLong, on_reply, &status, NULL));
  CHECK(eventually(all_ended, &r, a));
  CHECK_STATUS(mas_agent_request(a, "bob", "x", "[]", MAS_STRLEN, kLong, NULL), MAS_MALFORMED);
  CHECK_STATUS(mas_agent_request(a, "", "x", NULL, 0, kLong, NULL), MAS_INVALID_ARGUMENT); /* no message at all */
  CHECK_OK(mas_agent_request_async(a, "bob", "x", NULL, 0, -1, on_reply, &status, NULL));
  CHECK_OK(mas_agent_request_direct(a, "bob", "x", NULL, 0, -1, on_reply, &status, NULL));
  agent_ended(a);
  static const mas_status kEnds[] = {MAS_NO_RECEIVER, MAS_TIMEOUT,   MAS_TIMEOUT,   MAS_CANCELLED,
                                     MAS_NO_RECEIVER, MAS_MALFORMED, MAS_CANCELLED, MAS_CANCELLED};
  CHECK(r.count == sizeof kEnds / sizeof *kEnds);
  expect_each_start_has_its_end(&r);
  for (size_t i = 0; i < r.count; ++i) CHECK(r.all[i].kind == MAS_TRACE_REQUEST && r.all[i].outcome == kEnds[i]);
  agent_ended(b);
}

static void messages_end_with_their_outcome(void) {
  recorder r = RECORDER;
  mas_agent *a = observed_agent("alice", NULL, 0, record, &r);
  char id[MAS_MESSAGE_ID_SIZE];
  CHECK_STATUS(mas_agent_send_wait(a, "nobody", "x", NULL, 0, kLong, id), MAS_NO_RECEIVER);
  CHECK(has_one_end(&r)); /* told in the call */
  CHECK_OK(mas_agent_send(a, "nobody", "x", NULL, 0, NULL));
  CHECK_OK(mas_agent_flush(a, kLong));
  CHECK(traced_count(&r) == 2 && all_ended(&r));
  CHECK_OK(mas_agent_send_again(a, id, "nobody", "x", NULL, 0));
  CHECK_OK(mas_agent_send_again(a, id, "nobody", "x", NULL, 0)); /* the same id twice at the same time */
  CHECK_OK(mas_agent_flush(a, kLong));
  agent_ended(a);
  CHECK(r.count == 4);
  expect_each_start_has_its_end(&r);
  for (size_t i = 0; i < r.count; ++i) CHECK(r.all[i].kind == MAS_TRACE_SEND && r.all[i].outcome == MAS_NO_RECEIVER);
  CHECK_TEXT(r.all[2].message_id, id);
}

static void a_message_that_waits_for_its_receipt_ends_with_the_receipt(void) {
  recorder r = RECORDER;
  mock_gateway *gateway = mock_gateway_start();
  mas_options *options = gateway_options();
  mas_agent *b = gateway_agent("bob");
  mas_agent *a = observed_agent("alice", options, 0, record, &r);
  mock_gateway_pause(gateway, true);
  CHECK_STATUS(mas_agent_send_wait(a, "bob", "x", NULL, 0, 20, NULL), MAS_TIMEOUT);
  CHECK(traced_count(&r) == 1 && !all_ended(&r));
  mock_gateway_pause(gateway, false);
  CHECK(eventually(has_one_end, &r, a));
  CHECK(only(&r, MAS_TRACE_SEND)->outcome == MAS_OK);
  mock_gateway_refuse_type(gateway, "no", "AUTHZ_DENIED", "no rule", 0);
  CHECK_STATUS(mas_agent_send_wait(a, "bob", "no", NULL, 0, kLong, NULL), MAS_AUTHZ_DENIED);
  CHECK(traced_count(&r) == 2 && all_ended(&r) && r.all[1].outcome == MAS_AUTHZ_DENIED);
  mas_options_free(options);
  agent_ended(a);
  agent_ended(b);
  mock_gateway_stop(gateway);
}

static void what_is_under_way_at_a_stop_ends_there(void) {
  recorder r = RECORDER;
  mas_agent *a = observed_agent("alice", NULL, 0, record, &r);
  mas_status status = MAS_OK;
  redis_freeze();
  for (int i = 0; i < 10; ++i) CHECK_OK(mas_agent_send(a, "bob", "x", NULL, 0, NULL));
  CHECK_OK(mas_agent_request_async(a, "bob", "x", NULL, 0, -1, on_reply, &status, NULL));
  CHECK_STATUS(mas_agent_stop(a, 100), MAS_TIMEOUT);
  redis_thaw();
  CHECK(r.count == 11);
  expect_each_start_has_its_end(&r);
  for (size_t i = 0; i < 10; ++i) CHECK(r.all[i].outcome == MAS_TIMEOUT);
  CHECK(r.all[10].outcome == MAS_CANCELLED);
  CHECK_STATUS(mas_agent_send(a, "bob", "x", NULL, 0, NULL), MAS_INVALID_STATE);
  CHECK(r.count == 11); /* nothing is told of an agent that does not run */
  CHECK_OK(mas_agent_start(a, kLong));
  CHECK_OK(mas_agent_send(a, "bob", "x", NULL, 0, NULL));
  agent_ended(a);
  CHECK(r.count == 12);
  expect_each_start_has_its_end(&r);
}

static void what_is_under_way_at_a_stop_ends_there_in_gateway_mode(void) {
  recorder r = RECORDER;
  mock_gateway *gateway = mock_gateway_start();
  mas_options *options = gateway_options();
  mas_agent *a = observed_agent("alice", options, 0, record, &r);
  mock_gateway_pause(gateway, true);
  for (int i = 0; i < 10; ++i) CHECK_OK(mas_agent_send(a, "bob", "x", NULL, 0, NULL));
  CHECK_STATUS(mas_agent_request(a, "bob", "x", NULL, 0, 20, NULL), MAS_TIMEOUT);
  CHECK_STATUS(mas_agent_stop(a, 100), MAS_TIMEOUT);
  expect_each_start_has_its_end(&r);
  for (size_t i = 0; i < r.count; ++i) CHECK(r.all[i].outcome == MAS_TIMEOUT || r.all[i].outcome == MAS_CANCELLED);
  CHECK(r.count == 11);
  mas_agent_free(a);
  mas_options_free(options);
  mock_gateway_stop(gateway);
}

/* ---- Many threads. */

static atomic_bool halt;
static void *send_and_ask(void *agent) {
  while (!halt) {
    const mas_status sent = mas_agent_send(agent, "bob", "note", NULL, 0, NULL);
    CHECK(sent == MAS_OK || sent == MAS_WOULD_BLOCK || sent == MAS_INVALID_STATE);
    (void)!mas_agent_request(agent, "bob", "sum", NULL, 0, kLong, NULL);
  }
  return NULL;
}
static atomic_long started, ended;
static void count_events(mas_agent *agent, mas_trace_event *event, void *user) {
  (void)agent, (void)user;
  atomic_fetch_add(event->phase == MAS_TRACE_START ? &started : &ended, 1);
}

static void each_start_has_its_end_whoever_sends_while_it_is_stopped(void) {
  mas_agent *b = agent_started("bob", NULL);
  CHECK_OK(mas_agent_on_message(b, "sum", replies, NULL));
  answering bob = {b, 0};
  resume_answering(&bob);
  mas_agent *a = observed_agent("alice", NULL, 0, count_events, NULL);
  pthread_t threads[3];
  halt = false;
  for (size_t i = 0; i < 3; ++i) CHECK(pthread_create(&threads[i], NULL, send_and_ask, a) == 0);
  for (int i = 0; i < 20; ++i) {
    usleep(5000);
    const mas_status stopped = mas_agent_stop(a, kLong); /* the others never pause: perhaps not all was flushed */
    CHECK(stopped == MAS_OK || stopped == MAS_TIMEOUT);
    CHECK_OK(mas_agent_start(a, kLong));
  }
  halt = true;
  for (size_t i = 0; i < 3; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
  agent_ended(a);
  CHECK(started == ended && started > 20);
  answering_ended(bob);
}

/* ---- Handlers, and callbacks of direct requests. */

static void *poll_on(void *agent) {
  for (int i = 0; i < 20; ++i) CHECK_OK(mas_agent_poll(agent, 20, NULL));
  return NULL;
}
static void in_thread(void *(*body)(void *), mas_agent *agent) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, body, agent) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
}

/* A handler's thread that ends leaves its end to the next call. */
static mas_status ends_thread(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)message, (void)user;
  pthread_exit(NULL);
}
static void a_handler_that_ends_its_thread_is_told(void) {
  recorder r = RECORDER;
  mas_agent *b = observed_agent("bob", NULL, 0, record, &r);
  mas_agent *a = agent_started("alice", NULL);
  CHECK_OK(mas_agent_on_message(b, "bad", ends_thread, NULL));
  CHECK_OK(mas_agent_send_wait(a, "bob", "bad", NULL, 0, kLong, NULL));
  in_thread(poll_on, b);
  CHECK(traced_count(&r) == 1 && !all_ended(&r));
  CHECK_OK(mas_agent_poll(b, 0, NULL));
  CHECK(only(&r, MAS_TRACE_HANDLE)->outcome == MAS_HANDLER_FAILED);
  agent_ended(a);
  agent_ended(b);
}

/* A deferred message ends when it is settled: told in that call. One that nobody settles has failed. */
static mas_message *deferred;
static mas_status defers(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)user;
  CHECK_OK(mas_message_defer(message));
  deferred = mas_message_ref(message);
  return MAS_OK;
}
static bool is_deferred(void *context) {
  (void)context;
  return deferred != NULL;
}
static void a_message_that_is_settled_later_ends_then(void) {
  recorder r = RECORDER;
  mas_agent *b = observed_agent("bob", NULL, 0, record, &r);
  mas_agent *a = agent_started("alice", NULL);
  CHECK_OK(mas_agent_on_message(b, "later", defers, NULL));
  static const mas_status kOutcomes[] = {MAS_OK, MAS_INVALID_PAYLOAD};
  for (size_t i = 0; i < 3; ++i) {
    deferred = NULL;
    CHECK_OK(mas_agent_send_wait(a, "bob", "later", NULL, 0, kLong, NULL));
    CHECK(eventually(is_deferred, NULL, b));
    CHECK(traced_count(&r) == i + 1 && !all_ended(&r));
    if (i < 2) CHECK_OK(mas_message_settle(deferred, kOutcomes[i]));
    mas_message_unref(deferred);
    if (i == 2) CHECK_OK(mas_agent_poll(b, 0, NULL));
    CHECK(all_ended(&r) && r.all[i].outcome == (i < 2 ? kOutcomes[i] : MAS_HANDLER_FAILED));
  }
  deferred = NULL;
  CHECK_OK(mas_agent_send_wait(a, "bob", "later", NULL, 0, kLong, NULL));
  CHECK(eventually(is_deferred, NULL, b));
  agent_ended(b);
  CHECK(r.count == 4 && all_ended(&r) && r.all[3].outcome == MAS_CANCELLED);
  mas_message_unref(deferred);
  agent_ended(a);
}

static void an_error_reply_to_a_deferred_request_belongs_to_its_handler(void) {
  recorder r = RECORDER;
  r.spans = TRACE_ID;
  mas_agent *b = observed_agent("bob", NULL, 0, record, &r), *a = agent_started("alice", NULL);
  mas_status status = MAS_OK;
  deferred = NULL;
  CHECK_OK(mas_agent_on_message(b, "later", defers, NULL));
  CHECK_OK(mas_agent_request_async(a, "bob", "later", NULL, 0, kLong, on_reply, &status, NULL));
  CHECK(eventually(is_deferred, NULL, b));
  CHECK_OK(mas_message_settle(deferred, MAS_INVALID_PAYLOAD));
  while (status == MAS_OK) CHECK_OK(mas_agent_poll(a, 100, NULL));
  CHECK_STATUS(status, MAS_INVALID_PAYLOAD);
  CHECK(eventually(all_ended, &r, b));
  CHECK_TEXT(only(&r, MAS_TRACE_ERROR_REPLY)->traceparent, only(&r, MAS_TRACE_HANDLE)->ended_with);
  mas_message_unref(deferred);
  agent_ended(a);
  agent_ended(b);
}

static void sets_none(mas_agent *agent, mas_trace_event *event, void *user) {
  record(agent, event, user);
  if (event->phase == MAS_TRACE_START && event->kind == MAS_TRACE_HANDLE) CHECK_OK(mas_trace_set(NULL, NULL));
}
static void an_observer_may_end_a_trace_at_a_handler(void) {
  recorder r = RECORDER;
  mas_agent *b = observed_agent("bob", NULL, 0, sets_none, &r), *a = agent_started("alice", NULL);
  CHECK_OK(mas_agent_on_message(b, "ask", replies, NULL));
  answering bob = {b, 0};
  resume_answering(&bob);
  mas_message *reply;
  CHECK_OK(mas_trace_set(PARENT, STATE));
  CHECK_OK(mas_agent_request(a, "bob", "ask", NULL, 0, kLong, &reply));
  CHECK_OK(mas_trace_set(NULL, NULL));
  CHECK_TEXT(mas_message_traceparent(reply), "");
  mas_message_unref(reply);
  agent_ended(a);
  answering_ended(bob);
  CHECK_TEXT(only(&r, MAS_TRACE_HANDLE)->traceparent, PARENT);
  CHECK_TEXT(only(&r, MAS_TRACE_REPLY)->traceparent, "");
}

/* A callback of a direct request that replies: the start of the reply runs there, its end elsewhere. */
static mas_message *kept;
static mas_status forwards(mas_agent *agent, const mas_message *message, void *user);
static void on_forwarded(mas_agent *agent, mas_status status, const mas_message *reply, void *user) {
  (void)agent, (void)user, (void)reply;
  CHECK_STATUS(status, MAS_OK);
  CHECK_OK(mas_message_reply(kept, "forwarded", NULL, 0));
}
static mas_status forwards(mas_agent *agent, const mas_message *message, void *user) {
  (void)user;
  kept = mas_message_ref(message);
  return mas_agent_request_direct(agent, "carol", "sum", NULL, 0, kLong, on_forwarded, NULL, NULL);
}
static void keep_reply(mas_agent *agent, mas_status status, const mas_message *reply, void *user) {
  (void)agent;
  CHECK_OK(status);
  *(mas_message **)user = mas_message_ref(reply);
}
/* One thread does everything, so the callback mostly runs while it waits, with a context of its own. */
static void a_reply_from_a_direct_callback_is_told(void) {
  recorder r = RECORDER;
  r.spans = TRACE_ID;
  mas_agent *c = agent_started("carol", NULL), *a = agent_started("alice", NULL);
  CHECK_OK(mas_agent_on_message(c, "sum", replies, NULL));
  mas_agent *b = observed_agent("bob", NULL, 0, record, &r);
  CHECK_OK(mas_agent_on_message(b, "ask", forwards, NULL));
  mas_message *reply = NULL;
  CHECK_OK(mas_trace_set(PARENT, NULL));
  CHECK_OK(mas_agent_request_async(a, "bob", "ask", NULL, 0, kLong, keep_reply, &reply, NULL));
  CHECK_OK(mas_trace_set(OTHER, NULL));
  while (reply == NULL) {
    CHECK_OK(mas_agent_poll(b, 10, NULL));
    CHECK_OK(mas_agent_poll(c, 10, NULL));
    CHECK_OK(mas_agent_poll(a, 10, NULL));
  }
  CHECK(eventually(has_3_ended, &r, b));
  const traced *handled = only(&r, MAS_TRACE_HANDLE), *back = only(&r, MAS_TRACE_REPLY);
  CHECK_TEXT(handled->traceparent, PARENT);
  CHECK_TEXT(only(&r, MAS_TRACE_REQUEST)->traceparent, handled->ended_with);
  CHECK_TEXT(back->traceparent, handled->ended_with); /* though the handler has returned */
  CHECK_TEXT(mas_message_traceparent(reply), back->ended_with);
  mas_message_unref(reply);
  CHECK_OK(mas_trace_set(NULL, NULL));
  mas_message_unref(kept);
  agent_ended(b);
  agent_ended(a);
  agent_ended(c);
}

int main(int argc, char **argv) {
  static const test_case tests[] = {
      {"a_handler_that_ends_its_thread_is_told", a_handler_that_ends_its_thread_is_told},
      {"a_message_is_told_at_both_ends", a_message_is_told_at_both_ends},
      {"a_message_that_is_settled_later_ends_then", a_message_that_is_settled_later_ends_then},
      {"a_message_that_waits_for_its_receipt_ends_with_the_receipt",
       a_message_that_waits_for_its_receipt_ends_with_the_receipt},
      {"a_reply_from_a_direct_callback_is_told", a_reply_from_a_direct_callback_is_told},
      {"a_request_is_told_with_its_reply", a_request_is_told_with_its_reply},
      {"a_request_is_told_with_its_reply_in_gateway_mode", a_request_is_told_with_its_reply_in_gateway_mode},
      {"an_end_wakes_the_thread_that_polls", an_end_wakes_the_thread_that_polls},
      {"an_error_reply_to_a_deferred_request_belongs_to_its_handler",
       an_error_reply_to_a_deferred_request_belongs_to_its_handler},
      {"an_observer_may_end_a_trace_at_a_handler", an_observer_may_end_a_trace_at_a_handler},
      {"an_error_reply_is_told_and_belongs_to_its_handler", an_error_reply_is_told_and_belongs_to_its_handler},
      {"each_start_has_its_end_whoever_sends_while_it_is_stopped",
       each_start_has_its_end_whoever_sends_while_it_is_stopped},
      {"messages_end_with_their_outcome", messages_end_with_their_outcome},
      {"requests_end_as_they_do", requests_end_as_they_do},
      {"what_is_under_way_at_a_stop_ends_there", what_is_under_way_at_a_stop_ends_there},
      {"what_is_under_way_at_a_stop_ends_there_in_gateway_mode",
       what_is_under_way_at_a_stop_ends_there_in_gateway_mode},
  };
  return RUN_TESTS(argc, argv, tests);
}
