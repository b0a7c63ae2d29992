/* Children of a program with agents: nothing works in them, nothing hangs, and their parent does not notice. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <mas_schema.h>

#include "harness.h"

enum { kRounds = 100, kChildSeconds = 20 };

#ifdef __SANITIZE_ADDRESS__
/* A child has not the threads that the leak detector would find their memory by. */
static pid_t first;
__attribute__((constructor)) static void remember(void) { first = getpid(); }
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) { return getpid() != first; }
#endif

static atomic_bool over;
static atomic_ulong handled;

static mas_status on_message(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)user;
  ++handled;
  if (!mas_message_expects_reply(message)) return MAS_OK;
  return mas_message_reply(message, "answer", NULL, 0);
}

static void *poll_until_over(void *agent) {
  while (!over) CHECK_OK(mas_agent_poll(agent, 20, NULL));
  return NULL;
}

static void *send_until_over(void *agent) {
  for (int n = 1; !over; ++n) {
    CHECK_OK(mas_agent_send(agent, "worker", "note", NULL, 0, NULL));
    if (n % 64 == 0) CHECK_OK(mas_agent_flush(agent, 10000));
  }
  return NULL;
}

/** The child's end: 0, in time. A child that hangs is ended, and fails the test. */
static void await(pid_t child) {
  int status;
  for (int i = 0; i < kChildSeconds * 1000; ++i) {
    pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) break;
    if (i + 1 == kChildSeconds * 1000) kill(child, SIGKILL);
    usleep(1000);
  }
  if (status != 0) printf("a child ended with %#x\n", (unsigned)status);
  CHECK(status == 0);
}

static void expect_refused(mas_status status) {
  if (status != MAS_INVALID_STATE) _exit(2);
}

static void on_field(const char *name, const char *value, size_t size, void *user) {
  (void)name, (void)value, (void)size, (void)user;
}

static void on_reply(mas_agent *agent, mas_status status, const mas_message *reply, void *user) {
  (void)agent, (void)status, (void)reply, (void)user;
}

static void on_receipt(mas_agent *agent, const char *id, const char *target, mas_status outcome, void *user) {
  (void)agent, (void)id, (void)target, (void)outcome, (void)user;
}

static void on_overflow(mas_agent *agent, uint64_t dropped, void *user) { (void)agent, (void)dropped, (void)user; }
static void on_doubt(mas_agent *agent, const mas_doubt *doubt, void *user) { (void)agent, (void)doubt, (void)user; }
static mas_status on_hook(mas_agent *agent, void *user) { return (void)agent, (void)user, MAS_OK; }
static void on_line(const char *line, void *user) { (void)line, (void)user; }

typedef struct note {
  int32_t n;
} note;
static const mas_field note_fields[] = {MAS_FIELD(note, n, MAS_TYPE_INT32, 0)};
static const mas_schema note_schema = MAS_SCHEMA(note, note_fields);
static mas_status on_note(mas_agent *agent, const mas_message *message, const void *filled, void *user) {
  return (void)agent, (void)message, (void)filled, (void)user, MAS_OK;
}

/** What the parent had when it forked. */
typedef struct inherited {
  mas_agent *agent;
  mas_message *message;
  mas_request *request;
  mas_agent_list *list;
  mas_options *options;
  char *value;
} inherited;

/** In a child: settings. */
static void call_options(mas_options *options) {
  expect_refused(mas_options_set_redis_url(options, "redis://localhost"));
  expect_refused(mas_options_set_namespace(options, "n"));
  expect_refused(mas_options_set_mode(options, MAS_MODE_P2P));
  expect_refused(mas_options_set_credentials(options, ""));
  expect_refused(mas_options_set_handler_timeout(options, 1));
  expect_refused(mas_options_set_dedupe_window(options, 1));
  expect_refused(mas_options_set_doubt_window(options, 1, 1));
  expect_refused(mas_options_add_capability(options, "c"));
  expect_refused(mas_options_set_metadata(options, "{}", MAS_STRLEN));
  expect_refused(mas_options_set_heartbeat(options, 1000, 2000));
  expect_refused(mas_options_set_max_message(options, 4096));
  expect_refused(mas_options_set_inbound_queue(options, 1, 1));
  expect_refused(mas_options_set_outbound_queue(options, 1, 1));
  mas_options_set_debug(options, on_line, NULL);
  mas_options_free(options);
}

