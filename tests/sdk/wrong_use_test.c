/* Wrong use of the C API: each call is refused with a status and a sentence, reads nothing through NULL, waits for
 * nobody.
 *
 * symbols_test.sh looks that each function that takes a pointer is called here. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <mas_schema.h>

#include "harness.h"

/** The call is refused, and mas_error_detail() names the argument. */
#define REFUSED(call, argument)                        \
  do {                                                 \
    CHECK_STATUS(call, MAS_INVALID_ARGUMENT);          \
    CHECK_TEXT(mas_error_detail(), is_null(argument)); \
  } while (0)
/** The same of a function that returns no status. */
#define NAMED(condition, argument)                     \
  do {                                                 \
    forget_detail();                                   \
    CHECK(condition);                                  \
    CHECK_TEXT(mas_error_detail(), is_null(argument)); \
  } while (0)

static const char *is_null(const char *argument) { return text("the argument '%s' is NULL", argument); }

static void forget_detail(void) {
  mas_agent *none = NULL;
  CHECK_STATUS(mas_agent_new("?", NULL, &none), MAS_INVALID_ARGUMENT);
}

typedef struct note {
  int32_t n;
} note;
static const mas_field kNoteFields[] = {MAS_FIELD(note, n, MAS_TYPE_INT32, 0)};
static const mas_schema kNote = MAS_SCHEMA(note, kNoteFields);
static const mas_state_field kField = {"a", "1", MAS_STRLEN};

static mas_status on_message(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent;
  *(mas_message **)user = mas_message_ref(message);
  return MAS_OK;
}
static mas_status on_note(mas_agent *agent, const mas_message *message, const void *filled, void *user) {
  return (void)agent, (void)message, (void)filled, (void)user, MAS_OK;
}
static mas_status on_hook(mas_agent *agent, void *user) { return (void)agent, (void)user, MAS_OK; }
static void on_reply(mas_agent *agent, mas_status status, const mas_message *reply, void *user) {
  (void)agent, (void)status, (void)reply, (void)user;
}
static void on_receipt(mas_agent *agent, const char *id, const char *target, mas_status outcome, void *user) {
  (void)agent, (void)id, (void)target, (void)outcome, (void)user;
}
static void on_connection(mas_agent *agent, mas_connection state, const char *detail, void *user) {
  (void)agent, (void)state, (void)detail, (void)user;
}
static void on_overflow(mas_agent *agent, uint64_t dropped, void *user) { (void)agent, (void)dropped, (void)user; }
static void on_doubt(mas_agent *agent, const mas_doubt *doubt, void *user) { (void)agent, (void)doubt, (void)user; }
static void on_field(const char *name, const char *value, size_t size, void *user) {
  (void)name, (void)value, (void)size, (void)user;
  CHECK(false);
}
static void on_line(const char *line, void *user) { (void)line, (void)user; }

/* ---- NULL */

static void options_may_not_be_null(void) {
  mas_options *options = mas_options_new();
  REFUSED(mas_options_set_redis_url(NULL, "redis://localhost"), "options");
  REFUSED(mas_options_set_redis_url(options, NULL), "url");
  REFUSED(mas_options_set_namespace(NULL, "n"), "options");
  REFUSED(mas_options_set_namespace(options, NULL), "ns");
  REFUSED(mas_options_set_mode(NULL, MAS_MODE_P2P), "options");
  REFUSED(mas_options_set_credentials(NULL, ""), "options");
  CHECK_OK(mas_options_set_credentials(options, NULL));
  REFUSED(mas_options_set_handler_timeout(NULL, 1), "options");
  REFUSED(mas_options_set_dedupe_window(NULL, 1), "options");
  REFUSED(mas_options_set_doubt_window(NULL, 1, 1), "options");
  REFUSED(mas_options_add_capability(NULL, "c"), "options");
  REFUSED(mas_options_add_capability(options, NULL), "capability");
  REFUSED(mas_options_set_metadata(NULL, "{}", MAS_STRLEN), "options");
  REFUSED(mas_options_set_metadata(options, NULL, 0), "json");
  REFUSED(mas_options_set_heartbeat(NULL, 1000, 2000), "options");
  REFUSED(mas_options_set_max_message(NULL, 4096), "options");
  REFUSED(mas_options_set_inbound_queue(NULL, 1, 1), "options");
  REFUSED(mas_options_set_outbound_queue(NULL, 1, 1), "options");
  NAMED((mas_options_set_debug(NULL, on_line, NULL), true), "options");
  mas_options_free(options);
  mas_options_free(NULL);
}

