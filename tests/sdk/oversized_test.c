/* What somebody made too large in Redis: the agent that reads it says what is too large, or goes on without it; it
 * needs no memory for it and loses no link. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "harness.h"

#define MIB (1024L * 1024)

/* Makes a text of `mib` MiB in Redis and gives it to a command as its last argument. */
static void write_huge(int mib, const char *command, const char *key, const char *field) {
  const char *script =
      "local call = {unpack(ARGV, 2)} call[#call + 1] = string.rep(string.rep('x', 1048576), ARGV[1]) "
      "return redis.call(call[1], KEYS[1], unpack(call, 2))";
  const char *reply = redis("EVAL", script, "1", key, text("%d", mib), command, field, NULL);
  if (reply[0] == '-') fprintf(stderr, "%s\n", reply);
  CHECK(reply[0] != '-');
}

/* HSET of `count` fields named `head` and a number, each with `bytes` bytes. */
static void write_fields(const char *key, const char *head, int count, int bytes) {
  const char *script =
      "local value = string.rep('x', ARGV[3]) for i = 1, ARGV[2] do redis.call('HSET', KEYS[1], ARGV[1] .. i, value) "
      "end "
      "return 'done'";
  CHECK_TEXT(redis("EVAL", script, "1", key, head, text("%d", count), text("%d", bytes), NULL), "done");
}

static void user(const char *rule) {
  redis("ACL", "SETUSER", "alice", "on", ">secret", "allkeys", "allchannels", "+@all", rule, NULL);
}

static mas_options *options_of_user(void) {
  mas_options *options = options_here();
  CHECK_OK(mas_options_set_redis_url(options, text("unix://alice:secret@%s", strchr(redis_url(), '/') + 2)));
  return options;
}

static long peak_bytes(void) {
  struct rusage usage;
  CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
  return usage.ru_maxrss * 1024;
}

static unsigned reconnects(mas_agent *agent) {
  mas_stats stats;
  mas_agent_stats(agent, &stats, sizeof stats);
  return (unsigned)stats.reconnects;
}

/* A start that must fail, without reading what is large, by saying `expected`. */
static void start_fails(mas_options *options, const char *expected) {
  mas_options *own = options == NULL ? options_here() : NULL;
  long sent = redis_bytes_sent(), peak = peak_bytes();
  mas_agent *agent;
  CHECK_OK(mas_agent_new("alice", own == NULL ? options : own, &agent));
  CHECK_STATUS(mas_agent_start(agent, 20000), MAS_TOO_LARGE);
  if (strstr(mas_error_detail(), expected) == NULL) fprintf(stderr, "said: %s\n", mas_error_detail());
  CHECK(strstr(mas_error_detail(), expected) != NULL);
  CHECK(reconnects(agent) == 0);
  CHECK(redis_bytes_sent() - sent < MIB);
  CHECK(peak_bytes() - peak < 6 * MIB);
  mas_agent_free(agent);
  mas_options_free(own);
}

/* ---- State */

static void a_huge_state_field_fails_the_start(void) {
  redis("HSET", "agent.state:alice", "small", "1", NULL);
  write_huge(8, "HSET", "agent.state:alice", "diary");
  start_fails(NULL, "agent.state:alice: field 'diary' has 8388608 bytes; expected at most 1048576");
  CHECK_TEXT(redis("EXISTS", "agent:alice", NULL), "0");
  redis("HDEL", "agent.state:alice", "diary", NULL);
  mas_agent *agent = agent_started("alice", NULL);
  CHECK_OK(mas_state_get(agent, "small", NULL, NULL));
  agent_ended(agent);
}

static void a_refresh_fails_and_the_agent_goes_on_with_what_it_has(void) {
  mas_agent *agent = agent_started("alice", NULL);
  const mas_state_field field = {"small", "1", MAS_STRLEN};
  CHECK_OK(mas_state_update(agent, &field, 1, 5000));
  write_huge(8, "HSET", "agent.state:alice", "diary");
  long sent = redis_bytes_sent(), peak = peak_bytes();
  CHECK_STATUS(mas_state_refresh(agent, 5000), MAS_TOO_LARGE);
  CHECK(strstr(mas_error_detail(), "field 'diary' has 8388608 bytes") != NULL);
  CHECK_OK(mas_state_get(agent, "small", NULL, NULL));
  const mas_state_field removed = {"diary", NULL, 0};
  CHECK_OK(mas_state_update(agent, &removed, 1, 5000));
  CHECK_OK(mas_state_refresh(agent, 5000));
  CHECK(reconnects(agent) == 0);
  CHECK(redis_bytes_sent() - sent < MIB);
  CHECK(peak_bytes() - peak < 6 * MIB);
  agent_ended(agent);
}

