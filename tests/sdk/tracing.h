/* An observer that keeps what it is told, for the tests of tracing. */
#ifndef TESTS_SDK_TRACING_H
#define TESTS_SDK_TRACING_H

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

#ifndef UNUSED
#define UNUSED __attribute__((unused))
#endif

#define TRACE_ID "0af7651916cd43dd8448eb211c80319c"
#define PARENT "00-" TRACE_ID "-b7ad6b7169203331-01"
#define OTHER "00-11111111111111111111111111111111-2222222222222222-01"
#define STATE "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"

enum { kMaxTraced = 512, kTracedText = 600 };

typedef struct traced {
  mas_trace_kind kind;
  uint64_t number;
  int starts, ends;
  char peer[64], type[64], message_id[64], correlation_id[64], conversation_id[64], body[64];
  char traceparent[64], tracestate[kTracedText]; /* at the start */
  char ended_with[64];                           /* the traceparent at the end */
  uint32_t attempt;
  size_t body_size;
  int64_t started_us, ended_us;
  mas_status outcome;
  pthread_t start_thread, end_thread;
} traced;

typedef struct recorder {
  pthread_mutex_t mutex;
  size_t count;
  traced all[kMaxTraced];
  const char *spans; /* set: what starts gets a span of its own in this trace */
} recorder;

#define RECORDER \
  { .mutex = PTHREAD_MUTEX_INITIALIZER }

/* The context of the span that the recorder gives to an event. */
static UNUSED void span_of(const recorder *r, mas_trace_kind kind, uint64_t number, char out[56]) {
  snprintf(out, 56, "00-%.32s-%08x%08x-01", r->spans, (unsigned)kind, (unsigned)number);
}

static UNUSED void record(mas_agent *agent, mas_trace_event *event, void *user) {
  recorder *r = user;
  CHECK(agent != NULL && event->size == sizeof *event);
  pthread_mutex_lock(&r->mutex);
  if (event->phase == MAS_TRACE_START) {
    CHECK(event->span == NULL && event->ended_us == 0 && event->outcome == MAS_OK && r->count < kMaxTraced);
    traced *t = &r->all[r->count++];
    event->span = t;
    t->kind = event->kind;
    t->number = event->number;
    snprintf(t->peer, sizeof t->peer, "%s", event->peer);
    snprintf(t->type, sizeof t->type, "%s", event->type);
    snprintf(t->message_id, sizeof t->message_id, "%s", event->message_id);
    snprintf(t->correlation_id, sizeof t->correlation_id, "%s", event->correlation_id);
    snprintf(t->conversation_id, sizeof t->conversation_id, "%s", event->conversation_id);
    snprintf(t->traceparent, sizeof t->traceparent, "%s", event->traceparent);
    snprintf(t->tracestate, sizeof t->tracestate, "%s", event->tracestate);
    if (event->body != NULL) snprintf(t->body, sizeof t->body, "%.*s", (int)event->body_size, event->body);
    t->attempt = event->attempt;
    t->started_us = event->started_us;
    t->body_size = event->body_size;
    t->start_thread = pthread_self();
    ++t->starts;
    if (r->spans != NULL) {
      char span[56];
      span_of(r, event->kind, event->number, span);
      CHECK_OK(mas_trace_set(span, STATE));
    }
  } else {
    traced *t = event->span;
    CHECK(event->phase == MAS_TRACE_END && t != NULL && t->number == event->number && t->kind == event->kind);
    CHECK_TEXT(event->message_id, t->message_id);
    CHECK(event->started_us == t->started_us && event->ended_us >= event->started_us && event->body == NULL);
    snprintf(t->ended_with, sizeof t->ended_with, "%s", event->traceparent);
    t->ended_us = event->ended_us;
    t->outcome = event->outcome;
    t->end_thread = pthread_self();
    ++t->ends;
    CHECK_STATUS(mas_trace_set(PARENT, NULL), MAS_INVALID_STATE);
  }
  pthread_mutex_unlock(&r->mutex);
}

static UNUSED size_t traced_count(recorder *r) {
  pthread_mutex_lock(&r->mutex);
  const size_t count = r->count;
  pthread_mutex_unlock(&r->mutex);
  return count;
}
static UNUSED bool all_ended(void *context) {
  recorder *r = context;
  bool ended = true;
  pthread_mutex_lock(&r->mutex);
  for (size_t i = 0; i < r->count; ++i) ended = ended && r->all[i].ends == 1;
  pthread_mutex_unlock(&r->mutex);
  return ended;
}
/* The only event of that kind; it must have ended once. */
static UNUSED const traced *only(recorder *r, mas_trace_kind kind) {
  const traced *found = NULL;
  for (size_t i = 0; i < r->count; ++i) {
    if (r->all[i].kind != kind) continue;
    CHECK(found == NULL);
    found = &r->all[i];
  }
  CHECK(found != NULL && found->starts == 1 && found->ends == 1);
  return found;
}
static UNUSED void expect_each_start_has_its_end(recorder *r) {
  for (size_t i = 0; i < r->count; ++i) CHECK(r->all[i].starts == 1 && r->all[i].ends == 1);
}

/* An agent with an observer, started. */
static UNUSED mas_agent *observed_agent(const char *id, mas_options *options, unsigned flags, mas_trace_fn fn,
                                        void *user) {
  mas_options *mine = options == NULL ? options_here() : options;
  mas_agent *agent;
  CHECK_OK(mas_agent_new(id, mine, &agent));
  CHECK_OK(mas_agent_on_trace(agent, flags, fn, user));
  CHECK_OK(mas_agent_start(agent, 10000));
  if (options == NULL) mas_options_free(mine);
  return agent;
}

#endif /* TESTS_SDK_TRACING_H */
