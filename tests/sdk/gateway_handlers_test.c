/* Handlers that are left in other ways than by returning: by an exception, longjmp(), pthread_exit(), cancellation.
 * Each time the message has failed and is reported, the agent goes on, and nothing of it is held for ever. */
#include <setjmp.h>
#include <unistd.h>

#include "gateway_case.h"
#include "throwing_handler.h"

enum { kBad = 100, kGood = 4 * kBad };

static jmp_buf outside;
static mock_gateway *gateway;

static mas_status jump(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)message, (void)user;
  longjmp(outside, 1);
}

static mas_status end_thread(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)message, (void)user;
  pthread_exit(NULL);
}

static mas_status be_cancelled(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)message, (void)user;
  pthread_cancel(pthread_self());
  pause();
  return MAS_OK;
}

static mas_status poll_from_within(mas_agent *agent, const mas_message *message, void *user) {
  (void)message;
  CHECK_STATUS(mas_agent_poll(agent, 0, NULL), MAS_INVALID_STATE);
  CHECK_STATUS(mas_agent_stop(agent, 0), MAS_INVALID_STATE);
  ++((tally *)user)->count;
  return MAS_OK;
}

static bool bad_are_reported(void *context) {
  (void)context;
  return mock_gateway_counts(gateway).reports == kBad;
}
static void poll_a_while(mas_agent *bob) {
  for (int i = 0; i < 50; ++i) CHECK_OK(mas_agent_poll(bob, 10, NULL));
}

static void *poll_in_thread(void *bob) {
  poll_a_while(bob);
  return NULL;
}

static void poll_in_threads(mas_agent *bob) {
  for (int i = 0; i < kBad; ++i) { /* each bad message ends one */
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, poll_in_thread, bob) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
  }
}

static void poll_and_land(mas_agent *bob) {
  setjmp(outside);
  poll_a_while(bob);
}

static void left_by(mas_message_fn handler, void (*poll_all)(mas_agent *)) {
  mas_options *options = gateway_options();
  tally got = {0};
  gateway = mock_gateway_start();
  CHECK_OK(mas_options_set_inbound_queue(options, 3, 1 << 20)); /* what is held for ever would stop the reading */
  mas_agent *alice = gateway_agent("alice"), *bob = agent_started("bob", options);
  mas_options_free(options);
  CHECK_OK(mas_agent_on_message(bob, "good", on_message, &got));
  CHECK_OK(mas_agent_on_message(bob, "bad", handler, NULL));
  for (int i = 0; i < kGood + kBad; ++i)
    CHECK_OK(mas_agent_send_wait(alice, "bob", i % 5 == 4 ? "bad" : "good", NULL, 0, 5000, NULL));
  poll_all(bob);
  got.wanted = kGood;
  CHECK(eventually(tally_is_wanted, &got, bob));
  CHECK(eventually(bad_are_reported, NULL, bob));
  CHECK(eventually(nothing_is_held, NULL, bob));
  CHECK(got.count == kGood && stats_of(bob).handler_failed == kBad);

  CHECK_OK(mas_agent_on_message(bob, "nested", poll_from_within, &got)); /* still told from a call within a callback */
  CHECK_OK(mas_agent_send_wait(alice, "bob", "nested", NULL, 0, 5000, NULL));
  got.wanted = kGood + 1;
  CHECK(eventually(tally_is_wanted, &got, bob));
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void a_handler_may_throw(void) { left_by(throwing_handler, poll_a_while); }
static void a_handler_may_jump_out(void) { left_by(jump, poll_and_land); }
static void a_handler_may_end_its_thread(void) { left_by(end_thread, poll_in_threads); }
static void a_handler_may_be_cancelled(void) { left_by(be_cancelled, poll_in_threads); }

/* The agent is stopped straight after the jump, without another poll; and peer to peer. */
static void an_agent_that_was_jumped_out_of_can_be_stopped(void) {
  mas_agent *volatile bob = agent_started("bob", NULL);
  CHECK_OK(mas_agent_on_message(bob, "bad", jump, NULL));
  for (volatile int i = 0; i < kBad; ++i) {
    CHECK_OK(mas_agent_send(bob, "bob", "bad", NULL, 0, NULL));
    if (setjmp(outside) == 0)
      for (;;) CHECK_OK(mas_agent_poll(bob, 100, NULL));
    CHECK_OK(mas_agent_stop(bob, 5000));
    if (i + 1 < kBad) CHECK_OK(mas_agent_start(bob, 5000));
  }
  mas_agent_free(bob);
}

static mas_status fail(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)message, (void)user;
  return MAS_HANDLER_FAILED;
}
static bool are_3_reports(void *context) {
  (void)context;
  return mock_gateway_counts(gateway).reports == 3;
}