static void too_many_state_fields_are_neither_written_nor_loaded(void) {
  write_fields("agent.state:alice", "f", 10000, 1);
  mas_agent *agent = agent_started("alice", NULL);
  CHECK_OK(mas_state_get(agent, "f10000", NULL, NULL));
  const mas_state_field more[] = {{"more", "1", MAS_STRLEN}, {"f1", NULL, 0}};
  CHECK_STATUS(mas_state_update(agent, more, 1, 5000), MAS_TOO_LARGE);
  CHECK(strstr(mas_error_detail(), "the state would have 10001 fields; expected at most 10000") != NULL);
  CHECK_OK(mas_state_update(agent, more, 2, 5000));
  agent_ended(agent);
  redis("HSET", "agent.state:alice", "f1", "1", NULL);
  start_fails(NULL, "agent.state:alice has 10001 fields; expected at most 10000");
}

/* What an agent wrote in pieces it can load at its next start. */
static void no_more_bytes_are_written_than_can_be_loaded(void) {
  static char value[1024 * 1024];
  mas_agent *agent = agent_started("alice", NULL);
  memset(value, 'x', sizeof value);
  for (int i = 0; i < 63; ++i) {
    const mas_state_field field = {text("f%02d", i), value, sizeof value};
    CHECK_OK(mas_state_update(agent, &field, 1, 5000));
  }
  const mas_state_field last = {"last", value, sizeof value};
  const mas_state_field instead[] = {{"f01", NULL, 0}, {"last", value, sizeof value}};
  CHECK_STATUS(mas_state_update(agent, &last, 1, 5000), MAS_TOO_LARGE);
  CHECK(strstr(mas_error_detail(), "has 67109057 bytes; expected at most 67108864") != NULL);
  CHECK_TEXT(redis("HEXISTS", "agent.state:alice", "last", NULL), "0");
  CHECK_OK(mas_state_update(agent, instead, 2, 5000));
  agent_ended(agent);
  agent = agent_started("alice", NULL);
  CHECK_OK(mas_state_get(agent, "last", NULL, NULL));
  agent_ended(agent);
  write_huge(1, "HSET", "agent.state:alice", "more");
  start_fails(NULL, "agent.state:alice has 67109058 bytes; expected at most 67108864");
}

/* Redis tells no name's size: the bytes come, but are not kept. */
static void a_huge_name_of_a_state_field_is_not_kept(void) {
  const char *script = "return redis.call('HSET', KEYS[1], string.rep(string.rep('x', 1048576), 8), '1')";
  CHECK_TEXT(redis("EVAL", script, "1", "agent.state:alice", NULL), "1");
  long peak = peak_bytes();
  mas_agent *agent;
  mas_options *options = options_here();
  CHECK_OK(mas_agent_new("alice", options, &agent));
  CHECK_STATUS(mas_agent_start(agent, 20000), MAS_TOO_LARGE);
  CHECK(strstr(mas_error_detail(), "agent.state:alice: the name of a field has 8388608 bytes; expected at most 1024"));
  CHECK(reconnects(agent) == 0);
  CHECK(peak_bytes() - peak < 6 * MIB);
  mas_agent_free(agent);
  mas_options_free(options);
}

static void without_a_right_to_ask_for_memory_each_field_is_asked_for(void) {
  user("-memory");
  redis("HSET", "agent.state:alice", "small", "1", NULL);
  mas_options *options = options_of_user();
  mas_agent *agent = agent_started("alice", options);
  CHECK_OK(mas_state_get(agent, "small", NULL, NULL));
  agent_ended(agent);
  write_huge(8, "HSET", "agent.state:alice", "diary");
  start_fails(options, "agent.state:alice: field 'diary' has 8388608 bytes; expected at most 1048576");
  mas_options_free(options);
}

/* ---- The registration */

static void a_huge_token_fails_the_start(void) {
  redis("HSET", "agent:alice", "id", "alice", NULL);
  write_huge(8, "HSET", "agent:alice", "token");
  start_fails(NULL, "agent:alice: token has 8388608 bytes; expected at most 256");
  agent_ended(agent_started("alice", NULL)); /* the failed start took the entry back */
}

static void a_token_that_is_there_already_is_kept(void) {
  redis("HSET", "agent:alice", "token", "given", NULL);
  mas_agent *agent = agent_started("alice", NULL);
  CHECK_TEXT(redis("HGET", "agent:alice", "token", NULL), "given");
  agent_ended(agent);
}

static bool is_connected(void *context) { return *(mas_connection *)context == MAS_CONNECTED; }
static void keep_connection(mas_agent *agent, mas_connection state, const char *detail, void *context) {
  (void)agent, (void)detail;
  *(mas_connection *)context = state;
}
static bool asked_often(void *context) {
  const char *calls = strstr(redis("INFO", "commandstats", NULL), "cmdstat_exec:calls=");
  (void)context;
  return calls != NULL && atol(strchr(calls, '=') + 1) >= 4;
}

