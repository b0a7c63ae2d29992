/* What observers may do: send, throw, end their thread. Nothing of the agent is harmed by it. */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "answering.h"
#include "tracing.h"

enum { kLong = 10000 };

static mas_status replies(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)user;
  return mas_message_reply(message, "answer", "{\"ok\":true}", MAS_STRLEN);
}
static void ignore_reply(mas_agent *agent, mas_status status, const mas_message *reply, void *user) {
  (void)agent, (void)status, (void)reply, (void)user;
}
static void note_status(mas_agent *agent, mas_status status, const mas_message *reply, void *user) {
  (void)agent, (void)reply;
  *(mas_status *)user = status;
}

typedef struct sending {
  mas_agent *other;
  int events;
} sending;
static void sends_itself(mas_agent *agent, mas_trace_event *event, void *user) {
  sending *s = user;
  (void)event;
  ++s->events;
  CHECK_OK(mas_agent_send(agent, "bob", "of the observer", NULL, 0, NULL));
  CHECK_STATUS(mas_agent_stop(agent, 0), MAS_INVALID_STATE);
  CHECK_STATUS(mas_agent_poll(agent, 0, NULL), MAS_INVALID_STATE);
  CHECK_STATUS(mas_agent_on_trace(agent, 0, NULL, NULL), MAS_INVALID_STATE);
}

static void what_an_observer_sends_is_not_observed(void) {
  sending s = {0};
  mas_agent *b = agent_started("bob", NULL);
  mas_agent *a = observed_agent("alice", NULL, 0, sends_itself, &s);
  CHECK_OK(mas_agent_send(a, "bob", "x", NULL, 0, NULL));
  CHECK_OK(mas_agent_flush(a, kLong));
  CHECK_OK(mas_agent_stop(a, kLong));
  CHECK(s.events == 2);
  mas_agent_free(a);
  agent_ended(b);
}

static void an_observer_is_set_while_the_agent_does_not_run(void) {
  recorder r = RECORDER;
  mas_options *options = options_here();
  mas_agent *a;
  CHECK_OK(mas_agent_new("alice", options, &a));
  CHECK_STATUS(mas_agent_on_trace(a, 2, record, &r), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_agent_on_trace(a, ~0u, record, &r), MAS_INVALID_ARGUMENT);
  CHECK_OK(mas_agent_on_trace(a, 0, record, &r));
  CHECK_OK(mas_agent_start(a, kLong));
  CHECK_STATUS(mas_agent_on_trace(a, 0, NULL, NULL), MAS_INVALID_STATE);
  CHECK_OK(mas_agent_stop(a, kLong));
  CHECK_OK(mas_agent_on_trace(a, 0, NULL, NULL));
  CHECK_OK(mas_agent_start(a, kLong));
  CHECK_OK(mas_agent_send(a, "bob", "x", NULL, 0, NULL));
  CHECK(r.count == 0);
  mas_options_free(options);
  agent_ended(a);
}

/* An observer that ends its thread at the events of one kind and phase; the rest is recorded. */
typedef struct ending {
  recorder recorder;
  mas_trace_kind kind;
  mas_trace_phase phase;
  int left;
} ending;
static void ends_its_thread(mas_agent *agent, mas_trace_event *event, void *user) {
  ending *e = user;
  record(agent, event, &e->recorder);
  if (event->kind == e->kind && event->phase == e->phase && e->left > 0 && e->left-- > 0) pthread_exit(NULL);
}

static void *send_one(void *agent) {
  CHECK_OK(mas_agent_send(agent, "alice", "note", NULL, 0, NULL));
  CHECK_OK(mas_agent_flush(agent, kLong));
  return NULL;
}
static void *ask_one(void *agent) {
  CHECK_OK(mas_agent_request(agent, "bob", "sum", NULL, 0, kLong, NULL));
  return NULL;
}
static void *poll_on(void *agent) {
  for (int i = 0; i < 20; ++i) CHECK_OK(mas_agent_poll(agent, 20, NULL));
  return NULL;
}
static void in_thread(void *(*body)(void *), mas_agent *agent) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, body, agent) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
}

