/* Requests and replies between agents of one process and of a foreign program: who may answer, and when. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

static mas_status add(mas_agent *agent, const mas_message *request, void *user) {
  (void)agent, (void)user;
  CHECK(mas_message_expects_reply(request));
  return mas_message_reply(request, "sum.result", "{\"sum\":3}", MAS_STRLEN);
}

typedef struct helper {
  mas_agent *agent;
  pthread_t thread;
} helper;

/* An agent that runs in a thread of its own. */
static helper helper_started(const char *id, const char *type, mas_message_fn fn, void *user) {
  helper h = {agent_started(id, NULL), 0};
  CHECK_OK(mas_agent_on_message(h.agent, type, fn, user));
  CHECK(pthread_create(&h.thread, NULL, run_agent, h.agent) == 0);
  return h;
}

static void helper_ended(helper h) {
  mas_agent_quit(h.agent);
  pthread_join(h.thread, NULL);
  agent_ended(h.agent);
}

static void a_request_gets_its_reply(void) {
  helper b = helper_started("bob", "sum", add, NULL);
  mas_agent *a = agent_started("alice", NULL);
  mas_message *reply = NULL;
  size_t size = 0;
  CHECK_OK(mas_agent_request(a, "bob", "sum", "{\"a\":1}", MAS_STRLEN, 5000, &reply));
  CHECK_TEXT(mas_message_type(reply), "sum.result");
  CHECK_TEXT(mas_message_data(reply, &size), "{\"sum\":3}");
  CHECK(size == strlen("{\"sum\":3}"));
  CHECK_TEXT(mas_message_sender(reply), "bob");
  CHECK(!mas_message_expects_reply(reply));
  CHECK(mas_message_timestamp(reply) > 1.7e9);
  CHECK(strlen(mas_message_correlation_id(reply)) == 36 && strlen(mas_message_id(reply)) == 36);
  CHECK(strstr(mas_message_envelope(reply, &size), "\"is_reply\":true") != NULL);
  CHECK(strlen(mas_message_envelope(reply, NULL)) == size);
  CHECK_STATUS(mas_message_reply(reply, "x", NULL, 0), MAS_INVALID_ARGUMENT);
  agent_ended(a);
  CHECK_TEXT(mas_message_data(reply, NULL), "{\"sum\":3}"); /* outlives its agent */
  mas_message_unref(reply);
  helper_ended(b);
}

static mas_status ask_bob(mas_agent *agent, const mas_message *request, void *user) {
  mas_message *reply = NULL;
  (void)user;
  mas_status status = mas_agent_request(agent, "bob", "sum", NULL, 0, 5000, &reply);
  if (status != MAS_OK) return status;
  status = mas_message_reply(request, "answer", mas_message_data(reply, NULL), MAS_STRLEN);
  mas_message_unref(reply);
  return status;
}

static void a_handler_may_request(void) {
  helper b = helper_started("bob", "sum", add, NULL);
  helper c = helper_started("carol", "ask", ask_bob, NULL);
  mas_agent *a = agent_started("alice", NULL);
  mas_message *reply = NULL;
  CHECK_OK(mas_agent_request(a, "carol", "ask", NULL, 0, 5000, &reply));
  CHECK_TEXT(mas_message_data(reply, NULL), "{\"sum\":3}");
  mas_message_unref(reply);
  agent_ended(a);
  helper_ended(c);
  helper_ended(b);
}

static void requests_end_without_a_reply(void) {
  mas_agent *a = agent_started("alice", NULL), *silent = agent_started("silent", NULL);
  mas_message *reply = NULL;
  CHECK_STATUS(mas_agent_request(a, "nobody", "x", NULL, 0, 5000, &reply), MAS_NO_RECEIVER);
  CHECK(strstr(mas_error_detail(), "'nobody'") != NULL);
  CHECK_STATUS(mas_agent_request(a, "silent", "x", NULL, 0, 30, &reply), MAS_TIMEOUT);
  CHECK(reply == NULL);
  agent_ended(silent);
  agent_ended(a);
}

typedef struct ended {
  int count;
  mas_status status;
  char data[64];
} ended;

static void on_reply(mas_agent *agent, mas_status status, const mas_message *reply, void *user) {
  ended *e = user;
  (void)agent;
  ++e->count;
  e->status = status;
  CHECK((reply != NULL) == (status == MAS_OK));
  if (reply != NULL) strcpy(e->data, mas_message_data(reply, NULL));
}

static bool ended_once(void *context) { return ((ended *)context)->count == 1; }

