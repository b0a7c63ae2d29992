/* The observer makes spans, a queue takes them, and a thread posts them in batches. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "otlp_exporter.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
  kMaxQueued = 2048, /* spans */
  kBatch = 512,
  kDelayMs = 1000, /* how long a span waits for others */
  kTries = 4,
  kTraceIdDigits = 32,
  kSpanIdDigits = 16
};

typedef struct span {
  struct span *next;
  char trace_id[kTraceIdDigits + 1], span_id[kSpanIdDigits + 1], parent_id[kSpanIdDigits + 1];
  bool sampled;
  char *json;
} span;

struct otlp_exporter {
  pthread_t thread;
  char *url, *service;
  struct curl_slist *headers;
  long timeout_ms;

  pthread_mutex_t mutex;
  pthread_cond_t changed;
  /* Guarded by mutex. */
  span *first, **end;
  size_t queued;
  unsigned long lost;
  bool ending;
  struct timespec deadline; /* of the end */
};

/* ---- JSON */

typedef struct text {
  char *bytes;
  size_t size;
  FILE *file;
} text;

static bool text_open(text *t) {
  *t = (text){0};
  t->file = open_memstream(&t->bytes, &t->size);
  return t->file != NULL;
}

/* What the library hands out is UTF-8. */
static void put_string(FILE *out, const char *value) {
  fputc('"', out);
  for (const unsigned char *c = (const unsigned char *)value; *c != '\0'; ++c) {
    if (*c < 0x20 || *c == 0x7f)
      fprintf(out, "\\u%04x", *c);
    else if (*c == '"' || *c == '\\')
      fprintf(out, "\\%c", *c);
    else
      fputc(*c, out);
  }
  fputc('"', out);
}

static void put_text(FILE *out, const char *key, const char *value) {
  if (*value == '\0') return;
  fprintf(out, ",{\"key\":\"%s\",\"value\":{\"stringValue\":", key);
  put_string(out, value);
  fputs("}}", out);
}

static void put_number(FILE *out, const char *key, unsigned long long value) {
  fprintf(out, ",{\"key\":\"%s\",\"value\":{\"intValue\":\"%llu\"}}", key, value);
}

/* ---- Spans */

