/* Requests that nobody can answer, in gateway mode: what ends a request for good is answered by the receiver and
 * acknowledged, what may be tried again is reported. The gateway's own error replies are tested with the gateway. */
#include "gateway_case.h"

#include "answering.h"

enum { kLong = 60000 };

static mock_gateway *gateway;

static answering answering_by_gateway(const char *id) {
  mas_options *options = gateway_options();
  answering a = answering_started(id, options);
  mas_options_free(options);
  return a;
}

static bool is_reported(void *context) {
  (void)context;
  return mock_gateway_counts(gateway).reports == 1;
}

static void what_ends_a_request_is_answered_and_acknowledged(void) {
  gateway = mock_gateway_start();
  answering bob = answering_by_gateway("bob");
  mas_agent *alice = gateway_agent("alice");
  tally receipts = {0};
  answer_typed(bob.agent, "greet");
  CHECK_OK(mas_agent_on_message(bob.agent, "misfit", finds_a_misfit, NULL));
  mas_agent_on_receipt(bob.agent, MAS_RECEIPTS_ALL, on_receipt, &receipts);
  CHECK_STATUS(mas_agent_request(alice, "bob", "sum", NULL, 0, kLong, NULL), MAS_NO_HANDLER);
  CHECK_TEXT(mas_error_reply_text(), "no handler for messages of type 'sum'");
  CHECK_STATUS(mas_agent_request(alice, "bob", "greet", "{\"times\":11}", MAS_STRLEN, kLong, NULL),
               MAS_INVALID_PAYLOAD);
  CHECK_TEXT(mas_error_reply_text(), "times: expected an integer from 1 to 10, not this one");
  CHECK_STATUS(mas_agent_request(alice, "bob", "misfit", NULL, 0, kLong, NULL), MAS_INVALID_PAYLOAD);
  CHECK_OK(mas_agent_request(alice, "bob", "greet", "{\"times\":1}", MAS_STRLEN, kLong, NULL));
  CHECK(eventually(nothing_is_held, NULL, NULL));
  pause_answering(&bob);
  for (int i = 0; i < 100 && receipts.count == 0; ++i) CHECK_OK(mas_agent_poll(bob.agent, 100, NULL));
  CHECK_OK(mas_agent_poll(bob.agent, 0, NULL));
  CHECK(mock_gateway_counts(gateway).reports == 0);
  CHECK(receipts.count == 1 && receipts.failures == 0); /* of the greeting alone: error replies are the library's own */
  CHECK(stats_of(bob.agent).error_replies == 3);
  agent_ended(alice);
  agent_ended(bob.agent);
  mock_gateway_stop(gateway);
}

static void a_failure_that_may_pass_is_reported_and_not_answered(void) {
  gateway = mock_gateway_start();
  answering bob = answering_by_gateway("bob");
  mas_agent *alice = gateway_agent("alice");
  CHECK_OK(mas_agent_on_message(bob.agent, "bad", fails_and_says_why, NULL));
  CHECK_STATUS(mas_agent_request(alice, "bob", "bad", NULL, 0, 300, NULL), MAS_TIMEOUT);
  CHECK(eventually(is_reported, NULL, NULL));
  CHECK(stats_of(bob.agent).error_replies == 0);
  agent_ended(alice);
  answering_ended(bob);
  mock_gateway_stop(gateway);
}

static void a_message_that_is_no_request_and_does_not_fit_is_reported(void) {
  gateway = mock_gateway_start();
  answering bob = answering_by_gateway("bob");
  mas_agent *alice = gateway_agent("alice");
  answer_typed(bob.agent, "greet");
  CHECK_OK(mas_agent_send_wait(alice, "bob", "greet", NULL, 0, 5000, NULL));
  CHECK_OK(mas_agent_send_wait(alice, "bob", "unknown", NULL, 0, 5000, NULL)); /* without a handler it is done with */
  CHECK(eventually(is_reported, NULL, NULL));
  CHECK(eventually(nothing_is_held, NULL, NULL));
  CHECK(stats_of(bob.agent).error_replies == 0 && stats_of(bob.agent).unhandled == 1);
  agent_ended(alice);
  answering_ended(bob);
  mock_gateway_stop(gateway);
}

/* The error reply has no room: the message is not lost, since the gateway is told that it failed. */
static void an_answer_that_cannot_be_sent_is_tried_again(void) {
  mas_options *options = gateway_options();
  heard end = {0};
  gateway = mock_gateway_start();
  CHECK_OK(mas_options_set_outbound_queue(options, 1, 1 << 20));
  mas_agent *alice = gateway_agent("alice"), *bob = agent_started("bob", options);
  mas_options_free(options);
  CHECK_OK(mas_agent_request_async(alice, "bob", "sum", NULL, 0, kLong, hear, &end, NULL));
  CHECK_OK(mas_agent_flush(alice, 5000));
  CHECK(eventually(has_received_1, bob, NULL));
  mock_gateway_pause(gateway, true);
  CHECK_OK(mas_agent_send(bob, "alice", "note", NULL, 0, NULL));
  CHECK_OK(mas_agent_poll(bob, 1000, NULL));
  CHECK(stats_of(bob).unhandled == 1 && stats_of(bob).error_replies == 0);
  mock_gateway_pause(gateway, false);
  CHECK(eventually(is_reported, NULL, bob));
  CHECK(end.count == 0);
  agent_ended(bob);
  agent_ended(alice);
  mock_gateway_stop(gateway);
}

int main(int argc, char **argv) {
  static const test_case tests[] = {
      {"what ends a request is answered and acknowledged", what_ends_a_request_is_answered_and_acknowledged},
      {"a failure that may pass is reported and not answered", a_failure_that_may_pass_is_reported_and_not_answered},
      {"a message that is no request and does not fit is reported",
       a_message_that_is_no_request_and_does_not_fit_is_reported},
      {"an answer that cannot be sent is tried again", an_answer_that_cannot_be_sent_is_tried_again},
  };
  return RUN_TESTS(argc, argv, tests);
}
