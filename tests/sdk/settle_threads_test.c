/* Deferred messages where threads meet: deferring, releasing, settling and stopping at the same time. For the thread
 * sanitizer, too. */
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "gateway_case.h"

#include "answering.h"

enum { kRounds = 200, kMax = 200 };

/* ---- A worker that gets each message before it is deferred. */

typedef struct worker {
  _Atomic(mas_message *) given; /**< by the handler, to the worker */
  atomic_bool done;
  void (*work)(mas_message *message);
  pthread_t thread;
} worker;

static void *work_until_done(void *user) {
  worker *w = user;
  while (!w->done) {
    mas_message *message = atomic_exchange(&w->given, NULL);
    message == NULL ? (void)sched_yield() : w->work(message);
  }
  return NULL;
}
static mas_status gives_and_defers(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent;
  atomic_store(&((worker *)user)->given, mas_message_ref(message));
  return mas_message_defer(message);
}

static void settle_as_soon_as_possible(mas_message *message) {
  CHECK_OK(mas_message_reply(message, "answer", NULL, 0));
  mas_status status;
  do status = mas_message_settle(message, MAS_OK);
  while (status == MAS_INVALID_STATE); /* not deferred yet */
  CHECK_OK(status);
  mas_message_unref(message);
}

static void every_request_ends(void (*work)(mas_message *message), mas_status expected) {
  worker w = {.work = work};
  answering bob = answering_started("bob", NULL);
  mas_agent *alice = agent_started("alice", NULL);
  CHECK_OK(mas_agent_on_message(bob.agent, "ask", gives_and_defers, &w));
  CHECK(pthread_create(&w.thread, NULL, work_until_done, &w) == 0);
  for (int i = 0; i < kRounds; ++i)
    CHECK_STATUS(mas_agent_request(alice, "bob", "ask", NULL, 0, 60000, NULL), expected);
  w.done = true;
  CHECK(pthread_join(w.thread, NULL) == 0);
  CHECK(stats_at_rest(&bob).handler_failed == (expected == MAS_OK ? 0 : kRounds));
  agent_ended(alice);
  answering_ended(bob);
}

static void a_message_is_released_while_it_is_deferred(void) {
  every_request_ends(mas_message_unref, MAS_HANDLER_FAILED);
}
static void a_message_is_settled_while_it_is_deferred(void) { every_request_ends(settle_as_soon_as_possible, MAS_OK); }

/* ---- Several threads settle the same messages. */

typedef struct many {
  atomic_int count; /**< deferred so far */
  mas_message *messages[kMax];
  atomic_int settled, refused;
  atomic_bool begun;
} many;

static mas_status collects(mas_agent *agent, const mas_message *message, void *user) {
  many *m = user;
  (void)agent;
  CHECK(m->count < kMax);
  CHECK_OK(mas_message_defer(message));
  m->messages[m->count] = mas_message_ref(message);
  ++m->count;
  return MAS_OK;
}
static bool all_are_deferred(void *context) { return ((many *)context)->count == kMax; }

static void *settle_all(void *user) {
  many *m = user;
  for (int i = 0; i < kMax; ++i) {
    const mas_status status = mas_message_settle(m->messages[i], MAS_OK);
    CHECK(status == MAS_OK || status == MAS_INVALID_STATE);
    ++*(status == MAS_OK ? &m->settled : &m->refused);
    m->begun = true;
  }
  return NULL;
}
static void release_all(many *m) {
  for (int i = 0; i < kMax; ++i) mas_message_unref(m->messages[i]);
}

static mas_agent *collecting_bob(mas_agent *alice, many *m) {
  mas_agent *bob = gateway_agent("bob");
  CHECK_OK(mas_agent_on_message(bob, "note", collects, m));
  for (int i = 0; i < kMax; ++i) CHECK_OK(mas_agent_send(alice, "bob", "note", NULL, 0, NULL));
  CHECK(eventually(all_are_deferred, m, bob));
  return bob;
}

static void one_of_two_threads_settles(void) {
  many m = {0};
  pthread_t threads[2];
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = collecting_bob(alice, &m);
  for (int i = 0; i < 2; ++i) CHECK(pthread_create(&threads[i], NULL, settle_all, &m) == 0);
  for (int i = 0; i < 2; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
  CHECK(m.settled == kMax && m.refused == kMax);
  CHECK(eventually(nothing_is_held, NULL, NULL));
  release_all(&m);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static bool has_begun(void *context) { return ((many *)context)->begun; }

/* What was settled is acknowledged, and the rest comes again. */
static void a_thread_settles_while_another_one_stops(void) {
  many m = {0};
  tally again = {0};
  pthread_t thread;
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = collecting_bob(alice, &m);
  CHECK(pthread_create(&thread, NULL, settle_all, &m) == 0);
  CHECK(eventually(has_begun, &m, NULL));
  CHECK_OK(mas_agent_stop(bob, 5000));
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(m.settled + m.refused == kMax);
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &again));
  CHECK_OK(mas_agent_start(bob, 5000));
  CHECK(eventually(nothing_is_held, NULL, bob));
  CHECK(again.count == m.refused);
  release_all(&m);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

/* ---- A handler that is still in a start of before. */

typedef struct late_handler {
  atomic_bool inside, go_on;
  mas_status status;
} late_handler;

static mas_status defers_when_told(mas_agent *agent, const mas_message *message, void *user) {
  late_handler *late = user;
  (void)agent;
  late->inside = true;
  for (int turns = 0; !late->go_on && turns < 60000; ++turns) usleep(1000);
  late->status = mas_message_defer(message);
  return MAS_OK;
}
static bool is_inside(void *context) { return ((late_handler *)context)->inside; }
static void *start_it(void *agent) {
  CHECK_OK(mas_agent_start(agent, 10000));
  return NULL;
}

static void a_handler_that_outlives_a_stop_cannot_defer(void) {
  late_handler late = {.status = MAS_OK};
  redis_is registered = {"EXISTS", "agent:bob", "1"};
  pthread_t starting;
  answering bob = answering_started("bob", NULL);
  mas_agent *alice = agent_started("alice", NULL);
  CHECK_OK(mas_agent_on_message(bob.agent, "note", defers_when_told, &late));
  CHECK_OK(mas_agent_send(alice, "bob", "note", NULL, 0, NULL));
  CHECK(eventually(is_inside, &late, NULL));
  (void)mas_agent_stop(bob.agent, 100); /* while its handler runs */
  redis("DEL", "agent:bob", NULL);
  CHECK(pthread_create(&starting, NULL, start_it, bob.agent) == 0);
  CHECK(eventually(redis_is_condition, &registered, NULL));
  late.go_on = true;
  CHECK(pthread_join(bob.thread, NULL) == 0);
  CHECK(pthread_join(starting, NULL) == 0);
  CHECK_STATUS(late.status, MAS_INVALID_STATE);
  agent_ended(alice);
  agent_ended(bob.agent);
}

static const test_case kTests[] = {
    {"a_message_is_released_while_it_is_deferred", a_message_is_released_while_it_is_deferred},
    {"a_message_is_settled_while_it_is_deferred", a_message_is_settled_while_it_is_deferred},
    {"one_of_two_threads_settles", one_of_two_threads_settles},
    {"a_thread_settles_while_another_one_stops", a_thread_settles_while_another_one_stops},
    {"a_handler_that_outlives_a_stop_cannot_defer", a_handler_that_outlives_a_stop_cannot_defer},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