static void random_digits(char *out, size_t digits) {
  unsigned char bytes[kTraceIdDigits / 2] = {0};
  if (getrandom(bytes, digits / 2, 0) < 0) bytes[0] = 1;
  for (size_t i = 0; i < digits / 2; ++i) snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static const char *operation(mas_trace_kind kind) {
  switch (kind) {
    case MAS_TRACE_REQUEST:
      return "request";
    case MAS_TRACE_REPLY:
    case MAS_TRACE_ERROR_REPLY:
      return "reply";
    case MAS_TRACE_HANDLE:
      return "process";
    default:
      return "send";
  }
}

/* As OTLP numbers them. A request waits for its answer. */
static int kind_of(mas_trace_kind kind) {
  enum { kClient = 3, kProducer = 4, kConsumer = 5 };
  if (kind == MAS_TRACE_REQUEST) return kClient;
  return kind == MAS_TRACE_HANDLE ? kConsumer : kProducer;
}

static void begin_span(span *s, const mas_trace_event *event) {
  const char *parent = event->traceparent; /* 00-TRACE-PARENT-FLAGS, or nothing */
  if (*parent != '\0') {
    memcpy(s->trace_id, parent + 3, kTraceIdDigits);
    memcpy(s->parent_id, parent + 36, kSpanIdDigits);
    s->sampled = (strtol(parent + 53, NULL, 16) & 1) != 0;
  } else {
    random_digits(s->trace_id, kTraceIdDigits);
    s->sampled = true;
  }
  random_digits(s->span_id, kSpanIdDigits);
}

static char *span_json(const span *s, const mas_agent *agent, const mas_trace_event *event) {
  text t;
  if (!text_open(&t)) return NULL;
  const char *destination = event->kind == MAS_TRACE_HANDLE ? mas_agent_id(agent) : event->peer;
  const bool failed = event->outcome != MAS_OK;
  fprintf(t.file, "{\"traceId\":\"%s\",\"spanId\":\"%s\",\"parentSpanId\":\"%s\",\"kind\":%d,\"name\":", s->trace_id,
          s->span_id, s->parent_id, kind_of(event->kind));
  char name[1024];
  snprintf(name, sizeof name, "%s %s", operation(event->kind), destination);
  put_string(t.file, name);
  fprintf(t.file, ",\"startTimeUnixNano\":\"%lld000\",\"endTimeUnixNano\":\"%lld000\"", (long long)event->started_us,
          (long long)event->ended_us);
  fputs(",\"attributes\":[{\"key\":\"messaging.system\",\"value\":{\"stringValue\":\"mas\"}}", t.file);
  put_text(t.file, "messaging.operation.name", operation(event->kind));
  put_text(t.file, "messaging.operation.type", event->kind == MAS_TRACE_HANDLE ? "process" : "send");
  put_text(t.file, "messaging.destination.name", destination);
  put_text(t.file, "messaging.message.id", event->message_id);
  put_text(t.file, "messaging.message.conversation_id", event->correlation_id);
  put_number(t.file, "messaging.message.body.size", event->body_size);
  put_text(t.file, "gen_ai.agent.id", mas_agent_id(agent));
  put_text(t.file, "gen_ai.agent.name", mas_agent_id(agent));
  put_text(t.file, "gen_ai.conversation.id", event->conversation_id);
  put_text(t.file, "mas.peer", event->peer);
  put_text(t.file, "mas.message.type", event->type);
  if (event->attempt > 1) put_number(t.file, "mas.message.attempt", event->attempt);
  if (failed) put_text(t.file, "error.type", mas_status_text(event->outcome));
  fprintf(t.file, "],\"status\":{\"code\":%d}}", failed ? 2 : 0);
  const bool written = ferror(t.file) == 0;
  if (fclose(t.file) == 0 && written) return t.bytes;
  free(t.bytes);
  return NULL;
}

static void free_span(span *s) {
  free(s->json);
  free(s);
}

static void lose(otlp_exporter *e, unsigned long count) {
  pthread_mutex_lock(&e->mutex);
  e->lost += count;
  pthread_mutex_unlock(&e->mutex);
}

static void queue_span(otlp_exporter *e, span *s) {
  pthread_mutex_lock(&e->mutex);
  const bool room = e->queued < kMaxQueued && s->json != NULL;
  if (room) {
    *e->end = s;
    e->end = &s->next;
    ++e->queued;
    pthread_cond_signal(&e->changed);
  } else {
    ++e->lost;
  }
  pthread_mutex_unlock(&e->mutex);
  if (!room) free_span(s);
}

static void observe(mas_agent *agent, mas_trace_event *event, void *user) {
  otlp_exporter *e = user;
  if (event->phase == MAS_TRACE_START) {
    span *s = calloc(1, sizeof *s);
    if (s == NULL) {
      lose(e, 1);
      return;
    }
    begin_span(s, event);
    event->span = s;
    char context[64];
    snprintf(context, sizeof context, "00-%s-%s-%s", s->trace_id, s->span_id, s->sampled ? "01" : "00");
    if (mas_trace_set(context, event->tracestate) != MAS_OK) s->sampled = false; /* nobody would find the span */
    return;
  }
  span *s = event->span;
  if (s == NULL) return;
  if (s->sampled) {
    s->json = span_json(s, agent, event);
    queue_span(e, s);
  } else {
    free_span(s);
  }
}

/* ---- Sending */

static size_t ignore(char *bytes, size_t size, size_t count, void *user) {
  (void)bytes, (void)user;
  return size * count;
}

static long milliseconds_until(const struct timespec *then) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long)(then->tv_sec - now.tv_sec) * 1000 + (then->tv_nsec - now.tv_nsec) / 1000000;
}
static struct timespec in_milliseconds(long ms) {
  struct timespec then;
  clock_gettime(CLOCK_MONOTONIC, &then);
  then.tv_sec += ms / 1000;
  then.tv_nsec += ms % 1000 * 1000000;
  if (then.tv_nsec >= 1000000000) then.tv_sec += 1, then.tv_nsec -= 1000000000;
  return then;
}