static void an_observer_may_end_its_thread(void) {
  static const struct {
    mas_trace_kind kind;
    mas_trace_phase phase;
  } kAt[] = {{MAS_TRACE_SEND, MAS_TRACE_START},     {MAS_TRACE_SEND, MAS_TRACE_END},
             {MAS_TRACE_HANDLE, MAS_TRACE_START},   {MAS_TRACE_HANDLE, MAS_TRACE_END},
             {MAS_TRACE_REPLY, MAS_TRACE_START},    {MAS_TRACE_ERROR_REPLY, MAS_TRACE_START},
             {MAS_TRACE_ERROR_REPLY, MAS_TRACE_END}};
  mas_agent *a = agent_started("alice", NULL);
  for (size_t i = 0; i < sizeof kAt / sizeof *kAt; ++i) {
    ending e = {.recorder = RECORDER, .kind = kAt[i].kind, .phase = kAt[i].phase, .left = 1};
    mas_agent *b = observed_agent("bob", NULL, 0, ends_its_thread, &e);
    CHECK_OK(mas_agent_on_message(b, "sum", replies, NULL));
    CHECK_OK(mas_agent_on_message(b, "bad", fails, NULL));
    CHECK_OK(mas_agent_request_async(a, "bob", "sum", NULL, 0, -1, ignore_reply, NULL, NULL));
    CHECK_OK(mas_agent_request_async(a, "bob", "bad", NULL, 0, -1, ignore_reply, NULL, NULL));
    CHECK_OK(mas_agent_flush(a, kLong));
    in_thread(send_one, b);
    for (int n = 0; n < 2; ++n) in_thread(poll_on, b);
    CHECK(e.left == 0);
    answering bob = {b, 0};
    resume_answering(&bob);
    CHECK_OK(mas_agent_request(a, "bob", "sum", NULL, 0, kLong, NULL)); /* it goes on */
    pause_answering(&bob);
    agent_ended(b);
    expect_each_start_has_its_end(&e.recorder);
    const bool unobserved = e.kind == MAS_TRACE_HANDLE && e.phase == MAS_TRACE_START; /* its error reply */
    CHECK(e.recorder.count >= (unobserved ? 6 : 7));
  }
  agent_ended(a);
}

static void *stop_it(void *agent) {
  (void)!mas_agent_stop(agent, kLong);
  return NULL;
}
static void a_new_observer_gets_nothing_of_the_former_one(void) {
  ending e = {.recorder = RECORDER, .kind = MAS_TRACE_REQUEST, .phase = MAS_TRACE_END, .left = 1};
  recorder r = RECORDER;
  mas_agent *a = observed_agent("alice", NULL, 0, ends_its_thread, &e), *b = agent_started("bob", NULL);
  for (int i = 0; i < 2; ++i) CHECK_OK(mas_agent_request_async(a, "bob", "x", NULL, 0, -1, ignore_reply, NULL, NULL));
  in_thread(stop_it, a);
  CHECK(e.left == 0);
  CHECK_OK(mas_agent_on_trace(a, 0, record, &r));
  CHECK_OK(mas_agent_start(a, kLong));
  CHECK_OK(mas_agent_send_wait(a, "bob", "x", NULL, 0, kLong, NULL));
  agent_ended(a);
  agent_ended(b);
  CHECK(r.count == 1);
  expect_each_start_has_its_end(&r);
  CHECK(e.recorder.count == 2 && e.recorder.all[0].ends + e.recorder.all[1].ends == 1);
}

/* An error reply that is sent where no observer can run: its start is told with its end, in a later call. */
static mas_status ends_thread(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)message, (void)user;
  pthread_exit(NULL);
}
static void no_observer_runs_while_a_handler_ends_its_thread(void) {
  ending e = {.recorder = RECORDER, .kind = MAS_TRACE_ERROR_REPLY, .phase = MAS_TRACE_START, .left = 1};
  mas_agent *a = agent_started("alice", NULL), *b = observed_agent("bob", NULL, 0, ends_its_thread, &e);
  mas_status status = MAS_OK;
  CHECK_OK(mas_agent_on_message(b, "bad", ends_thread, NULL));
  CHECK_OK(mas_agent_request_async(a, "bob", "bad", NULL, 0, kLong, note_status, &status, NULL));
  CHECK_OK(mas_agent_flush(a, kLong));
  in_thread(poll_on, b);
  while (status == MAS_OK) CHECK_OK(mas_agent_poll(a, 100, NULL));
  CHECK_STATUS(status, MAS_HANDLER_FAILED); /* the requester is told */
  CHECK(e.left == 1 && traced_count(&e.recorder) == 1);
  in_thread(poll_on, b); /* here the observer may end the thread, at the late start */
  CHECK(e.left == 0 && traced_count(&e.recorder) == 2 && !all_ended(&e.recorder));
  CHECK_OK(mas_agent_poll(b, 0, NULL));
  CHECK(only(&e.recorder, MAS_TRACE_HANDLE)->outcome == MAS_HANDLER_FAILED);
  CHECK(only(&e.recorder, MAS_TRACE_ERROR_REPLY)->outcome == MAS_OK);
  agent_ended(b);
  agent_ended(a);
  CHECK(e.recorder.count == 2);
}