/** In a child: what needs no connection works, or is refused; nothing hangs. */
static void call_the_rest(const inherited *had) {
  mas_agent *agent = had->agent;
  mas_data_key *key = NULL;
  mas_request *request = NULL;
  char *json = NULL;
  void *filled = NULL;
  note n = {1};
  expect_refused(mas_agent_request_async(agent, "worker", "question", NULL, 0, -1, on_reply, NULL, &request));
  expect_refused(mas_agent_request_direct(agent, "worker", "question", NULL, 0, -1, on_reply, NULL, &request));
  expect_refused(mas_agent_send_again(agent, mas_message_id(had->message), "worker", "note", NULL, 0));
  expect_refused(mas_agent_send_with(agent, "worker", "note", NULL, 0, NULL, 0, NULL));
  expect_refused(mas_agent_on_typed(agent, "note", &note_schema, on_note, NULL));
  expect_refused(mas_state_bind(agent, &note_schema, &n));
  expect_refused(mas_state_save(agent, -1));
  expect_refused(mas_state_reset(agent, -1));
  const mas_schema *compiled = NULL;
  expect_refused(mas_schema_compile(&note_schema, &compiled));
  mas_schema_free(compiled);
  expect_refused(mas_schema_read(&note_schema, "{\"n\":1}", MAS_STRLEN, &filled));
  expect_refused(mas_schema_write(&note_schema, &n, &json, NULL));
  expect_refused(mas_data_key_read("k", "/nonexistent", &key));
  expect_refused(mas_message_decrypt(had->message, key, &json, NULL));
  expect_refused(mas_request_cancel(had->request));
  expect_refused(mas_trace_set(NULL, NULL));
  expect_refused(mas_agent_on_trace(agent, 0, NULL, NULL));
  mas_agent_on_receipt(agent, MAS_RECEIPTS_ALL, on_receipt, NULL);
  mas_agent_on_overflow(agent, on_overflow, NULL);
  mas_agent_on_doubt(agent, on_doubt, NULL);
  mas_agent_on_start(agent, on_hook, NULL);
  mas_agent_on_stop(agent, on_hook, NULL);
  mas_struct_free(filled);
  mas_data_key_free(key);
  mas_request_free(had->request);
  mas_free(had->value);
  call_options(had->options);
}

/** In a child: texts and numbers are there. */
static void look_at_everything(const inherited *had) {
  const mas_message *message = had->message;
  const mas_agent_list *list = had->list;
  bool there = mas_agent_fd(had->agent) >= 0 && strlen(mas_agent_instance(had->agent)) == 32;
  there = there && strcmp(mas_message_sender(message), "worker") == 0 && strlen(mas_message_id(message)) > 0;
  there = there && strlen(mas_message_correlation_id(message)) > 0 && mas_message_data(message, NULL) != NULL;
  there = there && mas_message_envelope(message, NULL) != NULL && mas_message_timestamp(message) > 0;
  there = there && mas_message_attempt(message) == 1 && *mas_message_traceparent(message) == 0 &&
          mas_agent_list_size(list) == 2;
  there = there && strlen(mas_message_tracestate(message)) == 0;
  there = there && strcmp(mas_agent_list_id(list, 1), "worker") == 0 && mas_agent_list_active(list, 1);
  there = there && mas_agent_list_metadata(list, 1) != NULL && mas_agent_list_registered_at(list, 1) > 0;
  there = there && mas_agent_list_capability_count(list, 1) == 0 && mas_agent_list_capability(list, 1, 0) == NULL;
  there = there && mas_version() != NULL && mas_version_compatible(MAS_VERSION);
  there = there && mas_status_text(MAS_OK) != NULL && !mas_status_retriable(MAS_OK);
  there = there && mas_receipt_decision() != NULL && mas_receipt_detail() != NULL && mas_receipt_retry_after() == 0;
  there = there && mas_error_reply_code() != NULL && mas_error_reply_text() != NULL;
  if (!there) _exit(4);
  mas_message_unref(mas_message_ref(message));
  mas_agent_list_free(had->list);
}