static void agents_may_not_be_null(void) {
  mas_agent *agent = NULL;
  mas_agent_list *list = NULL;
  mas_stats stats = {.sent = 7};
  char *value = NULL;
  CHECK_OK(mas_trace_set(NULL, NULL)); /* no context */
  REFUSED(mas_agent_new(NULL, NULL, &agent), "id");
  REFUSED(mas_agent_new("a", NULL, NULL), "ret_agent");
  NAMED(strcmp(mas_agent_id(NULL), "") == 0, "agent");
  NAMED(strcmp(mas_agent_instance(NULL), "") == 0, "agent");
  NAMED(mas_agent_fd(NULL) == -1, "agent");
  REFUSED(mas_agent_start(NULL, -1), "agent");
  REFUSED(mas_agent_stop(NULL, -1), "agent");
  REFUSED(mas_agent_poll(NULL, -1, NULL), "agent");
  REFUSED(mas_agent_run(NULL), "agent");
  REFUSED(mas_agent_flush(NULL, -1), "agent");
  NAMED((mas_agent_stats(NULL, &stats, sizeof stats), stats.sent == 7), "agent");
  NAMED((mas_agent_on_start(NULL, on_hook, NULL), true), "agent");
  NAMED((mas_agent_on_stop(NULL, on_hook, NULL), true), "agent");
  NAMED((mas_agent_on_connection(NULL, on_connection, NULL), true), "agent");
  NAMED((mas_agent_on_overflow(NULL, on_overflow, NULL), true), "agent");
  NAMED((mas_agent_on_doubt(NULL, on_doubt, NULL), true), "agent");
  REFUSED(mas_agent_on_trace(NULL, 0, NULL, NULL), "agent");
  NAMED((mas_agent_on_receipt(NULL, MAS_RECEIPTS_ALL, on_receipt, NULL), true), "agent");
  REFUSED(mas_agent_on_message(NULL, "x", on_message, NULL), "agent");
  REFUSED(mas_agent_on_typed(NULL, "x", &kNote, on_note, NULL), "agent");
  REFUSED(mas_agent_discover(NULL, NULL, 0, 0, 0, -1, &list), "agent");
  REFUSED(mas_state_get(NULL, "a", &value, NULL), "agent");
  REFUSED(mas_state_update(NULL, &kField, 1, -1), "agent");
  REFUSED(mas_state_reset(NULL, -1), "agent");
  REFUSED(mas_state_refresh(NULL, -1), "agent");
  NAMED((mas_state_each(NULL, on_field, NULL), true), "agent");
  REFUSED(mas_state_bind(NULL, &kNote, &(note){0}), "agent");
  REFUSED(mas_state_save(NULL, -1), "agent");
  mas_agent_quit(NULL);
  mas_agent_free(NULL);
}

static void senders_and_targets_may_not_be_null(void) {
  mas_agent *agent = agent_started("alice", NULL);
  mas_message *reply = NULL;
  mas_agent *const agents[] = {NULL, agent, agent};
  const char *const targets[] = {"bob", NULL, "bob"}, *const types[] = {"x", "x", NULL};
  const char *const missing[] = {"agent", "target", "type"};
  for (int i = 0; i < 3; ++i) {
    mas_agent *from = agents[i];
    const char *target = targets[i], *type = types[i];
    REFUSED(mas_agent_send(from, target, type, NULL, 0, NULL), missing[i]);
    REFUSED(mas_agent_send_wait(from, target, type, NULL, 0, -1, NULL), missing[i]);
    REFUSED(mas_agent_send_with(from, target, type, NULL, 0, NULL, 0, NULL), missing[i]);
    REFUSED(mas_agent_send_again(from, "x", target, type, NULL, 0), missing[i]);
    REFUSED(mas_agent_request(from, target, type, NULL, 0, -1, &reply), missing[i]);
    REFUSED(mas_agent_request_async(from, target, type, NULL, 0, -1, on_reply, NULL, NULL), missing[i]);
    REFUSED(mas_agent_request_direct(from, target, type, NULL, 0, -1, on_reply, NULL, NULL), missing[i]);
  }
  REFUSED(mas_agent_send_again(agent, NULL, "bob", "x", NULL, 0), "message_id");
  REFUSED(mas_agent_request_async(agent, "bob", "x", NULL, 0, -1, NULL, NULL, NULL), "fn");
  REFUSED(mas_agent_request_direct(agent, "bob", "x", NULL, 0, -1, NULL, NULL, NULL), "fn");
  REFUSED(mas_request_cancel(NULL), "request");
  mas_request_free(NULL);
  agent_ended(agent);
}