static mas_message *deferred;
static mas_status defers(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)user;
  CHECK_OK(mas_message_defer(message));
  deferred = mas_message_ref(message);
  return MAS_OK;
}
static bool is_deferred(void *context) { return (void)context, deferred != NULL; }
static bool has_2_ended(void *context) { return traced_count(context) == 2 && all_ended(context); }
/* Gives a handler a span of its own. It is too late for that at the start of what was sent already. */
static void tries_to_set(mas_agent *agent, mas_trace_event *event, void *user) {
  record(agent, event, user);
  if (event->phase != MAS_TRACE_START) return;
  const bool late = event->kind == MAS_TRACE_ERROR_REPLY;
  CHECK_STATUS(mas_trace_set(late ? OTHER : PARENT, NULL), late ? MAS_INVALID_STATE : MAS_OK);
}
static void the_error_reply_to_a_released_request_is_told_late(void) {
  recorder r = RECORDER;
  mas_status status = MAS_OK;
  deferred = NULL;
  mas_agent *a = agent_started("alice", NULL), *b = observed_agent("bob", NULL, MAS_TRACE_PAYLOAD, tries_to_set, &r);
  CHECK_OK(mas_agent_on_message(b, "later", defers, NULL));
  CHECK_OK(mas_agent_request_async(a, "bob", "later", NULL, 0, kLong, note_status, &status, NULL));
  CHECK(eventually(is_deferred, NULL, b));
  mas_message_unref(deferred);
  CHECK(traced_count(&r) == 1 && !all_ended(&r)); /* not in this call */
  while (status == MAS_OK) CHECK_OK(mas_agent_poll(a, 100, NULL));
  CHECK_STATUS(status, MAS_HANDLER_FAILED);
  CHECK(eventually(has_2_ended, &r, b));
  const traced *back = only(&r, MAS_TRACE_ERROR_REPLY);
  CHECK(only(&r, MAS_TRACE_HANDLE)->outcome == MAS_HANDLER_FAILED && back->outcome == MAS_OK);
  CHECK_TEXT(back->peer, "alice");
  CHECK_TEXT(back->type, "mas.error");
  CHECK_TEXT(back->body, "{}");
  CHECK_TEXT(back->traceparent, PARENT);
  CHECK_TEXT(back->ended_with, PARENT);
  CHECK(back->ended_us >= back->started_us && back->started_us >= r.all[0].started_us);
  agent_ended(b);
  agent_ended(a);
  CHECK(r.count == 2);
}

static void an_observer_may_end_the_thread_of_a_request(void) {
  ending e = {.recorder = RECORDER, .kind = MAS_TRACE_REQUEST, .phase = MAS_TRACE_END, .left = 1};
  mas_agent *b = agent_started("bob", NULL);
  CHECK_OK(mas_agent_on_message(b, "sum", replies, NULL));
  answering bob = {b, 0};
  resume_answering(&bob);
  mas_agent *a = observed_agent("alice", NULL, 0, ends_its_thread, &e);
  for (int i = 0; i < 2; ++i) in_thread(ask_one, a);
  e.phase = MAS_TRACE_START, e.left = 1;
  for (int i = 0; i < 2; ++i) in_thread(ask_one, a);
  agent_ended(a);
  CHECK(e.recorder.count == 4);
  expect_each_start_has_its_end(&e.recorder);
  CHECK(e.recorder.all[2].outcome == MAS_CANCELLED && e.recorder.all[3].outcome == MAS_OK);
  answering_ended(bob);
}

static void throws(mas_agent *agent, mas_trace_event *event, void *user) {
  record(agent, event, user);
  (void)throwing_handler(agent, NULL, NULL);
}