/** In a child: calls everything. */
static void call_everything(mas_agent *agent, mas_message *message) {
  mas_agent *other = NULL;
  mas_message *reply = NULL;
  mas_agent_list *list = NULL;
  mas_state_field field = {"a", "1", MAS_STRLEN};
  mas_options *options = mas_options_new();
  expect_refused(mas_agent_new("other", options, &other));
  mas_options_free(options);
  expect_refused(mas_agent_start(agent, -1));
  expect_refused(mas_agent_poll(agent, -1, NULL));
  expect_refused(mas_agent_run(agent));
  expect_refused(mas_agent_send(agent, "worker", "note", NULL, 0, NULL));
  expect_refused(mas_agent_send_wait(agent, "worker", "note", NULL, 0, -1, NULL));
  expect_refused(mas_agent_request(agent, "worker", "question", NULL, 0, -1, &reply));
  expect_refused(mas_agent_flush(agent, -1));
  expect_refused(mas_agent_discover(agent, NULL, 0, 0, 0, -1, &list));
  expect_refused(mas_state_update(agent, &field, 1, -1));
  expect_refused(mas_state_refresh(agent, -1));
  expect_refused(mas_state_get(agent, "a", NULL, NULL));
  expect_refused(mas_message_reply(message, "answer", NULL, 0));
  expect_refused(mas_message_reply_error(message, MAS_HANDLER_FAILED, "forked"));
  expect_refused(mas_message_defer(message));
  expect_refused(mas_message_settle(message, MAS_OK));
  mas_message_fail(message, MAS_HANDLER_FAILED, "forked") == MAS_HANDLER_FAILED ? (void)0 : _exit(2);
  mas_state_each(agent, on_field, NULL);
  mas_agent_on_message(agent, "note", on_message, NULL) == MAS_INVALID_STATE ? (void)0 : _exit(2);
  mas_agent_on_connection(agent, NULL, NULL);
  mas_agent_quit(agent);
  mas_stats stats;
  mas_agent_stats(agent, &stats, sizeof stats);
  if (strstr(mas_error_detail(), "fork") == NULL || strcmp(mas_agent_id(agent), "asker") != 0) _exit(3);
  if (strcmp(mas_message_type(message), "answer") != 0) _exit(3);
  expect_refused(mas_agent_stop(agent, -1));
  mas_message_unref(message);
  mas_agent_free(agent);
}

static void children_under_traffic(void) {
  mas_agent *worker = agent_started("worker", NULL), *asker = agent_started("asker", NULL);
  pthread_t poller, sender;
  inherited had = {.agent = asker, .options = options_here()};
  mas_message *answer = NULL;
  mas_state_field field = {"a", "1", MAS_STRLEN};
  CHECK_OK(mas_agent_on_message(worker, NULL, on_message, NULL));
  pthread_create(&poller, NULL, poll_until_over, worker);
  pthread_create(&sender, NULL, send_until_over, asker);
  CHECK_OK(mas_agent_request(asker, "worker", "question", NULL, 0, 5000, &answer));
  CHECK_OK(mas_agent_request_async(asker, "worker", "question", NULL, 0, 5000, on_reply, NULL, &had.request));
  CHECK_OK(mas_agent_discover(asker, NULL, 0, 0, 0, 5000, &had.list));
  CHECK_OK(mas_state_update(asker, &field, 1, 5000));
  CHECK_OK(mas_state_get(asker, "a", &had.value, NULL));
  had.message = answer;
  for (int i = 0; i < kRounds; ++i) {
    pid_t child = fork();
    if (child == 0) {
      look_at_everything(&had);
      call_the_rest(&had);
      call_everything(asker, answer);
      if (i % 2 == 0) exit(0);
      _exit(0);
    }
    await(child);
  }
  mas_message *again = NULL;
  CHECK_OK(mas_agent_request(asker, "worker", "question", NULL, 0, 5000, &again));
  over = true;
  pthread_join(sender, NULL);
  pthread_join(poller, NULL);
  mas_stats stats;
  mas_agent_stats(asker, &stats, sizeof stats);
  CHECK(stats.reconnects == 0 && stats.malformed == 0);
  CHECK_TEXT(redis("HGET", "agent:asker", "status", NULL), "ACTIVE");
  mas_message_unref(answer);
  mas_message_unref(again);
  mas_request_free(had.request);
  mas_agent_list_free(had.list);
  mas_options_free(had.options);
  mas_free(had.value);
  agent_ended(asker);
  agent_ended(worker);
}