/* @return how long a try may take; at the end no longer than there is time. */
static long patience(otlp_exporter *e) {
  pthread_mutex_lock(&e->mutex);
  const long left = e->ending ? milliseconds_until(&e->deadline) : e->timeout_ms;
  pthread_mutex_unlock(&e->mutex);
  return left < e->timeout_ms ? left : e->timeout_ms;
}

/* Waits before another try; the end of the program shortens that. */
static void pause_before_retry(otlp_exporter *e, long ms) {
  const struct timespec until = in_milliseconds(ms);
  pthread_mutex_lock(&e->mutex);
  while (!e->ending && pthread_cond_timedwait(&e->changed, &e->mutex, &until) == 0) {
  }
  pthread_mutex_unlock(&e->mutex);
}

/* A post that has begun before the end does not outlast it. libcurl asks at least once a second. */
static int give_up(void *exporter, curl_off_t to_get, curl_off_t got, curl_off_t to_put, curl_off_t put) {
  (void)to_get, (void)got, (void)to_put, (void)put;
  return patience(exporter) <= 0;
}

/* OTLP: these mean "try again", as a lost connection does. */
static bool try_again(CURLcode result, long code) {
  return result != CURLE_OK || code == 429 || code == 502 || code == 503 || code == 504;
}

static bool post(otlp_exporter *e, const char *body, size_t size) {
  CURL *curl = curl_easy_init();
  if (curl == NULL) return false;
  long code = 0;
  CURLcode result = CURLE_OPERATION_TIMEDOUT; /* unless it is tried */
  curl_easy_setopt(curl, CURLOPT_URL, e->url);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, e->headers);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, give_up);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, e);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  for (int i = 0; i < kTries; ++i) {
    if (i > 0) pause_before_retry(e, 100L << i);
    const long left = patience(e);
    if (left <= 0) break;
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left);
    result = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    if (!try_again(result, code)) break;
  }
  curl_easy_cleanup(curl);
  return result == CURLE_OK && code / 100 == 2;
}

/* Frees the spans. @param out may be NULL. @return their number. */
static unsigned long write_spans(FILE *out, span *batch) {
  unsigned long count = 0;
  while (batch != NULL) {
    span *next = batch->next;
    if (out != NULL) fprintf(out, "%s%s", count == 0 ? "" : ",", batch->json);
    ++count;
    free_span(batch);
    batch = next;
  }
  return count;
}

static unsigned long write_batch(FILE *out, const char *service, span *batch) {
  fputs("{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":",
        out);
  put_string(out, service);
  fprintf(out, "}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"mas\",\"version\":\"%s\"},\"spans\":[", mas_version());
  const unsigned long count = write_spans(out, batch);
  fputs("],\"schemaUrl\":\"https://opentelemetry.io/schemas/1.41.0\"}]}]}", out);
  return count;
}

static void send_batch(otlp_exporter *e, span *batch) {
  text t;
  if (!text_open(&t)) {
    lose(e, write_spans(NULL, batch));
    return;
  }
  const unsigned long count = write_batch(t.file, e->service, batch);
  const bool written = ferror(t.file) == 0;
  if (fclose(t.file) != 0 || !written || !post(e, t.bytes, t.size)) lose(e, count);
  free(t.bytes);
}

/* Waits for a batch, or for kDelayMs after the first span. @return NULL at the end. */
static span *take_batch(otlp_exporter *e) {
  pthread_mutex_lock(&e->mutex);
  while (e->queued == 0 && !e->ending) pthread_cond_wait(&e->changed, &e->mutex);
  const struct timespec until = in_milliseconds(kDelayMs);
  while (e->queued < kBatch && !e->ending && pthread_cond_timedwait(&e->changed, &e->mutex, &until) == 0) {
  }
  span *batch = e->first, *last = batch;
  size_t count = batch == NULL ? 0 : 1;
  for (; count > 0 && count < kBatch && last->next != NULL; ++count) last = last->next;
  if (batch != NULL) {
    e->first = last->next;
    last->next = NULL;
    e->queued -= count;
    if (e->first == NULL) e->end = &e->first;
  }
  pthread_mutex_unlock(&e->mutex);
  return batch;
}