static void an_observer_may_throw(void) {
  recorder asked = RECORDER, answered = RECORDER;
  mas_agent *a = observed_agent("alice", NULL, 0, throws, &asked),
            *b = observed_agent("bob", NULL, 0, throws, &answered);
  CHECK_OK(mas_agent_on_message(b, "sum", replies, NULL));
  answering bob = {b, 0};
  resume_answering(&bob);
  for (int i = 0; i < 3; ++i) CHECK_OK(mas_agent_request(a, "bob", "sum", NULL, 0, kLong, NULL));
  CHECK_STATUS(mas_agent_request(a, "bob", "x", NULL, 0, kLong, NULL), MAS_NO_HANDLER);
  CHECK_OK(mas_agent_send_wait(a, "bob", "sum", NULL, 0, kLong, NULL));
  answering_ended(bob);
  agent_ended(a);
  CHECK(asked.count == 5 && answered.count >= 8);
  expect_each_start_has_its_end(&asked);
  expect_each_start_has_its_end(&answered);
}

/* At the start of a slow request it sleeps past the request's deadline. */
static void oversleeps(mas_agent *agent, mas_trace_event *event, void *user) {
  record(agent, event, user);
  if (event->phase == MAS_TRACE_START && strcmp(event->type, "slow") == 0) usleep(300 * 1000);
}
static void on_end(mas_agent *agent, mas_status status, const mas_message *reply, void *user) {
  (void)agent, (void)reply;
  atomic_store((atomic_int *)user, (int)status);
}
static bool is_over(void *status) { return atomic_load((atomic_int *)status) == MAS_TIMEOUT; }

/* The deadline of the request before it has the library look at the slow one's, too. */
static void expect_end_of_slow_request(bool direct) {
  recorder r = RECORDER;
  atomic_int quick = MAS_OK, slow = MAS_OK;
  mas_agent *b = agent_started("bob", NULL), *a = observed_agent("alice", NULL, 0, oversleeps, &r);
  CHECK_OK(mas_agent_request_async(a, "bob", "quick", NULL, 0, 30, on_end, &quick, NULL));
  if (direct)
    CHECK_OK(mas_agent_request_direct(a, "bob", "slow", NULL, 0, 60, on_end, &slow, NULL));
  else
    CHECK_OK(mas_agent_request_async(a, "bob", "slow", NULL, 0, 60, on_end, &slow, NULL));
  CHECK(eventually(is_over, &slow, a));
  CHECK(traced_count(&r) == 2 && all_ended(&r) && r.all[1].outcome == MAS_TIMEOUT);
  agent_ended(a);
  agent_ended(b);
  CHECK(r.count == 2);
}

static void a_request_that_ends_before_it_is_sent_has_its_end(void) {
  expect_end_of_slow_request(false);
  expect_end_of_slow_request(true);
}

/* What an agent's user frees with the agent: no event comes after that. */
static recorder *watched;
static void looks_at_what_is_freed(mas_agent *agent, mas_trace_event *event, void *user) {
  CHECK(user == watched);
  record(agent, event, user);
}
static void watch_ended(size_t events) {
  CHECK(watched->count == events);
  expect_each_start_has_its_end(watched);
  free(watched);
  watched = NULL;
}
static void free_with_what_is_watched(mas_agent *agent, const char *target, size_t events_before) {
  for (int i = 0; i < 3; ++i) CHECK_OK(mas_agent_send(agent, target, "x", NULL, 0, NULL));
  CHECK_OK(mas_agent_request_async(agent, target, "x", NULL, 0, -1, ignore_reply, NULL, NULL));
  mas_agent_free(agent);
  watch_ended(events_before + 4);
}
static mas_status frees_in_handler(mas_agent *agent, const mas_message *message, void *user) {
  (void)user;
  CHECK_OK(mas_message_reply(message, "answer", NULL, 0));
  free_with_what_is_watched(agent, "bob", 2);
  return MAS_HANDLER_FAILED;
}
static mas_status frees_in_hook(mas_agent *agent, void *user) {
  (void)user;
  free_with_what_is_watched(agent, "bob", 0);
  return MAS_OK;
}
static void frees_at_the_reply(mas_agent *agent, mas_status status, const mas_message *reply, void *user) {
  (void)status, (void)reply, (void)user;
  free_with_what_is_watched(agent, "bob", 1);
}
static mas_agent *watched_agent(mas_options *options) {
  mas_agent *agent;
  watched = calloc(1, sizeof *watched);
  CHECK(watched != NULL && pthread_mutex_init(&watched->mutex, NULL) == 0);
  CHECK_OK(mas_agent_new("alice", options, &agent));
  CHECK_OK(mas_agent_on_trace(agent, 0, looks_at_what_is_freed, watched));
  return agent;
}
static void expect_no_event_after_a_free_in(mas_options *options) {
  mas_agent *b = agent_started("bob", NULL);
  mas_agent *a = watched_agent(options);
  CHECK_OK(mas_agent_on_message(a, "end", frees_in_handler, NULL));
  CHECK_OK(mas_agent_start(a, kLong));
  CHECK_OK(mas_agent_request_async(b, "alice", "end", NULL, 0, 100, ignore_reply, NULL, NULL));
  CHECK_OK(mas_agent_run(a));

  a = watched_agent(options);
  mas_agent_on_start(a, frees_in_hook, NULL);
  CHECK_STATUS(mas_agent_start(a, kLong), MAS_CANCELLED);

  a = watched_agent(options);
  CHECK_OK(mas_agent_start(a, kLong));
  CHECK_OK(mas_agent_request_async(a, "bob", "x", NULL, 0, 50, frees_at_the_reply, NULL, NULL));
  CHECK_OK(mas_agent_run(a));

  a = watched_agent(options);
  CHECK_OK(mas_agent_start(a, kLong));
  free_with_what_is_watched(a, "bob", 0);
  agent_ended(b);
}
static void no_event_comes_after_the_agent_is_freed(void) {
  mas_options *options = options_here();
  expect_no_event_after_a_free_in(options);
  mas_options_free(options);
}