static void an_agent_that_registers_again_waits_until_a_huge_token_is_gone(void) {
  mas_connection connection = MAS_CONNECTED;
  mas_agent *agent = agent_started("alice", NULL);
  mas_agent_on_connection(agent, keep_connection, &connection);
  write_huge(8, "HSET", "agent:alice", "token");
  redis("CONFIG", "RESETSTAT", NULL);
  long peak = peak_bytes();
  redis("CLIENT", "KILL", "TYPE", "normal", NULL);
  CHECK(eventually(asked_often, NULL, agent));
  CHECK(connection == MAS_DISCONNECTED);
  CHECK(reconnects(agent) == 1);
  CHECK(redis_bytes_sent() < MIB);
  CHECK(peak_bytes() - peak < 6 * MIB);
  redis("HDEL", "agent:alice", "token", NULL);
  CHECK(eventually(is_connected, &connection, agent));
  CHECK(atol(redis("HSTRLEN", "agent:alice", "token", NULL)) > 0);
  agent_ended(agent);
}

static void a_huge_setting_of_the_gateways_fails_the_start(void) {
  mas_options *options = options_here();
  CHECK_OK(mas_options_set_mode(options, MAS_MODE_GATEWAY));
  write_huge(1, "HSET", "mas.config", "partitions");
  mas_agent *agent;
  CHECK_OK(mas_agent_new("alice", options, &agent));
  CHECK_STATUS(mas_agent_start(agent, 20000), MAS_TOO_LARGE);
  CHECK(strstr(mas_error_detail(), "mas.config: partitions has 1048576 bytes; expected at most 64") != NULL);
  mas_agent_free(agent);
  mas_options_free(options);
}

/* ---- Instances that are none */

static void names_of_instances_are_looked_at_in_a_bounded_number(void) {
  static const char *const left[] = {"1500", "500"};
  write_fields("agent:alice:instances", "junk", 2500, 1);
  for (int i = 0; i < 2; ++i) {
    agent_ended(agent_started("alice", NULL));
    CHECK_TEXT(redis("HLEN", "agent:alice:instances", NULL), left[i]);
    CHECK_TEXT(redis("EXISTS", "agent:alice", NULL), "1"); /* one that was not looked at may live */
    long expires = atol(redis("PTTL", "agent:alice:heartbeat", NULL));
    CHECK(expires > 0 && expires <= 15000);
  }
  agent_ended(agent_started("alice", NULL));
  CHECK_TEXT(redis("EXISTS", "agent:alice", "agent:alice:instances", "agent:alice:heartbeat", NULL), "0");
}

static void a_huge_name_of_an_instance_is_removed(void) {
  mas_agent *agent = agent_started("alice", NULL);
  const char *script =
      "local name = string.rep('x', 200000) redis.call('SET', 'agent:alice:alive:' .. name, '1') "
      "return redis.call('HSET', KEYS[1], name, '{}')";
  CHECK_TEXT(redis("EVAL", script, "1", "agent:alice:instances", NULL), "1");
  agent_ended(agent);
  CHECK_TEXT(redis("EXISTS", "agent:alice", "agent:alice:instances", "agent:alice:heartbeat", NULL), "0");
}

/* ---- Discovery */

static char debug_lines[1 << 16];

static void keep_line(const char *line, void *context) {
  (void)context;
  if (strlen(debug_lines) + strlen(line) + 2 < sizeof debug_lines) strcat(strcat(debug_lines, line), "\n");
}

static size_t found(mas_agent *agent, size_t capabilities, unsigned flags) {
  const char *const wanted[] = {"chat", "plan"};
  mas_agent_list *list;
  CHECK_OK(mas_agent_discover(agent, wanted, capabilities, flags, 0, 20000, &list));
  size_t size = mas_agent_list_size(list);
  mas_agent_list_free(list);
  return size;
}