static void *send_all(void *exporter) {
  span *batch;
  while ((batch = take_batch(exporter)) != NULL) send_batch(exporter, batch);
  return NULL;
}

/* ---- Settings */

/* @return NULL without memory. */
static char *join(const char *first, const char *second, const char *third) {
  char *joined;
  return asprintf(&joined, "%s%s%s", first, second, third) < 0 ? NULL : joined;
}

static bool add_header(struct curl_slist **headers, const char *line) {
  struct curl_slist *longer = curl_slist_append(*headers, line);
  if (longer != NULL) *headers = longer; /* else it is as it was */
  return longer != NULL;
}

/* @param list "name=value,name2=value2", with values as in URLs. @return false without memory. */
static bool add_headers(struct curl_slist **headers, const char *list) {
  if (!add_header(headers, "Content-Type: application/json")) return false;
  char *copy = strdup(list), *rest = copy, *pair;
  bool added = copy != NULL;
  while (added && (pair = strsep(&rest, ",")) != NULL) {
    char *value = strchr(pair, '=');
    if (value == NULL) continue;
    *value++ = '\0';
    char *plain = curl_easy_unescape(NULL, value, 0, NULL);
    if (plain == NULL || strpbrk(plain, "\r\n") == NULL) {
      char *line = plain == NULL ? NULL : join(pair + strspn(pair, " "), ": ", plain);
      added = line != NULL && add_header(headers, line);
      free(line);
    }
    curl_free(plain);
  }
  free(copy);
  return added;
}

static const char *setting(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value == NULL || *value == '\0' ? otherwise : value;
}

/* @return the time-out in milliseconds; the default where the setting is not a positive number. */
static long timeout_setting(void) {
  enum { kDefaultMs = 10000 };
  const char *value = setting("OTEL_EXPORTER_OTLP_TIMEOUT", "");
  char *end;
  errno = 0;
  const long ms = strtol(value, &end, 10);
  return end != value && *end == '\0' && errno == 0 && ms > 0 ? ms : kDefaultMs;
}

static void free_exporter(otlp_exporter *e) {
  pthread_cond_destroy(&e->changed);
  pthread_mutex_destroy(&e->mutex);
  curl_slist_free_all(e->headers);
  free(e->url);
  free(e->service);
  free(e);
}

otlp_exporter *otlp_exporter_new(const char *service) {
  otlp_exporter *e = calloc(1, sizeof *e);
  if (e == NULL) return NULL;
  const char *endpoint = setting("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318");
  const int length = (int)strlen(endpoint);
  const bool slash = length > 0 && endpoint[length - 1] == '/';
  e->url = join(endpoint, slash ? "" : "/", "v1/traces");
  e->service = strdup(setting("OTEL_SERVICE_NAME", service));
  e->timeout_ms = timeout_setting();
  e->end = &e->first;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  const bool headers = add_headers(&e->headers, setting("OTEL_EXPORTER_OTLP_HEADERS", ""));
  pthread_mutex_init(&e->mutex, NULL);
  pthread_condattr_t clock;
  pthread_condattr_init(&clock);
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_cond_init(&e->changed, &clock);
  pthread_condattr_destroy(&clock);
  if (e->url != NULL && e->service != NULL && headers && pthread_create(&e->thread, NULL, send_all, e) == 0) return e;
  free_exporter(e);
  return NULL;
}

mas_status otlp_exporter_observe(otlp_exporter *exporter, mas_agent *agent) {
  return mas_agent_on_trace(agent, 0, observe, exporter);
}

unsigned long otlp_exporter_end(otlp_exporter *exporter, int timeout_ms) {
  if (exporter == NULL) return 0;
  pthread_mutex_lock(&exporter->mutex);
  exporter->ending = true;
  exporter->deadline = in_milliseconds(timeout_ms);
  pthread_cond_broadcast(&exporter->changed);
  pthread_mutex_unlock(&exporter->mutex);
  pthread_join(exporter->thread, NULL);
  const unsigned long lost = exporter->lost;
  free_exporter(exporter);
  return lost;
}