/* An observer on another thread that does not return within the second for which mas_agent_free waits. */
static atomic_int observing, observed;
static atomic_bool released;
static void waits_until_it_is_released(mas_agent *agent, mas_trace_event *event, void *user) {
  (void)agent, (void)event, (void)user;
  ++observing;
  while (!released) usleep(1000);
  ++observed;
}
static bool is_observing(void *context) { return (void)context, observing == 1; }
static void *send_unheard(void *agent) { return (void)!mas_agent_send(agent, "bob", "x", NULL, 0, NULL), NULL; }
static void no_event_comes_after_a_free_that_did_not_wait_longer(void) {
  pthread_t thread;
  mas_agent *a = observed_agent("alice", NULL, 0, waits_until_it_is_released, NULL);
  CHECK(pthread_create(&thread, NULL, send_unheard, a) == 0);
  CHECK(eventually(is_observing, NULL, NULL));
  mas_agent_free(a);
  released = true;
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(observing == 1 && observed == 1);
}

static void frees_its_agent(mas_agent *agent, mas_trace_event *event, void *user) {
  (void)event;
  ++*(int *)user;
  mas_agent_free(agent);
}
static void an_observer_that_frees_its_agent_is_not_called_again(void) {
  int events = 0;
  mas_agent *a = observed_agent("alice", NULL, 0, frees_its_agent, &events);
  CHECK_OK(mas_agent_on_message(a, "x", replies, NULL));
  mas_agent *b = agent_started("bob", NULL);
  CHECK_OK(mas_agent_send_wait(b, "alice", "x", NULL, 0, kLong, NULL));
  CHECK_OK(mas_agent_run(a));
  CHECK(events == 1);
  agent_ended(b);
}

/* Frees its agent at the first event of one kind and phase, outside of any poll: the call that led there stops it. */
typedef struct freeing {
  mas_trace_kind kind;
  mas_trace_phase phase;
  int events;
} freeing;
static void frees_at(mas_agent *agent, mas_trace_event *event, void *user) {
  freeing *f = user;
  if (event->kind != f->kind || event->phase != f->phase) return;
  CHECK(++f->events == 1);
  mas_agent_free(agent);
}
static void call_flush(mas_agent *a) {
  CHECK_OK(mas_agent_send(a, "bob", "x", NULL, 0, NULL));
  CHECK_OK(mas_agent_flush(a, kLong));
}
static void call_send(mas_agent *a) { CHECK_OK(mas_agent_send(a, "bob", "x", NULL, 0, NULL)); }
static void call_send_wait(mas_agent *a) { CHECK_OK(mas_agent_send_wait(a, "bob", "x", NULL, 0, kLong, NULL)); }
static void call_request(mas_agent *a) {
  CHECK_STATUS(mas_agent_request(a, "bob", "x", NULL, 0, 100, NULL), MAS_TIMEOUT);
}
static void call_settle(mas_agent *a) {
  deferred = NULL;
  CHECK_OK(mas_agent_on_message(a, "later", defers, NULL));
  CHECK_OK(mas_agent_send(a, "alice", "later", NULL, 0, NULL));
  CHECK(eventually(is_deferred, NULL, a));
  CHECK_OK(mas_message_settle(deferred, MAS_OK));
  mas_message_unref(deferred);
}
static void an_agent_that_an_observer_frees_outside_of_a_poll_is_stopped(void) {
  static const struct {
    freeing at;
    void (*call)(mas_agent *);
  } kCases[] = {{{MAS_TRACE_SEND, MAS_TRACE_END, 0}, call_flush},
                {{MAS_TRACE_SEND, MAS_TRACE_START, 0}, call_send},
                {{MAS_TRACE_SEND, MAS_TRACE_END, 0}, call_send_wait},
                {{MAS_TRACE_REQUEST, MAS_TRACE_END, 0}, call_request},
                {{MAS_TRACE_HANDLE, MAS_TRACE_END, 0}, call_settle}};
  mas_agent *b = agent_started("bob", NULL);
  for (size_t i = 0; i < sizeof kCases / sizeof *kCases; ++i) {
    freeing at = kCases[i].at;
    mas_agent *a = observed_agent("alice", NULL, 0, frees_at, &at);
    kCases[i].call(a);
    CHECK(at.events == 1);
    CHECK_TEXT(redis("EXISTS", "agent:alice", NULL), "0");
    CHECK_TEXT(redis("PUBSUB", "NUMSUB", "agent.alice", NULL), "agent.alice\n0\n");
  }
  agent_ended(b);
}

