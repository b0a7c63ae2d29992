/* An agent whose Redis goes away, forgets, refuses or hangs: it comes back by itself and says what it saw. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

typedef struct link_events {
  int connected, disconnected;
  char detail[256];
} link_events;

static void on_connection(mas_agent *agent, mas_connection state, const char *detail, void *user) {
  link_events *events = user;
  (void)agent;
  ++*(state == MAS_CONNECTED ? &events->connected : &events->disconnected);
  snprintf(events->detail, sizeof events->detail, "%s", detail);
}

static bool disconnected(void *context) { return ((link_events *)context)->disconnected >= 1; }
static bool connected_again(void *context) {
  return disconnected(context) && ((link_events *)context)->connected >= ((link_events *)context)->disconnected;
}

static mas_status count(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)message;
  ++*(int *)user;
  return MAS_OK;
}

static mas_agent *watched_agent(const char *id, link_events *events, int *messages) {
  mas_options *options = options_here();
  CHECK_OK(mas_options_set_heartbeat(options, 100, 2000));
  CHECK_OK(mas_options_add_capability(options, "chat"));
  mas_agent *agent = agent_started(id, options);
  mas_options_free(options);
  mas_agent_on_connection(agent, on_connection, events);
  CHECK_OK(mas_agent_on_message(agent, NULL, count, messages));
  return agent;
}

static bool heard(void *context) { return *(int *)context > 0; }

/* Whether a message from outside reaches the agent's handler. */
static void hears(mas_agent *agent, int *messages) {
  const char *envelope = "{\"sender_id\":\"x\",\"target_id\":\"alice\",\"message_type\":\"t\",\"data\":{}}";
  *messages = 0;
  CHECK(redis_publish("agent.alice", envelope, strlen(envelope)) == 1);
  CHECK(eventually(heard, messages, agent));
}

static void it_hears_again_after_client_kill(void) {
  link_events events = {0};
  int messages = 0;
  mas_stats stats;
  mas_agent *agent = watched_agent("alice", &events, &messages);
  hears(agent, &messages);
  CHECK_TEXT(redis("CLIENT", "KILL", "TYPE", "pubsub", NULL), "1");
  CHECK(eventually(connected_again, &events, agent));
  hears(agent, &messages);
  CHECK_TEXT(redis("CLIENT", "KILL", "TYPE", "normal", NULL), "1");
  events = (link_events){0};
  CHECK(eventually(connected_again, &events, agent));
  hears(agent, &messages);
  mas_agent_stats(agent, &stats, sizeof stats);
  CHECK(stats.reconnects == 1 && stats.received == 3);
  agent_ended(agent);
}

static bool is_registered(void *context) {
  (void)context;
  return strcmp(redis("HMGET", "agent:alice", "status", "capabilities", NULL), "ACTIVE\n[\"chat\"]\n") == 0;
}

static void it_registers_again_after_a_restart_without_data(void) {
  link_events events = {0};
  int messages = 0;
  mas_agent *agent = watched_agent("alice", &events, &messages);
  redis_stop();
  CHECK(eventually(disconnected, &events, agent));
  CHECK(strstr(events.detail, "redis.sock") != NULL);
  redis_start();
  CHECK(eventually(connected_again, &events, agent));
  CHECK(is_registered(NULL));
  CHECK_TEXT(redis("HLEN", "agent:alice:instances", NULL), "1");
  hears(agent, &messages);
  agent_ended(agent);
  CHECK_TEXT(redis("KEYS", "*", NULL), "");
}

static void it_notices_that_its_registration_is_gone(void) {
  link_events events = {0};
  int messages = 0;
  mas_agent *agent = watched_agent("alice", &events, &messages);
  redis("FLUSHALL", NULL);
  CHECK(eventually(is_registered, NULL, agent));
  CHECK(eventually(connected_again, &events, agent));
  agent_ended(agent);
}

static bool beats(void *context) {
  (void)context;
  return strcmp(redis("EXISTS", "agent:alice:heartbeat", NULL), "1") == 0;
}

/* As when Redis's clock is set forward. The next beat would be due in half a minute. */
static void a_heartbeat_that_ended_before_its_time_is_written_again_soon(void) {
  mas_agent *agent = agent_started("alice", NULL);
  redis("DEL", "agent:alice:heartbeat", NULL);
  CHECK(eventually(beats, NULL, agent));
  CHECK(atoi(redis("PTTL", "agent:alice:heartbeat", NULL)) > 50000);
  agent_ended(agent);
}

static bool is_active(void *context) {
  (void)context;
  return strcmp(redis("HGET", "agent:alice", "status", NULL), "ACTIVE") == 0;
}

static bool beat_is_newer(void *context) {
  return atof(redis("GET", "agent:alice:heartbeat", NULL)) > *(double *)context;
}