static void what_a_call_fills_may_not_be_null(void) {
  mas_agent *agent = agent_started("alice", NULL);
  mas_agent_list *list = NULL;
  mas_state_field unnamed = {NULL, "1", 1};
  const mas_schema *compiled = NULL;
  void *filled = NULL;
  char *json = NULL;
  REFUSED(mas_agent_discover(agent, NULL, 0, 0, 0, -1, NULL), "ret_list");
  REFUSED(mas_agent_discover(agent, NULL, 1, 0, 0, -1, &list), "capabilities");
  CHECK_STATUS(mas_agent_discover(agent, (const char *[]){NULL}, 1, 0, 0, -1, &list), MAS_INVALID_ARGUMENT);
  NAMED((mas_agent_stats(agent, NULL, sizeof(mas_stats)), true), "ret_stats");
  REFUSED(mas_state_get(agent, NULL, &json, NULL), "field");
  REFUSED(mas_state_update(agent, NULL, 1, -1), "fields");
  CHECK_STATUS(mas_state_update(agent, &unnamed, 1, -1), MAS_INVALID_ARGUMENT);
  NAMED((mas_state_each(agent, NULL, NULL), true), "fn");
  REFUSED(mas_state_bind(agent, NULL, &unnamed), "schema");
  REFUSED(mas_agent_on_typed(agent, NULL, &kNote, on_note, NULL), "type");
  REFUSED(mas_agent_on_typed(agent, "x", NULL, on_note, NULL), "schema");
  REFUSED(mas_schema_compile(NULL, &compiled), "schema");
  REFUSED(mas_schema_compile(&kNote, NULL), "ret_compiled");
  mas_schema_free(NULL);
  mas_schema_free(&kNote);
  REFUSED(mas_schema_read(NULL, "{}", MAS_STRLEN, &filled), "schema");
  REFUSED(mas_schema_read(&kNote, NULL, 0, &filled), "json");
  REFUSED(mas_schema_read(&kNote, "{}", MAS_STRLEN, NULL), "ret_struct");
  REFUSED(mas_schema_write(NULL, &unnamed, &json, NULL), "schema");
  REFUSED(mas_schema_write(&kNote, NULL, &json, NULL), "filled");
  REFUSED(mas_schema_write(&kNote, &(note){1}, NULL, NULL), "ret_json");
  mas_struct_free(NULL);
  mas_free(NULL);
  agent_ended(agent);
}

static bool is_set(void *context) { return *(void **)context != NULL; }

static void messages_may_not_be_null(void) {
  mas_agent *agent = agent_started("alice", NULL);
  mas_message *message = NULL;
  mas_data_key *key = NULL;
  size_t size = 7;
  char *json = NULL;
  CHECK_OK(mas_agent_on_message(agent, "x", on_message, &message));
  CHECK_OK(mas_agent_send(agent, "alice", "x", NULL, 0, NULL));
  CHECK(eventually(is_set, &message, agent));
  NAMED(strcmp(mas_message_sender(NULL), "") == 0, "message");
  NAMED(strcmp(mas_message_type(NULL), "") == 0, "message");
  NAMED(strcmp(mas_message_id(NULL), "") == 0, "message");
  NAMED(strcmp(mas_message_correlation_id(NULL), "") == 0, "message");
  NAMED(strcmp(mas_message_data(NULL, &size), "") == 0 && size == 0, "message");
  size = 7;
  NAMED(mas_message_envelope(NULL, &size) == NULL && size == 0, "message");
  NAMED(fabs(mas_message_timestamp(NULL)) <= 0, "message");
  NAMED(mas_message_attempt(NULL) == 0, "message");
  NAMED(strcmp(mas_message_traceparent(NULL), "") == 0, "message");
  NAMED(strcmp(mas_message_tracestate(NULL), "") == 0, "message");
  NAMED(!mas_message_expects_reply(NULL), "message");
  NAMED(mas_message_ref(NULL) == NULL, "message");
  NAMED(mas_message_fail(NULL, MAS_HANDLER_FAILED, "x") == MAS_HANDLER_FAILED, "message");
  REFUSED(mas_message_reply(NULL, "y", NULL, 0), "message");
  REFUSED(mas_message_reply(message, NULL, NULL, 0), "type");
  REFUSED(mas_message_reply_error(NULL, MAS_HANDLER_FAILED, "x"), "message");
  REFUSED(mas_message_defer(NULL), "message");
  REFUSED(mas_message_settle(NULL, MAS_OK), "message");
  REFUSED(mas_data_key_read(NULL, "/x", &key), "id");
  REFUSED(mas_data_key_read("k", NULL, &key), "path");
  REFUSED(mas_data_key_read("k", "/x", NULL), "ret_key");
  REFUSED(mas_message_decrypt(NULL, key, &json, NULL), "message");
  REFUSED(mas_message_decrypt(message, NULL, &json, NULL), "key");
  mas_data_key_free(NULL);
  mas_message_unref(message);
  mas_message_unref(NULL);
  agent_ended(agent);
}