static void huge_names_are_left_out_of_what_is_found(void) {
  static const char *const sets[] = {"mas.agents", "mas.capability:chat", "mas.capability:plan"};
  mas_options *options = options_here();
  mas_options_set_debug(options, keep_line, NULL);
  mas_agent *agent = agent_started("alice", options);
  mas_options_free(options);
  redis("HSET", "agent:ann", "id", "ann", "capabilities", "[\"chat\",\"plan\"]", "metadata", "{}", "status", "ACTIVE",
        NULL);
  for (size_t i = 0; i < 3; ++i) {
    CHECK_TEXT(redis("SADD", sets[i], "ann", NULL), "1");
    CHECK_TEXT(redis("EVAL", "return redis.call('SADD', KEYS[1], string.rep(string.rep('x', 1048576), 8))", "1",
                     sets[i], NULL),
               "1");
  }
  redis("EVAL", "return redis.call('HSET', 'agent:eve:' .. string.rep(string.rep('x', 1048576), 8), 'id', 'eve')", "0",
        NULL);
  long peak = peak_bytes();
  for (int indexed = 0; indexed < 2; ++indexed) {
    debug_lines[0] = '\0';
    CHECK(found(agent, 1, 0) == 1);
    CHECK(strstr(debug_lines, "discovering: names of more than 512 bytes were left out: 1\n") != NULL);
    CHECK(found(agent, 2, MAS_DISCOVER_ALL) == 1);
    CHECK(found(agent, 0, 0) == (indexed ? 1 : 2)); /* alice is in no index here */
    redis("SET", "mas.index", "1", NULL);
  }
  CHECK(reconnects(agent) == 0);
  CHECK(peak_bytes() - peak < 6 * MIB);
  agent_ended(agent);
}

/* SINTER would answer with all of them at once. How long it takes to read their entries is not looked at here. */
static void sets_with_many_members_are_listed_in_pieces(void) {
  static const char *const wanted[] = {"chat", "plan"};
  const char *script =
      "for i = ARGV[1], ARGV[1] + 9999 do redis.call('SADD', 'mas.capability:chat', i) "
      "redis.call('SADD', 'mas.capability:plan', i) end return 'done'";
  mas_agent *agent = agent_started("alice", NULL);
  mas_agent_list *list;
  for (int i = 0; i < 11; ++i) CHECK_TEXT(redis("EVAL", script, "0", text("%d", i * 10000), NULL), "done");
  redis("SET", "mas.index", "1", NULL);
  redis("CONFIG", "RESETSTAT", NULL);
  if (mas_agent_discover(agent, wanted, 2, MAS_DISCOVER_ALL, 1, 2000, &list) == MAS_OK) mas_agent_list_free(list);
  const char *stats = redis("INFO", "commandstats", NULL);
  CHECK(strstr(stats, "cmdstat_sinter:") == NULL && strstr(stats, "cmdstat_sscan:") != NULL);
  agent_ended(agent);
}

/* ---- Messages */

static bool dropped_one(void *context) { return stats_of(context).malformed == 1; }

static void a_huge_published_text_is_dropped_as_it_comes(void) {
  const char *script = "return redis.call('PUBLISH', KEYS[1], string.rep(string.rep('x', 1048576), 16))";
  mas_options *options = options_here();
  mas_options_set_debug(options, keep_line, NULL);
  debug_lines[0] = '\0';
  mas_agent *agent = agent_started("alice", options);
  mas_options_free(options);
  long peak = peak_bytes();
  CHECK_TEXT(redis("EVAL", script, "1", "agent.alice", NULL), "1");
  CHECK(eventually(dropped_one, agent, agent));
  CHECK(peak_bytes() - peak < 6 * MIB);
  CHECK(reconnects(agent) == 0);
  agent_ended(agent);
  CHECK(strstr(debug_lines, "dropped a message of 16777216 bytes; expected at most 1048576\n") != NULL);
}

static const test_case kTests[] = {
    {"a huge state field fails the start", a_huge_state_field_fails_the_start},
    {"a refresh fails and the agent goes on with what it has", a_refresh_fails_and_the_agent_goes_on_with_what_it_has},
    {"too many state fields are neither written nor loaded", too_many_state_fields_are_neither_written_nor_loaded},
    {"a huge name of a state field is not kept", a_huge_name_of_a_state_field_is_not_kept},
    {"without a right to ask for memory each field is asked for",
     without_a_right_to_ask_for_memory_each_field_is_asked_for},
    {"a huge token fails the start", a_huge_token_fails_the_start},
    {"a token that is there already is kept", a_token_that_is_there_already_is_kept},
    {"an agent that registers again waits until a huge token is gone",
     an_agent_that_registers_again_waits_until_a_huge_token_is_gone},
    {"a huge setting of the gateways fails the start", a_huge_setting_of_the_gateways_fails_the_start},
    {"names of instances are looked at in a bounded number", names_of_instances_are_looked_at_in_a_bounded_number},
    {"a huge name of an instance is removed", a_huge_name_of_an_instance_is_removed},
    {"huge names are left out of what is found", huge_names_are_left_out_of_what_is_found},
    {"sets with many members are listed in pieces", sets_with_many_members_are_listed_in_pieces},
    {"a huge published text is dropped as it comes", a_huge_published_text_is_dropped_as_it_comes},
    /* Last: it needs much memory by itself, beside which a peak would not be seen. */
    {"no more bytes are written than can be loaded", no_more_bytes_are_written_than_can_be_loaded},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