/* A stop that waits no longer for a handler ends its trace, while the handler frees the agent. */
static atomic_bool handler_runs, end_is_told, agent_is_freed;
static void is_slow_at_an_end(mas_agent *agent, mas_trace_event *event, void *user) {
  (void)agent, (void)user;
  if (event->kind != MAS_TRACE_HANDLE || event->phase != MAS_TRACE_END) return;
  end_is_told = true;
  usleep(300 * 1000);
  CHECK(!agent_is_freed);
}
static mas_status frees_once_the_end_is_told(mas_agent *agent, const mas_message *message, void *user) {
  (void)message, (void)user;
  handler_runs = true;
  while (!end_is_told) usleep(1000);
  mas_agent_free(agent);
  agent_is_freed = true;
  return MAS_OK;
}
static bool is_true(void *flag) { return *(atomic_bool *)flag; }
static void no_event_comes_after_a_free_during_a_stop(void) {
  pthread_t thread;
  mas_agent *b = agent_started("bob", NULL), *a = observed_agent("alice", NULL, 0, is_slow_at_an_end, NULL);
  CHECK_OK(mas_agent_on_message(a, "x", frees_once_the_end_is_told, NULL));
  CHECK(pthread_create(&thread, NULL, run_agent, a) == 0);
  CHECK_OK(mas_agent_send(b, "alice", "x", NULL, 0, NULL));
  CHECK(eventually(is_true, &handler_runs, NULL));
  (void)!mas_agent_stop(a, 100);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(agent_is_freed);
  agent_ended(b);
}

int main(int argc, char **argv) {
  static const test_case tests[] = {
      {"a_new_observer_gets_nothing_of_the_former_one", a_new_observer_gets_nothing_of_the_former_one},
      {"a_request_that_ends_before_it_is_sent_has_its_end", a_request_that_ends_before_it_is_sent_has_its_end},
      {"an_agent_that_an_observer_frees_outside_of_a_poll_is_stopped",
       an_agent_that_an_observer_frees_outside_of_a_poll_is_stopped},
      {"no_event_comes_after_a_free_during_a_stop", no_event_comes_after_a_free_during_a_stop},
      {"an_observer_is_set_while_the_agent_does_not_run", an_observer_is_set_while_the_agent_does_not_run},
      {"an_observer_may_end_its_thread", an_observer_may_end_its_thread},
      {"an_observer_may_end_the_thread_of_a_request", an_observer_may_end_the_thread_of_a_request},
      {"an_observer_may_throw", an_observer_may_throw},
      {"an_observer_that_frees_its_agent_is_not_called_again", an_observer_that_frees_its_agent_is_not_called_again},
      {"no_event_comes_after_a_free_that_did_not_wait_longer", no_event_comes_after_a_free_that_did_not_wait_longer},
      {"no_event_comes_after_the_agent_is_freed", no_event_comes_after_the_agent_is_freed},
      {"no_observer_runs_while_a_handler_ends_its_thread", no_observer_runs_while_a_handler_ends_its_thread},
      {"the_error_reply_to_a_released_request_is_told_late", the_error_reply_to_a_released_request_is_told_late},
      {"what_an_observer_sends_is_not_observed", what_an_observer_sends_is_not_observed},
  };
  return RUN_TESTS(argc, argv, tests);
}