static void lists_may_not_be_null(void) {
  NAMED(mas_agent_list_size(NULL) == 0, "list");
  NAMED(mas_agent_list_id(NULL, 0) == NULL, "list");
  NAMED(mas_agent_list_metadata(NULL, 0) == NULL, "list");
  NAMED(!mas_agent_list_active(NULL, 0), "list");
  NAMED(fabs(mas_agent_list_registered_at(NULL, 0)) <= 0, "list");
  NAMED(mas_agent_list_capability_count(NULL, 0) == 0, "list");
  NAMED(mas_agent_list_capability(NULL, 0, 0) == NULL, "list");
  mas_agent_list_free(NULL);
}

/* ---- At the wrong time, or in the wrong thread */

static mas_status call_poll(mas_agent *agent) { return mas_agent_poll(agent, -1, NULL); }
static mas_status call_send(mas_agent *agent) { return mas_agent_send(agent, "bob", "x", NULL, 0, NULL); }
static mas_status call_send_wait(mas_agent *agent) { return mas_agent_send_wait(agent, "bob", "x", NULL, 0, -1, NULL); }
static mas_status call_send_with(mas_agent *agent) {
  const mas_send_options options = {.wait_ms = -1};
  return mas_agent_send_with(agent, "bob", "x", NULL, 0, &options, sizeof options, NULL);
}
static mas_status call_send_again(mas_agent *agent) {
  return mas_agent_send_again(agent, "01890000-0000-7000-8000-000000000000", "bob", "x", NULL, 0);
}
static mas_status call_request(mas_agent *agent) {
  mas_message *reply = NULL;
  return mas_agent_request(agent, "bob", "x", NULL, 0, -1, &reply);
}
static mas_status call_request_async(mas_agent *agent) {
  return mas_agent_request_async(agent, "bob", "x", NULL, 0, -1, on_reply, NULL, NULL);
}
static mas_status call_request_direct(mas_agent *agent) {
  return mas_agent_request_direct(agent, "bob", "x", NULL, 0, -1, on_reply, NULL, NULL);
}
static mas_status call_discover(mas_agent *agent) {
  mas_agent_list *list = NULL;
  return mas_agent_discover(agent, NULL, 0, 0, 0, -1, &list);
}
static mas_status call_update(mas_agent *agent) { return mas_state_update(agent, &kField, 1, -1); }
static mas_status call_reset(mas_agent *agent) { return mas_state_reset(agent, -1); }
static mas_status call_refresh(mas_agent *agent) { return mas_state_refresh(agent, -1); }
static mas_status call_save(mas_agent *agent) { return mas_state_save(agent, -1); }
static mas_status call_start(mas_agent *agent) { return mas_agent_start(agent, -1); }
static mas_status call_stop(mas_agent *agent) { return mas_agent_stop(agent, -1); }
static mas_status call_flush(mas_agent *agent) { return mas_agent_flush(agent, -1); }

/** A call that waits without end where it is not refused. */
typedef struct agent_call {
  mas_status (*call)(mas_agent *agent);
  bool stopped;  /**< refused of an agent that does not run */
  bool callback; /**< refused in the callback of a direct request */
} agent_call;
static const agent_call kCalls[] = {
    {call_poll, true, true},      {mas_agent_run, true, true},       {call_send, true, false},
    {call_send_wait, true, true}, {call_send_with, true, true},      {call_send_again, true, false},
    {call_request, true, true},   {call_request_async, true, false}, {call_request_direct, true, false},
    {call_discover, true, true},  {call_update, true, true},         {call_reset, true, true},
    {call_refresh, true, true},   {call_save, true, false},          {call_start, false, true},
    {call_stop, false, true},     {call_flush, true, true},
};
enum { kCallCount = sizeof kCalls / sizeof kCalls[0] };

static void expect_refused(mas_agent *agent, const agent_call *call) {
  CHECK(mas_message_ref(NULL) == NULL); /* another sentence */
  CHECK_STATUS(call->call(agent), MAS_INVALID_STATE);
  CHECK(strlen(mas_error_detail()) > 20 && strcmp(mas_error_detail(), is_null("message")) != 0);
}