static void asynchronous_requests_end_in_poll(void) {
  helper b = helper_started("bob", "sum", add, NULL);
  mas_agent *a = agent_started("alice", NULL), *silent = agent_started("silent", NULL);
  ended good = {0}, late = {0}, nobody = {0}, stopped = {0};
  mas_request *request = NULL;
  CHECK_OK(mas_agent_request_async(a, "bob", "sum", NULL, 0, 5000, on_reply, &good, &request));
  CHECK_OK(mas_agent_request_async(a, "silent", "x", NULL, 0, 50, on_reply, &late, NULL));
  CHECK_OK(mas_agent_request_async(a, "nobody", "x", NULL, 0, -1, on_reply, &nobody, NULL));
  CHECK_OK(mas_agent_request_async(a, "silent", "x", NULL, 0, -1, on_reply, &stopped, NULL));
  CHECK(eventually(ended_once, &good, a) && eventually(ended_once, &late, a) && eventually(ended_once, &nobody, a));
  CHECK_STATUS(good.status, MAS_OK);
  CHECK_TEXT(good.data, "{\"sum\":3}");
  CHECK_STATUS(late.status, MAS_TIMEOUT);
  CHECK_STATUS(nobody.status, MAS_NO_RECEIVER);
  CHECK_STATUS(mas_request_cancel(request), MAS_NOT_FOUND);
  mas_request_free(request);
  CHECK(stopped.count == 0);
  agent_ended(a);
  CHECK(stopped.count == 1);
  CHECK_STATUS(stopped.status, MAS_CANCELLED);
  agent_ended(silent);
  helper_ended(b);
}

static void a_cancelled_request_stays_silent(void) {
  mas_agent *a = agent_started("alice", NULL);
  ear *bob = ear_open("agent.bob");
  ended end = {0};
  mas_request *waiting = NULL, *answered = NULL;
  CHECK_OK(mas_agent_request_async(a, "bob", "x", NULL, 0, -1, on_reply, &end, &waiting));
  CHECK(ear_hear(bob) != NULL);
  CHECK_OK(mas_request_cancel(waiting));
  CHECK_STATUS(mas_request_cancel(waiting), MAS_NOT_FOUND);

  CHECK_OK(mas_agent_request_async(a, "nobody", "x", NULL, 0, -1, on_reply, &end, &answered));
  CHECK_OK(mas_agent_flush(a, 5000)); /* it has ended and waits to be polled */
  CHECK_OK(mas_request_cancel(answered));
  CHECK_OK(mas_agent_poll(a, 0, NULL));
  CHECK(end.count == 0);
  mas_request_free(waiting);
  agent_ended(a);
  CHECK(end.count == 0);
  mas_request_free(answered);
  ear_close(bob);
}

/* Answers a request with the bytes a Python agent would send. */
static const char *reply_of(const char *sender, const char *request) {
  char correlation[64] = "";
  if (request == NULL) return "";
  memcpy(correlation, strstr(request, "\"correlation_id\":\"") + 18, 36);
  return text(
      "{\"sender_id\":\"%s\",\"target_id\":\"alice\",\"message_type\":\"sum.result\",\"data\":{\"sum\":3,\"f\":3.0},"
      "\"meta\":{\"version\":1,\"correlation_id\":\"%s\",\"expects_reply\":false,\"is_reply\":true},"
      "\"timestamp\":1795350097.538597,\"message_id\":\"1795350097538598622\"}",
      sender, correlation);
}

static void *answer_twice(void *user) {
  const char *reply = reply_of("bob", ear_hear(user));
  redis_publish("agent.alice", reply, strlen(reply));
  redis_publish("agent.alice", reply, strlen(reply));
  return NULL;
}

static bool one_late(void *context) {
  mas_stats stats;
  mas_agent_stats(context, &stats, sizeof stats);
  return stats.late_replies == 1;
}

static void the_first_answer_counts(void) {
  mas_agent *a = agent_started("alice", NULL);
  ear *bob = ear_open("agent.bob");
  pthread_t peer;
  mas_message *reply = NULL;
  CHECK(pthread_create(&peer, NULL, answer_twice, bob) == 0);
  CHECK_OK(mas_agent_request(a, "bob", "sum.request", "{\"a\":1,\"b\":2}", MAS_STRLEN, 5000, &reply));
  CHECK_TEXT(mas_message_data(reply, NULL), "{\"sum\":3,\"f\":3.0}");
  CHECK_TEXT(mas_message_id(reply), "1795350097538598622");
  mas_message_unref(reply);
  pthread_join(peer, NULL);
  CHECK(eventually(one_late, a, a));
  ear_close(bob);
  agent_ended(a);
}

static void *answer_after_another(void *user) {
  const char *request = ear_hear(user), *of_eve = reply_of("eve", request), *of_bob = reply_of("bob", request);
  redis_publish("agent.alice", of_eve, strlen(of_eve));
  redis_publish("agent.alice", of_bob, strlen(of_bob));
  return NULL;
}

