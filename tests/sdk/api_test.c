/* The C API's edges: versions, statuses, arguments out of range, descriptors. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

static void versions_are_checked(void) {
  CHECK_TEXT(mas_version(), "0.1.0");
  CHECK(mas_version_compatible(MAS_VERSION));
  CHECK(!mas_version_compatible(MAS_VERSION + 1));    /* the program is newer than the library */
  CHECK(!mas_version_compatible(MAS_VERSION + 1000)); /* another minor version of 0 */
  CHECK(!mas_version_compatible(MAS_VERSION + 1000000));
  CHECK(!mas_version_compatible(MAS_VERSION - 1000) && !mas_version_compatible(-1));
}

static void statuses_have_texts(void) {
  CHECK_TEXT(mas_status_text(MAS_OK), "ok");
  CHECK_TEXT(mas_status_text(MAS_TIMEOUT), "timeout");
  CHECK_TEXT(mas_status_text((mas_status)999), "unknown");
  CHECK_TEXT(mas_status_text((mas_status)-1), "unknown");
  for (int status = MAS_INVALID_ARGUMENT; status <= MAS_HANDLER_FAILED; ++status)
    CHECK(strcmp(mas_status_text((mas_status)status), "unknown") != 0);
  CHECK(mas_status_retriable(MAS_TIMEOUT) && mas_status_retriable(MAS_NO_RECEIVER));
  CHECK(!mas_status_retriable(MAS_OK) && !mas_status_retriable(MAS_MALFORMED));
}

static bool detail_has(const char *expected) { return strstr(mas_error_detail(), expected) != NULL; }

static void options_are_checked(void) {
  mas_options *options = mas_options_new();
  CHECK_STATUS(mas_options_set_redis_url(options, "http://x"), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_options_set_redis_url(options, NULL), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_options_set_redis_url(options, "redis://u:secret@:bad"), MAS_INVALID_ARGUMENT);
  CHECK(!detail_has("secret"));
  CHECK_STATUS(mas_options_set_namespace(options, "a/b"), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_options_add_capability(options, ""), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_options_add_capability(options, "a\nb"), MAS_INVALID_ARGUMENT);
  for (int i = 0; i < 256; ++i) CHECK_OK(mas_options_add_capability(options, text("c%d", i)));
  CHECK_OK(mas_options_add_capability(options, "c0"));
  CHECK_STATUS(mas_options_add_capability(options, "one more"), MAS_TOO_LARGE);
  CHECK_STATUS(mas_options_set_metadata(options, "[1]", MAS_STRLEN), MAS_MALFORMED);
  CHECK(detail_has("metadata"));
  CHECK_STATUS(mas_options_set_metadata(options, "{}x", MAS_STRLEN), MAS_MALFORMED);
  CHECK_OK(mas_options_set_metadata(options, "{}x", 2));
  CHECK_STATUS(mas_options_set_heartbeat(options, 50, 1000), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_options_set_heartbeat(options, 1000, 1000), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_options_set_heartbeat(options, 1000, 86400001), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_options_set_max_message(options, 1023), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_options_set_max_message(options, (64 << 20) + 1), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_options_set_inbound_queue(options, 0, 1), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_options_set_outbound_queue(options, 1, 0), MAS_INVALID_ARGUMENT);
  mas_options_free(options);
  mas_options_free(NULL);
}

static void ids_are_checked(void) {
  mas_agent *agent = NULL;
  CHECK_STATUS(mas_agent_new(NULL, NULL, &agent), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_agent_new("a b", NULL, &agent), MAS_INVALID_ARGUMENT);
  CHECK(detail_has("'a b'") && agent == NULL);
  CHECK_STATUS(mas_agent_new(text("%0129d", 0), NULL, &agent), MAS_INVALID_ARGUMENT);
  CHECK(setenv("MAS_REDIS_URL", "nonsense", 1) == 0);
  CHECK_STATUS(mas_agent_new("a", NULL, &agent), MAS_INVALID_ARGUMENT);
  CHECK(detail_has("MAS_REDIS_URL"));
  CHECK(setenv("MAS_REDIS_URL", redis_url(), 1) == 0 && setenv("MAS_NAMESPACE", "a b", 1) == 0);
  CHECK_STATUS(mas_agent_new("a", NULL, &agent), MAS_INVALID_ARGUMENT);
  CHECK(detail_has("MAS_NAMESPACE"));
  CHECK(setenv("MAS_NAMESPACE", "from-env", 1) == 0);
  CHECK_OK(mas_agent_new("a", NULL, &agent));
  CHECK_OK(mas_agent_start(agent, 10000));
  CHECK_TEXT(redis("EXISTS", "from-env/agent:a", NULL), "1");
  agent_ended(agent);
  CHECK(unsetenv("MAS_REDIS_URL") == 0 && unsetenv("MAS_NAMESPACE") == 0);
  mas_agent_free(NULL);
}