static void an_agent_that_does_not_run_is_refused(void) {
  mas_options *options = options_here();
  mas_agent *agent = NULL;
  CHECK_OK(mas_agent_new("alice", options, &agent));
  mas_options_free(options);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < kCallCount; ++i)
      if (kCalls[i].stopped) expect_refused(agent, &kCalls[i]);
    CHECK_OK(mas_agent_stop(agent, -1)); /* never started, or stopped twice */
    if (round > 0) break;
    CHECK_OK(mas_agent_start(agent, 10000)); /* what was refused has broken nothing */
    CHECK_OK(mas_agent_stop(agent, 10000));
  }
  mas_agent_free(agent);
}

typedef struct direct_end {
  mas_agent *agent;
  atomic_int ended;
} direct_end;

static void call_what_waits(mas_agent *none, mas_status status, const mas_message *reply, void *user) {
  direct_end *end = user;
  (void)reply;
  CHECK(none == NULL && status == MAS_NO_RECEIVER);
  for (int i = 0; i < kCallCount; ++i)
    if (kCalls[i].callback) expect_refused(end->agent, &kCalls[i]);
  mas_agent_free(end->agent); /* has no effect */
  ++end->ended;
}
static bool has_ended(void *context) { return ((direct_end *)context)->ended == 1; }

static void the_callback_of_a_direct_request_may_not_wait(void) {
  for (int polls = 0; polls < 2; ++polls) { /* on the I/O thread, or on the one that polls */
    direct_end end = {.agent = agent_started("alice", NULL)};
    CHECK_OK(mas_agent_request_direct(end.agent, "nobody", "x", NULL, 0, 5000, call_what_waits, &end, NULL));
    CHECK(eventually(has_ended, &end, polls ? end.agent : NULL));
    CHECK_OK(mas_agent_send(end.agent, "alice", "x", NULL, 0, NULL));
    agent_ended(end.agent);
  }
}

static void *poll_until_stopped(void *agent) {
  mas_status status;
  do status = mas_agent_poll(agent, -1, NULL);
  while (status == MAS_OK);
  CHECK_STATUS(status, MAS_CANCELLED);
  return NULL;
}
static bool is_polled(void *agent) { return mas_agent_poll(agent, 0, NULL) == MAS_INVALID_STATE; }

static void an_agent_is_polled_by_one_thread_at_a_time(void) {
  mas_agent *agent = agent_started("alice", NULL);
  pthread_t poller;
  CHECK(pthread_create(&poller, NULL, poll_until_stopped, agent) == 0);
  CHECK(eventually(is_polled, agent, NULL));
  CHECK(strstr(mas_error_detail(), "another thread polls") != NULL);
  CHECK_STATUS(mas_agent_run(agent), MAS_INVALID_STATE);
  CHECK_OK(mas_agent_stop(agent, 5000)); /* from a thread that does not poll */
  CHECK(pthread_join(poller, NULL) == 0);
  mas_agent_free(agent);
}

static atomic_int lines;
static void call_from_debug(const char *line, void *user) {
  mas_agent *agent = *(mas_agent **)user;
  (void)line;
  if (agent == NULL) return; /* mas_agent_new has not returned */
  for (int i = 0; i < kCallCount; ++i) expect_refused(agent, &kCalls[i]);
  ++lines;
}

static void the_debug_callback_may_not_call_the_library(void) {
  static mas_agent *agent;
  mas_options *options = options_here();
  mas_options_set_debug(options, call_from_debug, &agent);
  CHECK_OK(mas_agent_new("alice", options, &agent));
  mas_options_free(options);
  CHECK_OK(mas_agent_start(agent, 10000));
  CHECK_OK(mas_agent_stop(agent, 10000));
  CHECK(lines > 0);
  mas_agent_free(agent);
}

static const test_case kTests[] = {
    {"options_may_not_be_null", options_may_not_be_null},
    {"agents_may_not_be_null", agents_may_not_be_null},
    {"senders_and_targets_may_not_be_null", senders_and_targets_may_not_be_null},
    {"what_a_call_fills_may_not_be_null", what_a_call_fills_may_not_be_null},
    {"messages_may_not_be_null", messages_may_not_be_null},
    {"lists_may_not_be_null", lists_may_not_be_null},
    {"an_agent_that_does_not_run_is_refused", an_agent_that_does_not_run_is_refused},
    {"the_callback_of_a_direct_request_may_not_wait", the_callback_of_a_direct_request_may_not_wait},
    {"an_agent_is_polled_by_one_thread_at_a_time", an_agent_is_polled_by_one_thread_at_a_time},
    {"the_debug_callback_may_not_call_the_library", the_debug_callback_may_not_call_the_library},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