static void inactive_is_healthds_to_judge(void) {
  link_events events = {0};
  int messages = 0;
  mas_agent *agent = watched_agent("alice", &events, &messages);
  redis("SET", "mas.lease:healthd", "somebody", NULL);
  redis("HSET", "agent:alice", "status", "INACTIVE", NULL);
  for (int beats = 0; beats < 3; ++beats) { /* it beats and leaves the status alone */
    double last = atof(redis("GET", "agent:alice:heartbeat", NULL));
    CHECK(eventually(beat_is_newer, &last, agent));
  }
  CHECK(!is_active(NULL));
  redis("DEL", "mas.lease:healthd", NULL);
  CHECK(eventually(is_active, NULL, agent));
  agent_ended(agent);
}

static void sends_during_an_outage_are_accounted_for(void) {
  link_events events = {0};
  int messages = 0;
  mas_stats stats;
  mas_agent *agent = watched_agent("alice", &events, &messages);
  redis_stop();
  CHECK(eventually(disconnected, &events, agent));
  unsigned failed = 0; /* the link for messages may be the later of the two to notice: what went out on it has failed */
  mas_status flushed;
  for (;; ++failed) {
    CHECK_OK(mas_agent_send(agent, "alice", "kept", NULL, 0, NULL)); /* waits for the next link */
    flushed = mas_agent_flush(agent, 20);
    if (flushed != MAS_OK) break;
  }
  CHECK_STATUS(flushed, MAS_TIMEOUT);
  CHECK(failed <= 1);
  redis_start();
  CHECK_OK(mas_agent_flush(agent, 10000));
  mas_agent_stats(agent, &stats, sizeof stats);
  CHECK(stats.sent == 1 && stats.send_failed == failed);
  agent_ended(agent);
}

static bool lease_was_renewed(void *context) {
  (void)context;
  return atoi(redis("PTTL", "agent:alice:heartbeat", NULL)) > 1500;
}

static void out_of_memory_it_still_beats(void) {
  link_events events = {0};
  int messages = 0;
  mas_state_field field = {"a", "1", MAS_STRLEN};
  mas_agent *agent = watched_agent("alice", &events, &messages);
  redis("CONFIG", "SET", "maxmemory", "1", NULL);
  CHECK_STATUS(mas_state_update(agent, &field, 1, 5000), MAS_UNAVAILABLE);
  CHECK(mas_status_retriable(MAS_UNAVAILABLE));
  redis("PEXPIRE", "agent:alice:heartbeat", "1000", NULL);
  CHECK(eventually(lease_was_renewed, NULL, agent));
  CHECK(events.disconnected == 0);
  redis("CONFIG", "SET", "maxmemory", "0", NULL);
  CHECK_OK(mas_state_update(agent, &field, 1, 5000));
  agent_ended(agent);
}

/* Redis refuses writes (and answers PING with the same error) since it cannot write its snapshot: a directory is in the
 * file's place. */
static char snapshot[512];

static bool writes_are_refused(void *context) {
  (void)context;
  return strncmp(redis("SET", "probe", "1", NULL), "-MISCONF", 8) == 0;
}

static void snapshots_fail(void) {
  const char *dir = redis("CONFIG", "GET", "dir", NULL);
  snprintf(snapshot, sizeof snapshot, "%.*s/dump.rdb", (int)strcspn(dir + 4, "\n"), dir + 4);
  CHECK(mkdir(snapshot, 0700) == 0);
  redis("CONFIG", "SET", "save", "3600 1", NULL);
  redis("BGSAVE", NULL);
  CHECK(eventually(writes_are_refused, NULL, NULL));
}

static void snapshots_work(void) {
  redis("CONFIG", "SET", "save", "", NULL);
  CHECK(rmdir(snapshot) == 0);
}

static bool is_subscribed(void *context) {
  (void)context;
  return strcmp(redis("PUBSUB", "NUMSUB", "agent.alice", NULL), "agent.alice\n1\n") == 0;
}

static void peers_go_on_while_writes_are_refused(void) {
  link_events events = {0};
  int messages = 0;
  mas_agent *agent = watched_agent("alice", &events, &messages);
  snapshots_fail();
  redis("CLIENT", "KILL", "TYPE", "normal", NULL);
  redis("CLIENT", "KILL", "TYPE", "pubsub", NULL);
  CHECK(eventually(disconnected, &events, agent));
  CHECK(eventually(is_subscribed, NULL, agent));
  CHECK_OK(mas_agent_send(agent, "alice", "x", NULL, 0, NULL));
  CHECK_OK(mas_agent_flush(agent, 10000));
  CHECK(eventually(heard, &messages, agent));
  snapshots_work();
  CHECK(eventually(connected_again, &events, agent));
  agent_ended(agent);
}

static void note_trouble(const char *line, void *user) {
  if (strstr(line, "no heartbeat") != NULL) __atomic_add_fetch((int *)user, 1, __ATOMIC_SEQ_CST);
}

static bool is_told(void *told) { return __atomic_load_n((int *)told, __ATOMIC_SEQ_CST) > 0; }

static bool beat_is_fresh(void *context) {
  (void)context;
  return atoi(redis("PTTL", "agent:alice:heartbeat", NULL)) > 59000;
}