static void messages_are_checked(void) {
  mas_agent *agent = agent_started("alice", NULL);
  mas_message *reply = NULL;
  char id[MAS_MESSAGE_ID_SIZE] = "unset";
  CHECK_STATUS(mas_agent_send(agent, "bob", "x", "[]", MAS_STRLEN, id), MAS_MALFORMED);
  CHECK_STATUS(mas_agent_send(agent, "bob", "x", "", MAS_STRLEN, id), MAS_MALFORMED);
  CHECK_STATUS(mas_agent_send(agent, "bob", "x", "{\"a\":\"\\ud800\"}", MAS_STRLEN, id), MAS_MALFORMED);
  CHECK_STATUS(mas_agent_send(agent, "bob", "x", "{\"a\":\"\xff\"}", MAS_STRLEN, id), MAS_MALFORMED);
  CHECK_STATUS(mas_agent_send(agent, "", "x", NULL, 0, id), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_agent_send(agent, "a\x01", "x", NULL, 0, id), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_agent_send(agent, "bob", "", NULL, 0, id), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_agent_send(agent, "bob", "\xff", NULL, 0, id), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_agent_send(agent, "bob", text("%0257d", 0), NULL, 0, id), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_agent_send(agent, NULL, "x", NULL, 0, id), MAS_INVALID_ARGUMENT);
  CHECK_TEXT(id, "unset");
  CHECK_STATUS(mas_agent_request(agent, "bob", "x", "{", MAS_STRLEN, 1000, &reply), MAS_MALFORMED);
  CHECK_STATUS(mas_agent_request_async(agent, "bob", "x", NULL, 0, 1000, NULL, NULL, NULL), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_agent_on_message(agent, "", NULL, NULL), MAS_INVALID_ARGUMENT);
  CHECK_STATUS(mas_state_get(agent, NULL, NULL, NULL), MAS_INVALID_ARGUMENT);
  CHECK_OK(mas_agent_send(agent, "bob", "x", " {\"big\":123456789012345678901234567890} trailing", 40, id));
  CHECK(strlen(id) == 36);
  agent_ended(agent);
}

static bool readable(const mas_agent *agent, int timeout_ms) {
  struct pollfd watched = {mas_agent_fd(agent), POLLIN, 0};
  return poll(&watched, 1, timeout_ms) == 1;
}

static void the_descriptor_tells_when_to_poll(void) {
  mas_agent *agent = agent_started("alice", NULL);
  size_t handled = 0;
  CHECK(!readable(agent, 0));
  CHECK_OK(mas_agent_send(agent, "alice", "x", NULL, 0, NULL));
  CHECK(readable(agent, 10000));
  CHECK_OK(mas_agent_poll(agent, 0, &handled)); /* no handler: nothing ran, and nothing is left */
  CHECK(handled == 0);
  CHECK(!readable(agent, 0));
  mas_agent_quit(agent);
  CHECK(readable(agent, 0));
  CHECK_STATUS(mas_agent_poll(agent, 0, NULL), MAS_CANCELLED);
  CHECK_OK(mas_agent_poll(agent, 0, NULL));
  CHECK(!readable(agent, 0));
  agent_ended(agent);
}

static void statistics_fit_older_and_newer_callers(void) {
  mas_agent *agent = agent_started("alice", NULL);
  mas_stats stats;
  memset(&stats, 0x55, sizeof stats);
  mas_agent_stats(agent, &stats, sizeof stats.sent);
  CHECK(stats.sent == 0 && stats.undelivered == 0x5555555555555555);
  agent_ended(agent);
}

static int lines;
static void on_line(const char *line, void *user) {
  CHECK(line[0] != '\0' && user == &lines);
  __atomic_add_fetch(&lines, 1, __ATOMIC_SEQ_CST);
}

static void the_debug_callback_sees_what_happens(void) {
  mas_options *options = options_here();
  mas_options_set_debug(options, on_line, &lines);
  mas_agent *agent = agent_started("alice", options);
  mas_options_free(options);
  agent_ended(agent);
  CHECK(__atomic_load_n(&lines, __ATOMIC_SEQ_CST) >= 3);
}

static const test_case kTests[] = {
    {"versions are checked", versions_are_checked},
    {"statuses have texts", statuses_have_texts},
    {"options are checked", options_are_checked},
    {"ids are checked", ids_are_checked},
    {"messages are checked", messages_are_checked},
    {"the descriptor tells when to poll", the_descriptor_tells_when_to_poll},
    {"statistics fit older and newer callers", statistics_fit_older_and_newer_callers},
    {"the debug callback sees what happens", the_debug_callback_sees_what_happens},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
