/* Deferred messages: settled after their handler, by any thread, or left open; in both modes. */
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gateway_case.h"

#include "answering.h"

enum { kLong = 60000, kMost = 1000, kStreams = 6 };

/** The messages that a handler has deferred, in order of arrival. */
typedef struct deferred {
  atomic_int count;
  int wanted;
  mas_message *messages[kMost];
} deferred;

static mas_status defers(mas_agent *agent, const mas_message *message, void *user) {
  deferred *d = user;
  (void)agent;
  CHECK(d->count < kMost);
  CHECK_OK(mas_message_defer(message));
  d->messages[d->count] = mas_message_ref(message);
  ++d->count;
  return MAS_OK;
}
static bool wanted_are_deferred(void *context) { return ((deferred *)context)->count == ((deferred *)context)->wanted; }
/** Waits until so many are deferred in all. @param agent polled meanwhile; may be NULL. */
static void await_deferred(deferred *d, int wanted, mas_agent *agent) {
  d->wanted = wanted;
  CHECK(eventually(wanted_are_deferred, d, agent));
}

static void settle(deferred *d, int i, mas_status status) {
  CHECK_OK(mas_message_settle(d->messages[i], status));
  CHECK_STATUS(mas_message_settle(d->messages[i], status), MAS_INVALID_STATE);
  mas_message_unref(d->messages[i]);
}

static void is_refused(deferred *d, int i, mas_status status) {
  CHECK_STATUS(mas_message_settle(d->messages[i], status), MAS_INVALID_STATE);
  mas_message_unref(d->messages[i]);
}

static int number_of(const mas_message *message) {
  int n = -1;
  sscanf(mas_message_data(message, NULL), "{\"n\":%d}", &n);
  return n;
}

static void send_numbers(mas_agent *from, int count) {
  for (int n = 0; n < count; ++n)
    CHECK_OK(mas_agent_send_wait(from, "bob", "note", text("{\"n\":%d}", n), MAS_STRLEN, 5000, NULL));
}

/* ---- Peer to peer */

typedef struct pair {
  mas_agent *alice;
  answering bob;
  deferred later;
  heard end;
} pair;

/** Bob has deferred a request of alice. */
static void begin_pair(pair *p) {
  p->bob = answering_started("bob", NULL);
  p->alice = agent_started("alice", NULL);
  CHECK_OK(mas_agent_on_message(p->bob.agent, "ask", defers, &p->later));
  CHECK_OK(mas_agent_request_async(p->alice, "bob", "ask", NULL, 0, kLong, hear, &p->end, NULL));
  await_deferred(&p->later, 1, p->alice);
}
static void end_pair(pair *p) {
  agent_ended(p->alice);
  answering_ended(p->bob);
}
static void expect_failure(pair *p, const char *why) {
  CHECK(eventually(heard_once, &p->end, p->alice));
  CHECK_STATUS(p->end.status, MAS_HANDLER_FAILED);
  CHECK_TEXT(p->end.text, why);
}

static void a_deferred_request_is_answered_later(void) {
  pair p = {0};
  begin_pair(&p);
  CHECK_STATUS(mas_message_defer(p.later.messages[0]), MAS_INVALID_STATE); /* outside of its handler */
  CHECK_OK(mas_message_reply(p.later.messages[0], "answer", NULL, 0));
  settle(&p.later, 0, MAS_OK);
  CHECK(eventually(heard_once, &p.end, p.alice));
  CHECK_OK(p.end.status);
  CHECK(stats_at_rest(&p.bob).error_replies == 0);
  end_pair(&p);
}

static void a_request_that_fails_later_is_answered(void) {
  pair p = {0};
  begin_pair(&p);
  const mas_message *message = p.later.messages[0];
  settle(&p.later, 0, mas_message_fail(message, MAS_HANDLER_FAILED, "no such account"));
  expect_failure(&p, "no such account");
  CHECK(stats_at_rest(&p.bob).error_replies == 1 && stats_at_rest(&p.bob).handler_failed == 1);
  end_pair(&p);
}

static void a_request_that_is_released_has_failed(void) {
  pair p = {0};
  begin_pair(&p);
  mas_message_unref(p.later.messages[0]);
  expect_failure(&p, "the message was released and not settled");
  end_pair(&p);
}

static void a_request_that_a_stop_leaves_open_has_failed(void) {
  pair p = {0};
  begin_pair(&p);
  answering_ended(p.bob);
  expect_failure(&p, "the agent is being stopped");
  CHECK_STATUS(mas_message_settle(p.later.messages[0], MAS_OK), MAS_INVALID_STATE);
  mas_message_unref(p.later.messages[0]);
  agent_ended(p.alice);
}