/* Each report has a wait of its own: one that would be refused again for a minute puts off no other. */
static void a_report_that_was_refused_for_good_puts_off_no_other(void) {
  gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  CHECK_OK(mas_agent_on_message(bob, "bad", fail, NULL));
  mock_gateway_refuse_report(gateway, "RATE_LIMITED");
  mock_gateway_refuse_report(gateway, "AUTHZ_DENIED");
  for (int i = 0; i < 2; ++i) CHECK_OK(mas_agent_send_wait(alice, "bob", "bad", NULL, 0, 5000, NULL));
  CHECK(eventually(are_3_reports, NULL, bob));
  CHECK(eventually(redis_is_condition, &(redis_is){"XLEN", "agent.stream:bob", "1"}, bob));
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static bool one_is_given_up(void *bob) { return stats_of(bob).reports_refused == 1; }

/* A report that would be refused again is not made again. Its message is held no more, and stays in the stream. */
static void a_report_that_the_gateway_cannot_use_is_given_up(void) {
  mas_options *options = gateway_options();
  tally got = {0};
  gateway = mock_gateway_start();
  CHECK_OK(mas_options_set_inbound_queue(options, 1, 1 << 20));
  mas_agent *alice = gateway_agent("alice"), *bob = agent_started("bob", options);
  mas_options_free(options);
  CHECK_OK(mas_agent_on_message(bob, "bad", fail, NULL));
  CHECK_OK(mas_agent_on_message(bob, "good", on_message, &got));
  mock_gateway_refuse_report(gateway, "MALFORMED");
  CHECK_OK(mas_agent_send_wait(alice, "bob", "bad", NULL, 0, 5000, NULL));
  CHECK(eventually(one_is_given_up, bob, bob));
  CHECK_OK(mas_agent_send_wait(alice, "bob", "good", NULL, 0, 5000, NULL));
  CHECK(eventually(tally_is_1, &got, bob));
  CHECK(eventually(redis_is_condition, &(redis_is){"XLEN", "agent.stream:bob", "1"}, bob));
  CHECK(mock_gateway_counts(gateway).reports == 1);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static bool is_reported(void *context) {
  (void)context;
  return mock_gateway_counts(gateway).reports == 1;
}
static mas_status wait_for_the_report(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent;
  CHECK(mas_message_attempt(message) == 1);
  CHECK(eventually(is_reported, NULL, NULL));
  ++((tally *)user)->count;
  return MAS_OK;
}

static void a_handler_that_exceeds_its_time_has_failed(void) {
  mas_options *options = gateway_options();
  tally got = {0};
  gateway = mock_gateway_start();
  CHECK_STATUS(mas_options_set_handler_timeout(options, -1), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_options_set_handler_timeout(options, 86400001), MAS_INVALID_ARGUMENT);
  CHECK_OK(mas_options_set_handler_timeout(options, 50));
  mas_agent *alice = gateway_agent("alice"), *bob = agent_started("bob", options);
  mas_options_free(options);
  CHECK_OK(mas_agent_on_message(bob, "slow", wait_for_the_report, &got));
  CHECK_OK(mas_agent_send_wait(alice, "bob", "slow", NULL, 0, 5000, NULL));
  CHECK(eventually(tally_is_1, &got, bob));
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

int main(int argc, char **argv) {
  static const test_case tests[] = {
      {"a_handler_may_throw", a_handler_may_throw},
      {"a_handler_may_jump_out", a_handler_may_jump_out},
      {"a_handler_may_end_its_thread", a_handler_may_end_its_thread},
      {"a_handler_may_be_cancelled", a_handler_may_be_cancelled},
      {"a_handler_that_exceeds_its_time_has_failed", a_handler_that_exceeds_its_time_has_failed},
      {"a_report_that_was_refused_for_good_puts_off_no_other", a_report_that_was_refused_for_good_puts_off_no_other},
      {"a_report_that_the_gateway_cannot_use_is_given_up", a_report_that_the_gateway_cannot_use_is_given_up},
      {"an_agent_that_was_jumped_out_of_can_be_stopped", an_agent_that_was_jumped_out_of_can_be_stopped},
  };
  return RUN_TESTS(argc, argv, tests);
}