static void only_whom_it_asked_may_answer(void) {
  mas_agent *a = agent_started("alice", NULL);
  ear *bob = ear_open("agent.bob");
  pthread_t peer;
  mas_message *reply = NULL;
  mas_stats stats;
  CHECK(pthread_create(&peer, NULL, answer_after_another, bob) == 0);
  CHECK_OK(mas_agent_request(a, "bob", "sum.request", NULL, 0, 5000, &reply));
  CHECK_TEXT(mas_message_sender(reply), "bob");
  mas_message_unref(reply);
  pthread_join(peer, NULL);
  mas_agent_stats(a, &stats, sizeof stats);
  CHECK(stats.foreign_replies == 1 && stats.late_replies == 0);
  ear_close(bob);
  agent_ended(a);
}

static mas_status keep(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent;
  *(mas_message **)user = mas_message_ref(message);
  return MAS_OK;
}

static bool kept_one(void *context) { return *(mas_message **)context != NULL; }

static void a_kept_request_may_be_answered_late(void) {
  mas_agent *a = agent_started("alice", NULL), *b = agent_started("bob", NULL);
  mas_message *request = NULL;
  ended end = {0};
  CHECK_OK(mas_agent_on_message(b, "x", keep, &request));
  CHECK_OK(mas_agent_request_async(a, "bob", "x", NULL, 0, 5000, on_reply, &end, NULL));
  CHECK(eventually(kept_one, &request, b));
  CHECK_OK(mas_message_reply(request, "y", "{\"late\":true}", MAS_STRLEN));
  CHECK(eventually(ended_once, &end, a));
  CHECK_TEXT(end.data, "{\"late\":true}");
  agent_ended(b);
  CHECK_STATUS(mas_message_reply(request, "y", NULL, 0), MAS_INVALID_STATE); /* its agent is gone */
  mas_message_unref(request);
  agent_ended(a);
}

static void on_direct(mas_agent *agent, mas_status status, const mas_message *reply, void *user) {
  ended *e = user;
  CHECK(agent == NULL && (status == MAS_OK) == (reply != NULL));
  if (reply != NULL) strcpy(e->data, mas_message_data(reply, NULL));
  e->status = status;
  __atomic_add_fetch(&e->count, 1, __ATOMIC_SEQ_CST);
}

static bool direct_once(void *context) { return __atomic_load_n(&((ended *)context)->count, __ATOMIC_SEQ_CST) == 1; }

static void a_direct_request_ends_without_a_poll(void) {
  mas_agent *a = agent_started("alice", NULL), *b = agent_started("bob", NULL);
  helper carol = helper_started("carol", "sum", add, NULL);
  ended answered = {0}, late = {0}, nobody = {0}, cancelled = {0}, stopped = {0};
  mas_request *request = NULL;
  CHECK_OK(mas_agent_request_direct(a, "carol", "sum", NULL, 0, 5000, on_direct, &answered, NULL));
  CHECK(eventually(direct_once, &answered, NULL));
  CHECK_TEXT(answered.data, "{\"sum\":3}");
  CHECK_OK(mas_agent_request_direct(a, "bob", "x", NULL, 0, 20, on_direct, &late, NULL));
  CHECK(eventually(direct_once, &late, NULL));
  CHECK(late.status == MAS_TIMEOUT);
  CHECK_OK(mas_agent_request_direct(a, "nobody", "x", NULL, 0, 5000, on_direct, &nobody, NULL));
  CHECK(eventually(direct_once, &nobody, NULL));
  CHECK(nobody.status == MAS_NO_RECEIVER);
  CHECK_OK(mas_agent_request_direct(a, "bob", "x", NULL, 0, 5000, on_direct, &cancelled, &request));
  CHECK_OK(mas_request_cancel(request));
  mas_request_free(request);
  CHECK_OK(mas_agent_request_direct(a, "bob", "x", NULL, 0, -1, on_direct, &stopped, NULL));
  agent_ended(a);
  CHECK(direct_once(&stopped) && stopped.status == MAS_CANCELLED && cancelled.count == 0);
  agent_ended(b);
  helper_ended(carol);
}

static const test_case kTests[] = {
    {"a request gets its reply", a_request_gets_its_reply},
    {"a handler may request", a_handler_may_request},
    {"requests end without a reply", requests_end_without_a_reply},
    {"asynchronous requests end in poll", asynchronous_requests_end_in_poll},
    {"a cancelled request stays silent", a_cancelled_request_stays_silent},
    {"a direct request ends without a poll", a_direct_request_ends_without_a_poll},
    {"the first answer counts", the_first_answer_counts},
    {"only whom it asked may answer", only_whom_it_asked_may_answer},
    {"a kept request may be answered late", a_kept_request_may_be_answered_late},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