static mas_status uses_deferral_wrongly(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent;
  CHECK_STATUS(mas_message_settle(message, MAS_OK), MAS_INVALID_STATE);
  CHECK(strstr(mas_error_detail(), "mas_message_defer") != NULL);
  CHECK_OK(mas_message_defer(message));
  CHECK_STATUS(mas_message_defer(message), MAS_INVALID_STATE);
  ++((tally *)user)->count;
  return mas_message_fail(message, MAS_INVALID_PAYLOAD, "n: expected an integer"); /* a handler that fails settles */
}
static mas_status settles_at_once(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent;
  CHECK_OK(mas_message_defer(message));
  CHECK_OK(mas_message_settle(message, MAS_OK));
  CHECK_STATUS(mas_message_settle(message, MAS_HANDLER_FAILED), MAS_INVALID_STATE);
  ++((tally *)user)->count;
  return MAS_HANDLER_FAILED; /* too late */
}
static mas_status keeps_nothing(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)user;
  return mas_message_defer(message);
}

static void the_handlers_end_and_deferral(void) {
  answering bob = answering_started("bob", NULL);
  mas_agent *alice = agent_started("alice", NULL);
  tally wrong = {0}, once = {0};
  CHECK_OK(mas_agent_on_message(bob.agent, "wrong", uses_deferral_wrongly, &wrong));
  CHECK_OK(mas_agent_on_message(bob.agent, "once", settles_at_once, &once));
  CHECK_OK(mas_agent_on_message(bob.agent, "drop", keeps_nothing, NULL));
  CHECK_STATUS(mas_agent_request(alice, "bob", "wrong", NULL, 0, kLong, NULL), MAS_INVALID_PAYLOAD);
  CHECK_STATUS(mas_agent_request(alice, "bob", "drop", NULL, 0, kLong, NULL), MAS_HANDLER_FAILED);
  CHECK_OK(mas_agent_send(alice, "bob", "once", NULL, 0, NULL));
  CHECK(eventually(tally_is_1, &once, alice));
  CHECK(wrong.count == 1 && stats_at_rest(&bob).handler_failed == 2);
  agent_ended(alice);
  answering_ended(bob);
}

/* ---- Gateway mode */

static mock_gateway *gateway;

static mas_agent *deferring_bob(mas_options *options, deferred *d) {
  mas_agent *bob = agent_started("bob", options);
  CHECK_OK(mas_agent_on_message(bob, "note", defers, d));
  return bob;
}
static bool is_reported(void *context) {
  (void)context;
  return mock_gateway_counts(gateway).reports == 1;
}

static bool two_are_reported(void *context) {
  (void)context;
  return mock_gateway_counts(gateway).reports >= 2;
}