static mas_status fork_here(mas_agent *agent, const mas_message *message, void *user) {
  (void)message;
  pid_t *child = user;
  *child = fork();
  if (*child == 0) expect_refused(mas_agent_send(agent, "asker", "note", NULL, 0, NULL));
  return MAS_OK;
}

static void a_child_that_returns_from_a_handler(void) {
  mas_agent *agent = agent_started("asker", NULL);
  pid_t child = -1;
  CHECK_OK(mas_agent_on_message(agent, NULL, fork_here, &child));
  for (int i = 0; i < kRounds; ++i) {
    CHECK_OK(mas_agent_send(agent, "asker", "note", NULL, 0, NULL));
    mas_status status = mas_agent_poll(agent, 5000, NULL);
    if (child == 0) {
      expect_refused(status);
      exit(0);
    }
    CHECK_OK(status);
    await(child);
  }
  agent_ended(agent);
}

static mas_status fork_in_hook(mas_agent *agent, void *user) {
  (void)agent;
  *(pid_t *)user = fork();
  return MAS_OK;
}

/** What `call`, whose hook forks, returns in the parent; the child is refused, and has ended. */
static void call_with_forking_hook(mas_status (*call)(mas_agent *, int), mas_agent *agent, const pid_t *child) {
  mas_status status = call(agent, 5000);
  if (*child == 0) {
    expect_refused(status);
    exit(0);
  }
  CHECK_OK(status);
  await(*child);
}

static void a_child_that_returns_from_a_hook(void) {
  mas_agent *agent = agent_started("asker", NULL);
  pid_t child = -1;
  mas_agent_on_start(agent, fork_in_hook, &child);
  mas_agent_on_stop(agent, fork_in_hook, &child);
  for (int i = 0; i < kRounds; ++i) {
    call_with_forking_hook(mas_agent_stop, agent, &child);
    call_with_forking_hook(mas_agent_start, agent, &child);
  }
  mas_agent_on_stop(agent, NULL, NULL);
  agent_ended(agent);
}

static void a_child_of_a_program_without_agents(void) {
  for (int i = 0; i < kRounds; ++i) {
    agent_ended(agent_started("before", NULL)); /* had some, has none */
    pid_t child = fork();
    if (child == 0) {
      mas_agent *agent = agent_started("child", NULL);
      CHECK_OK(mas_agent_on_message(agent, NULL, on_message, NULL));
      CHECK_OK(mas_agent_send_wait(agent, "child", "note", NULL, 0, 5000, NULL));
      agent_ended(agent);
      exit(0);
    }
    await(child);
  }
  agent_ended(agent_started("after", NULL));
}

static const test_case tests[] = {
    {"children_under_traffic", children_under_traffic},
    {"a_child_that_returns_from_a_handler", a_child_that_returns_from_a_handler},
    {"a_child_that_returns_from_a_hook", a_child_that_returns_from_a_hook},
    {"a_child_of_a_program_without_agents", a_child_of_a_program_without_agents},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, tests); }