static void a_beat_that_was_refused_is_made_again_soon(void) {
  mas_options *options = options_here();
  int told = 0;
  CHECK_OK(mas_options_set_heartbeat(options, 5000, 60000));
  mas_options_set_debug(options, note_trouble, &told);
  mas_agent *agent = agent_started("alice", options);
  mas_options_free(options);
  snapshots_fail();
  CHECK(eventually(is_told, &told, agent));
  CHECK(!beat_is_fresh(NULL));
  snapshots_work();
  time_t healed = time(NULL);
  CHECK(eventually(beat_is_fresh, NULL, agent));
  CHECK(time(NULL) - healed <= 3); /* and not with the next beat, after five */
  CHECK(__atomic_load_n(&told, __ATOMIC_SEQ_CST) == 1);
  agent_ended(agent);
}

/* The user that this agent logs in as is switched off for a while. */
static void a_refused_login_is_survived(void) {
  link_events events = {0};
  int messages = 0;
  mas_options *options = mas_options_new();
  redis("ACL", "SETUSER", "eve", "on", ">right", "~*", "&*", "+@all", NULL);
  CHECK_OK(mas_options_set_redis_url(options, text("unix://eve:right@%s", redis_url() + strlen("unix://"))));
  mas_agent *agent = agent_started("alice", options);
  mas_options_free(options);
  mas_agent_on_connection(agent, on_connection, &events);
  CHECK_OK(mas_agent_on_message(agent, NULL, count, &messages));
  redis("ACL", "SETUSER", "eve", "off", NULL);
  redis("CLIENT", "KILL", "USER", "eve", NULL);
  CHECK(eventually(disconnected, &events, agent));
  redis("ACL", "SETUSER", "eve", "on", NULL);
  CHECK(eventually(connected_again, &events, agent));
  hears(agent, &messages);
  agent_ended(agent);
}

static void read_only_is_survived(void) {
  link_events events = {0};
  int messages = 0;
  mas_agent *agent = watched_agent("alice", &events, &messages);
  redis("REPLICAOF", "127.0.0.1", "1", NULL); /* a replica without a master refuses writes */
  CHECK(eventually(disconnected, &events, agent));
  redis("REPLICAOF", "NO", "ONE", NULL);
  CHECK(eventually(connected_again, &events, agent));
  CHECK(eventually(is_registered, NULL, agent));
  hears(agent, &messages);
  agent_ended(agent);
}

static void a_stop_without_redis_takes_its_time_and_no_more(void) {
  link_events events = {0};
  int messages = 0;
  mas_agent *agent = watched_agent("alice", &events, &messages);
  redis_stop();
  CHECK_STATUS(mas_agent_stop(agent, 100), MAS_TIMEOUT);
  redis_start();
  CHECK_OK(mas_agent_start(agent, 10000));
  redis_freeze();
  CHECK_STATUS(mas_agent_stop(agent, 100), MAS_TIMEOUT);
  redis_thaw();
  mas_agent_free(agent);
}

static void calls_end_when_redis_hangs(void) {
  link_events events = {0};
  int messages = 0;
  mas_state_field field = {"a", "1", MAS_STRLEN};
  mas_agent_list *list;
  mas_message *reply;
  mas_agent *agent = watched_agent("alice", &events, &messages);
  redis_freeze();
  CHECK_STATUS(mas_state_update(agent, &field, 1, 50), MAS_TIMEOUT);
  CHECK_STATUS(mas_agent_discover(agent, NULL, 0, 0, 0, 50, &list), MAS_TIMEOUT);
  CHECK_STATUS(mas_agent_request(agent, "alice", "x", NULL, 0, 50, &reply), MAS_TIMEOUT);
  CHECK(eventually(disconnected, &events, agent)); /* the hanging link is given up */
  redis_thaw();
  CHECK(eventually(connected_again, &events, agent));
  hears(agent, &messages);
  agent_ended(agent);
}

static const test_case kTests[] = {
    {"it hears again after CLIENT KILL", it_hears_again_after_client_kill},
    {"it registers again after a restart without data", it_registers_again_after_a_restart_without_data},
    {"it notices that its registration is gone", it_notices_that_its_registration_is_gone},
    {"INACTIVE is healthd's to judge", inactive_is_healthds_to_judge},
    {"a heartbeat that ended before its time is written again soon",
     a_heartbeat_that_ended_before_its_time_is_written_again_soon},
    {"sends during an outage are accounted for", sends_during_an_outage_are_accounted_for},
    {"out of memory it still beats", out_of_memory_it_still_beats},
    {"peers go on while writes are refused", peers_go_on_while_writes_are_refused},
    {"a beat that was refused is made again soon", a_beat_that_was_refused_is_made_again_soon},
    {"a refused login is survived", a_refused_login_is_survived},
    {"read-only is survived", read_only_is_survived},
    {"a stop without Redis takes its time and no more", a_stop_without_redis_takes_its_time_and_no_more},
    {"calls end when Redis hangs", calls_end_when_redis_hangs},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