static void a_message_is_acknowledged_when_it_is_settled(void) {
  mas_options *options = gateway_options();
  deferred later = {0};
  gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = deferring_bob(options, &later);
  mas_options_free(options);
  send_numbers(alice, 1);
  await_deferred(&later, 1, bob);
  CHECK_OK(mas_agent_poll(bob, 50, NULL));
  CHECK_TEXT(redis("XLEN", "agent.stream:bob", NULL), "1");
  settle(&later, 0, MAS_OK);
  CHECK(eventually(nothing_is_held, NULL, NULL)); /* nobody polls */
  CHECK(mock_gateway_counts(gateway).reports == 0);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void is_settled_as_failed(void (*fail)(deferred *)) {
  mas_options *options = gateway_options();
  deferred later = {0};
  gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = deferring_bob(options, &later);
  mas_options_free(options);
  send_numbers(alice, 1);
  await_deferred(&later, 1, bob);
  fail(&later);
  CHECK(eventually(is_reported, NULL, NULL));
  CHECK(eventually(nothing_is_held, NULL, NULL)); /* it waits with the gateway now */
  CHECK(stats_of(bob).handler_failed == 1);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}
static void settle_as_failed(deferred *d) { settle(d, 0, MAS_HANDLER_FAILED); }
static void settle_with_any_number(deferred *d) { settle(d, 0, (mas_status)12345); }
static void release_it(deferred *d) { mas_message_unref(d->messages[0]); }

static void a_message_that_fails_later_is_reported(void) {
  is_settled_as_failed(settle_as_failed);
  is_settled_as_failed(settle_with_any_number);
  is_settled_as_failed(release_it);
}

static void a_deferred_message_has_the_time_of_a_handler(void) {
  mas_options *options = gateway_options();
  deferred later = {0};
  heard end = {0};
  gateway = mock_gateway_start();
  CHECK_OK(mas_options_set_handler_timeout(options, 3000));
  mas_agent *alice = gateway_agent("alice"), *bob = deferring_bob(options, &later);
  mas_options_free(options);
  send_numbers(alice, 2);
  CHECK_OK(mas_agent_request_async(alice, "bob", "note", NULL, 0, kLong, hear, &end, NULL));
  await_deferred(&later, 3, bob);
  settle(&later, 1, MAS_OK); /* the others are out of time */
  CHECK(eventually(two_are_reported, NULL, NULL));
  is_refused(&later, 0, MAS_OK);
  is_refused(&later, 2, MAS_NO_HANDLER); /* answers no request: the message comes again */
  CHECK(strstr(mas_error_detail(), "out of time") != NULL);
  CHECK(eventually(nothing_is_held, NULL, NULL));
  CHECK(mock_gateway_counts(gateway).reports == 2);
  CHECK(stats_of(bob).error_replies == 0 && stats_of(bob).unhandled == 0);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void what_a_stop_leaves_open_comes_again(void) {
  mas_options *options = gateway_options();
  deferred later = {0}, again = {0};
  gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = deferring_bob(options, &later);
  send_numbers(alice, 4);
  await_deferred(&later, 4, bob);
  settle(&later, 1, MAS_OK);
  CHECK_OK(mas_agent_stop(bob, 5000));
  mas_message_unref(later.messages[0]);
  CHECK_STATUS(mas_message_settle(later.messages[2], MAS_OK), MAS_INVALID_STATE);
  CHECK_OK(mas_agent_on_message(bob, "note", defers, &again));
  CHECK_OK(mas_agent_start(bob, 5000));
  await_deferred(&again, 3, bob);
  CHECK_STATUS(mas_message_settle(later.messages[3], MAS_OK), MAS_INVALID_STATE); /* of the start before */
  const int expected[] = {0, 2, 3};
  for (int i = 0; i < 3; ++i) {
    CHECK(number_of(again.messages[i]) == expected[i]);
    settle(&again, i, MAS_OK);
  }
  CHECK(eventually(nothing_is_held, NULL, NULL));
  agent_ended(alice);
  agent_ended(bob);
  for (int i = 2; i < 4; ++i) {
    CHECK_STATUS(mas_message_settle(later.messages[i], MAS_OK), MAS_INVALID_STATE); /* its agent is gone */
    mas_message_unref(later.messages[i]);
  }
  mas_options_free(options);
  mock_gateway_stop(gateway);
}

/* What a start claims is read again as the instance's own, while the acknowledgements of it are on their way. */
static void what_a_stop_leaves_open_comes_once(void) {
  enum { kRounds = 100, kEach = 5 };
  mas_options *options = gateway_options();
  deferred later = {0};
  tally got = {0};
  gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = deferring_bob(options, &later);
  mas_options_free(options);
  for (int round = 0; round < kRounds; ++round) {
    send_numbers(alice, kEach);
    await_deferred(&later, later.count + kEach, bob);
    CHECK_OK(mas_agent_stop(bob, 5000));
    CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
    CHECK_OK(mas_agent_start(bob, 5000));
    got.wanted += kEach;
    CHECK(eventually(tally_is_wanted, &got, bob));
    CHECK(eventually(nothing_is_held, NULL, bob));
    CHECK_OK(mas_agent_on_message(bob, "note", defers, &later));
  }
  CHECK(got.count == kRounds * kEach && later.count == kRounds * kEach);
  for (int i = 0; i < later.count; ++i) mas_message_unref(later.messages[i]);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void an_agent_that_defers_everything_keeps_the_inbound_bound(void) {
  enum { kBound = 5, kSent = 100 };
  mas_options *options = gateway_options();
  deferred later = {0};
  gateway = mock_gateway_start();
  CHECK_OK(mas_options_set_inbound_queue(options, kBound, 1 << 20));
  mas_agent *alice = gateway_agent("alice"), *bob = deferring_bob(options, &later);
  mas_options_free(options);
  send_numbers(alice, kSent);
  int settled = 0;
  const time_t deadline = time(NULL) + 60;
  while (settled < kSent) {
    CHECK(time(NULL) < deadline);
    CHECK_OK(mas_agent_poll(bob, 20, NULL));
    const int held = later.count - settled;
    CHECK(held <= kBound + kStreams && stats_of(bob).received <= (uint64_t)(settled + kBound + kStreams));
    if (held >= kBound || later.count == kSent)
      for (int end = later.count; settled < end; ++settled) settle(&later, settled, MAS_OK);
  }
  CHECK(eventually(nothing_is_held, NULL, NULL));
  CHECK(stats_of(bob).received == kSent);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

typedef struct share_of_work {
  deferred *later;
  atomic_int *next;
  int count;
} share_of_work;

static void *settle_a_share(void *user) {
  share_of_work *work = user;
  for (int i = (*work->next)++; i < work->count; i = (*work->next)++) {
    for (int turns = 0; work->later->count <= i; ++turns) {
      CHECK(turns < 600000); /* a minute */
      usleep(100);
    }
    settle(work->later, i, i % 10 == 0 ? MAS_HANDLER_FAILED : MAS_OK);
  }
  return NULL;
}

static void many_threads_settle(void) {
  enum { kThreads = 4, kSent = 500 };
  mas_options *options = gateway_options();
  deferred later = {0};
  atomic_int next = 0;
  share_of_work work = {&later, &next, kSent};
  pthread_t threads[kThreads];
  gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = deferring_bob(options, &later);
  mas_options_free(options);
  for (int i = 0; i < kThreads; ++i) CHECK(pthread_create(&threads[i], NULL, settle_a_share, &work) == 0);
  for (int n = 0; n < kSent; ++n) CHECK_OK(mas_agent_send(alice, "bob", "note", NULL, 0, NULL));
  await_deferred(&later, kSent, bob);
  for (int i = 0; i < kThreads; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
  CHECK(eventually(nothing_is_held, NULL, NULL));
  CHECK(mock_gateway_counts(gateway).reports == kSent / 10 && stats_of(bob).handler_failed == kSent / 10);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

/** The life of a process that settles every other message, and is killed. */
static _Noreturn void settle_every_other(int count) {
  deferred later = {0};
  mas_options *options = gateway_options();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  mas_agent *bob = deferring_bob(options, &later);
  await_deferred(&later, count, bob);
  for (int i = 0; i < count; i += 2) settle(&later, i, MAS_OK);
  for (;;) pause();
}
static bool bob_is_there(void *context) {
  (void)context;
  return strcmp(redis("EXISTS", "agent:bob", NULL), "1") == 0;
}
static bool half_are_held(void *context) {
  return strcmp(redis("XLEN", "agent.stream:bob", NULL), text("%d", *(int *)context / 2)) == 0;
}

static void a_killed_process_loses_no_deferred_message(void) {
  int count = 40;
  const pid_t process = fork(); /* before there are agents and threads */
  if (process == 0) settle_every_other(count);
  CHECK(eventually(bob_is_there, NULL, NULL));
  gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice");
  send_numbers(alice, count);
  CHECK(eventually(half_are_held, &count, NULL));
  CHECK(kill(process, SIGKILL) == 0 && waitpid(process, NULL, 0) == process);
  redis("EVAL", "for _, k in ipairs(redis.call('KEYS', 'agent:bob:alive:*')) do redis.call('DEL', k) end return 1", "0",
        NULL); /* the lease expires */
  mas_options *options = gateway_options();
  deferred again = {0};
  mas_agent *bob = deferring_bob(options, &again);
  mas_options_free(options);
  await_deferred(&again, count / 2, bob);
  for (int i = 0; i < count / 2; ++i) {
    CHECK(number_of(again.messages[i]) == 2 * i + 1);
    settle(&again, i, MAS_OK);
  }
  CHECK(eventually(nothing_is_held, NULL, NULL));
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

int main(int argc, char **argv) {
  static const test_case tests[] = {
      {"a_deferred_request_is_answered_later", a_deferred_request_is_answered_later},
      {"a_request_that_fails_later_is_answered", a_request_that_fails_later_is_answered},
      {"a_request_that_is_released_has_failed", a_request_that_is_released_has_failed},
      {"a_request_that_a_stop_leaves_open_has_failed", a_request_that_a_stop_leaves_open_has_failed},
      {"the_handlers_end_and_deferral", the_handlers_end_and_deferral},
      {"a_message_is_acknowledged_when_it_is_settled", a_message_is_acknowledged_when_it_is_settled},
      {"a_message_that_fails_later_is_reported", a_message_that_fails_later_is_reported},
      {"a_deferred_message_has_the_time_of_a_handler", a_deferred_message_has_the_time_of_a_handler},
      {"what_a_stop_leaves_open_comes_again", what_a_stop_leaves_open_comes_again},
      {"what_a_stop_leaves_open_comes_once", what_a_stop_leaves_open_comes_once},
      {"an_agent_that_defers_everything_keeps_the_inbound_bound",
       an_agent_that_defers_everything_keeps_the_inbound_bound},
      {"many_threads_settle", many_threads_settle},
      {"a_killed_process_loses_no_deferred_message", a_killed_process_loses_no_deferred_message},
  };
  return RUN_TESTS(argc, argv, tests);
}
