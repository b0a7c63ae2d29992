/* An agent's life: what a start writes to Redis, what a stop takes back, hooks, quits, instances, failures. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "harness.h"

static double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec;
}

static void a_start_registers_and_a_stop_takes_it_back(void) {
  mas_options *options = options_here();
  ear *system = ear_open("mas.system");
  CHECK_OK(mas_options_add_capability(options, "chat"));
  CHECK_OK(mas_options_add_capability(options, "ma\xc3\x9f\x65"));
  CHECK_OK(mas_options_add_capability(options, "chat"));
  CHECK_OK(mas_options_set_metadata(options, " {\"lang\": \"c\"} ", MAS_STRLEN));
  mas_agent *agent = agent_started("alice", options);
  mas_options_free(options);

  CHECK_TEXT(ear_hear(system),
             "{\"type\": \"REGISTER\", \"agent_id\": \"alice\", \"capabilities\": [\"chat\", \"ma\\u00dfe\"]}");
  CHECK_TEXT(redis("HMGET", "agent:alice", "id", "metadata", "status", NULL), "alice\n{\"lang\": \"c\"}\nACTIVE\n");
  CHECK(strstr(redis("HGET", "agent:alice", "capabilities", NULL), "\"chat\"") != NULL);
  CHECK(strlen(redis("HGET", "agent:alice", "token", NULL)) == 43);
  double registered = atof(redis("HGET", "agent:alice", "registered_at", NULL));
  CHECK(registered > seconds_now() - 60 && registered < seconds_now() + 60);
  CHECK(atof(redis("GET", "agent:alice:heartbeat", NULL)) > seconds_now() - 60);
  int ttl = atoi(redis("PTTL", "agent:alice:heartbeat", NULL));
  CHECK(ttl > 50000 && ttl <= 60000);

  const char *instance = mas_agent_instance(agent);
  CHECK(strlen(instance) == 32);
  CHECK(strstr(redis("HGET", "agent:alice:instances", instance, NULL), "\"pid\":") != NULL);
  int lease = atoi(redis("PTTL", text("agent:alice:alive:%s", instance), NULL));
  CHECK(lease > 5000 && lease <= 15000);

  CHECK_STATUS(mas_agent_start(agent, 1000), MAS_INVALID_STATE);
  redis("HSET", "agent.state:alice", "kept", "1", NULL);
  CHECK_OK(mas_agent_stop(agent, 5000));
  CHECK_TEXT(ear_hear(system), "{\"type\": \"DEREGISTER\", \"agent_id\": \"alice\"}");
  CHECK_TEXT(redis("KEYS", "*", NULL), "agent.state:alice\n");
  CHECK_OK(mas_agent_stop(agent, 5000));
  CHECK_STATUS(mas_agent_poll(agent, 0, NULL), MAS_INVALID_STATE);
  CHECK_STATUS(mas_agent_send(agent, "bob", "x", NULL, 0, NULL), MAS_INVALID_STATE);

  CHECK_OK(mas_agent_start(agent, 5000)); /* once more */
  CHECK_TEXT(redis("EXISTS", "agent:alice", NULL), "1");
  mas_agent_free(agent); /* stops by itself */
  ear_close(system);
}

static bool beat_changed(void *context) { return strcmp(redis("GET", "agent:alice:heartbeat", NULL), context) != 0; }

static void it_beats_by_itself(void) {
  mas_options *options = options_here();
  CHECK_OK(mas_options_set_heartbeat(options, 100, 1000));
  mas_agent *agent = agent_started("alice", options);
  mas_options_free(options);
  char first[64];
  strcpy(first, redis("GET", "agent:alice:heartbeat", NULL));
  CHECK(strcmp(first, "(nil)") != 0);
  CHECK(eventually(beat_changed, first, NULL)); /* nobody polls */
  int ttl = atoi(redis("PTTL", "agent:alice:heartbeat", NULL));
  CHECK(ttl > 0 && ttl <= 1000);
  agent_ended(agent);
}

static void the_last_instance_takes_the_registration(void) {
  mas_agent *one = agent_started("alice", NULL), *two = agent_started("alice", NULL);
  CHECK_TEXT(redis("HLEN", "agent:alice:instances", NULL), "2");
  agent_ended(one);
  CHECK_TEXT(redis("HLEN", "agent:alice:instances", NULL), "1");
  CHECK_TEXT(redis("HGET", "agent:alice", "status", NULL), "ACTIVE");
  CHECK_TEXT(redis("EXISTS", "agent:alice:heartbeat", NULL), "1");

  mas_agent *crashed = agent_started("alice", NULL); /* its lease expires, it never stops */
  redis("DEL", text("agent:alice:alive:%s", mas_agent_instance(crashed)), NULL);
  agent_ended(two);
  CHECK_TEXT(redis("KEYS", "agent:alice*", NULL), "");
  agent_ended(crashed);
}

static mas_status hook(mas_agent *agent, void *user) {
  (void)agent;
  return ++*(int *)user > 1 ? MAS_REFUSED : MAS_OK;
}

static mas_status hook_that_uses_the_agent(mas_agent *agent, void *user) {
  mas_state_field field = {"hook", user, MAS_STRLEN};
  CHECK_STATUS(mas_agent_stop(agent, 0), MAS_INVALID_STATE);
  CHECK_STATUS(mas_agent_poll(agent, 0, NULL), MAS_INVALID_STATE);
  return mas_state_update(agent, &field, 1, 1000);
}

static void hooks_run_at_start_and_stop(void) {
  mas_options *options = options_here();
  mas_agent *agent;
  int started = 0;
  CHECK_OK(mas_agent_new("alice", options, &agent));
  mas_options_free(options);
  mas_agent_on_start(agent, hook_that_uses_the_agent, "start");
  mas_agent_on_stop(agent, hook_that_uses_the_agent, "stop");
  CHECK_OK(mas_agent_start(agent, 5000));
  CHECK_TEXT(redis("HGET", "agent.state:alice", "hook", NULL), "start");
  CHECK_OK(mas_agent_stop(agent, 5000));
  CHECK_TEXT(redis("HGET", "agent.state:alice", "hook", NULL), "stop");

  mas_agent_on_start(agent, hook, &started);
  CHECK_OK(mas_agent_start(agent, 5000));
  CHECK_OK(mas_agent_stop(agent, 5000));
  CHECK_STATUS(mas_agent_start(agent, 5000), MAS_REFUSED);
  CHECK(strstr(mas_error_detail(), "start hook") != NULL);
  CHECK_TEXT(redis("EXISTS", "agent:alice", NULL), "0");
  CHECK_OK(mas_agent_stop(agent, 0));
  mas_agent_free(agent);
}

static mas_agent *signalled;
static void on_alarm(int number) {
  (void)number;
  mas_agent_quit(signalled);
}

static void arm_alarm(void) {
  struct sigaction action = {.sa_handler = on_alarm};
  struct itimerval soon = {.it_value = {0, 30000}};
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &soon, NULL);
}

static void a_signal_handler_may_quit(void) {
  signalled = agent_started("alice", NULL);
  arm_alarm();
  CHECK_OK(mas_agent_run(signalled));
  size_t handled = 7;
  CHECK_OK(mas_agent_poll(signalled, 0, &handled)); /* once only */
  CHECK(handled == 0);
  mas_agent_quit(signalled); /* kept for the next poll */
  CHECK_STATUS(mas_agent_poll(signalled, 10000, NULL), MAS_CANCELLED);
  agent_ended(signalled);
}

static void a_start_can_be_cancelled_and_runs_out(void) {
  mas_options *options = mas_options_new();
  CHECK_OK(mas_options_set_redis_url(options, "unix:///nonexistent/redis.sock"));
  CHECK_OK(mas_agent_new("alice", options, &signalled));
  mas_options_free(options);
  arm_alarm();
  CHECK_STATUS(mas_agent_start(signalled, -1), MAS_CANCELLED);
  CHECK_STATUS(mas_agent_start(signalled, 50), MAS_UNREACHABLE);
  CHECK(strstr(mas_error_detail(), "/nonexistent/redis.sock") != NULL);
  CHECK_STATUS(mas_agent_poll(signalled, 0, NULL), MAS_INVALID_STATE);
  mas_agent_free(signalled);
}

static void a_wrong_password_fails_the_start(void) {
  mas_options *options = mas_options_new();
  mas_agent *agent;
  redis("ACL", "SETUSER", "eve", "on", ">right", "~*", "&*", "+@all", NULL);
  CHECK_OK(mas_options_set_redis_url(options, text("unix://eve:wrong@%s", redis_url() + strlen("unix://"))));
  CHECK_OK(mas_agent_new("alice", options, &agent));
  CHECK_STATUS(mas_agent_start(agent, 10000), MAS_AUTH_FAILED);
  CHECK(strstr(mas_error_detail(), "wrong@") == NULL);
  mas_agent_free(agent);

  redis("ACL", "SETUSER", "eve", "resetchannels", NULL); /* may not subscribe */
  CHECK_OK(mas_options_set_redis_url(options, text("unix://eve:right@%s", redis_url() + strlen("unix://"))));
  CHECK_OK(mas_agent_new("alice", options, &agent));
  CHECK_STATUS(mas_agent_start(agent, 10000), MAS_AUTH_FAILED);
  mas_agent_free(agent);

  redis("ACL", "SETUSER", "eve", "&*", "-hset", NULL); /* may not register */
  CHECK_OK(mas_agent_new("alice", options, &agent));
  CHECK_STATUS(mas_agent_start(agent, 10000), MAS_AUTH_FAILED);
  CHECK(strstr(mas_error_detail(), "registering") != NULL);
  mas_agent_free(agent);
  mas_options_free(options);
}

static void a_namespace_prefixes_everything(void) {
  mas_options *options = options_here();
  mas_agent *inside, *outside = agent_started("bob", NULL);
  CHECK_OK(mas_options_set_namespace(options, "team-1"));
  inside = agent_started("alice", options);
  mas_options_free(options);
  CHECK_TEXT(redis("EXISTS", "team-1/agent:alice", "agent:alice", NULL), "1");
  CHECK_TEXT(redis("PUBSUB", "NUMSUB", "team-1/agent.alice", NULL), "team-1/agent.alice\n1\n");
  mas_message *reply;
  CHECK_STATUS(mas_agent_request(outside, "alice", "x", NULL, 0, 1000, &reply), MAS_NO_RECEIVER);
  agent_ended(inside);
  agent_ended(outside);
  CHECK_TEXT(redis("KEYS", "*", NULL), "");
}

static mas_status free_in_hook(mas_agent *agent, void *user) { return (void)user, mas_agent_free(agent), MAS_OK; }
static mas_status free_in_handler(mas_agent *agent, const mas_message *message, void *user) {
  (void)message, (void)user;
  mas_agent_free(agent);
  CHECK_STATUS(mas_agent_stop(agent, 0), MAS_INVALID_STATE); /* not yet */
  return MAS_OK;
}
static void free_at_the_end(mas_agent *agent, mas_status status, const mas_message *reply, void *user) {
  (void)reply;
  CHECK_STATUS(status, MAS_NO_RECEIVER);
  *(bool *)user = true;
  mas_agent_free(agent);
}

static void an_agent_that_its_callback_frees_is_deregistered(void) {
  redis_is gone = {"KEYS", "agent:*", ""};
  bool ended = false;
  mas_agent *agent = agent_started("alice", NULL);
  CHECK_OK(mas_agent_on_message(agent, "end", free_in_handler, NULL));
  CHECK_OK(mas_agent_send(agent, "alice", "end", NULL, 0, NULL));
  CHECK_OK(mas_agent_send(agent, "alice", "end", NULL, 0, NULL)); /* handled by nobody */
  CHECK_OK(mas_agent_run(agent));
  CHECK(eventually(redis_is_condition, &gone, NULL));

  agent = agent_started("alice", NULL);
  CHECK_OK(mas_agent_request_async(agent, "nobody", "x", NULL, 0, 5000, free_at_the_end, &ended, NULL));
  mas_status status = MAS_OK;
  for (int i = 0; i < 100 && status == MAS_OK; ++i) status = mas_agent_poll(agent, 100, NULL);
  CHECK_STATUS(status, MAS_CANCELLED);
  CHECK(ended && eventually(redis_is_condition, &gone, NULL));

  mas_options *options = options_here();
  CHECK_OK(mas_agent_new("alice", options, &agent));
  mas_options_free(options);
  mas_agent_on_start(agent, free_in_hook, NULL);
  CHECK_STATUS(mas_agent_start(agent, 5000), MAS_CANCELLED);
  CHECK(eventually(redis_is_condition, &gone, NULL));
}

static mas_status count_hook(mas_agent *agent, void *user) { return (void)agent, ++*(int *)user, MAS_OK; }
static void count_end(mas_agent *agent, mas_status status, const mas_message *reply, void *user) {
  (void)agent, (void)reply;
  CHECK_STATUS(status, MAS_CANCELLED);
  ++*(int *)user;
}
static void count_receipt(mas_agent *agent, const char *id, const char *target, mas_status outcome, void *user) {
  (void)agent, (void)id, (void)target, (void)outcome;
  ++*(int *)user;
}

typedef struct last_calls {
  int hooks, ends, direct_ends, receipts;
} last_calls;
static mas_status free_and_look(mas_agent *agent, const mas_message *message, void *user) {
  last_calls *calls = user;
  (void)message;
  calls->receipts = 0;
  mas_agent_free(agent);
  CHECK(calls->direct_ends == 1);
  return MAS_OK;
}

static void no_callback_follows_the_one_that_frees_its_agent(void) {
  redis_is gone = {"KEYS", "agent:*", ""};
  last_calls calls = {0};
  ear *mute = ear_open("agent.mute");
  mas_agent *agent = agent_started("alice", NULL);
  mas_agent_on_stop(agent, count_hook, &calls.hooks);
  mas_agent_on_receipt(agent, MAS_RECEIPTS_ALL, count_receipt, &calls.receipts);
  CHECK_OK(mas_agent_on_message(agent, "end", free_and_look, &calls));
  CHECK_OK(mas_agent_request_async(agent, "mute", "x", NULL, 0, 60000, count_end, &calls.ends, NULL));
  CHECK_OK(mas_agent_request_direct(agent, "mute", "x", NULL, 0, 60000, count_end, &calls.direct_ends, NULL));
  CHECK_OK(mas_agent_send(agent, "alice", "end", NULL, 0, NULL));
  CHECK_OK(mas_agent_run(agent));
  CHECK(calls.hooks == 0 && calls.ends == 0 && calls.direct_ends == 1 && calls.receipts == 0);
  CHECK(eventually(redis_is_condition, &gone, NULL));
  ear_close(mute);
}

static const test_case kTests[] = {
    {"a start registers and a stop takes it back", a_start_registers_and_a_stop_takes_it_back},
    {"it beats by itself", it_beats_by_itself},
    {"the last instance takes the registration", the_last_instance_takes_the_registration},
    {"hooks run at start and stop", hooks_run_at_start_and_stop},
    {"a signal handler may quit", a_signal_handler_may_quit},
    {"a start can be cancelled and runs out", a_start_can_be_cancelled_and_runs_out},
    {"a wrong password fails the start", a_wrong_password_fails_the_start},
    {"an agent that its callback frees is deregistered", an_agent_that_its_callback_frees_is_deregistered},
    {"no callback follows the one that frees its agent", no_callback_follows_the_one_that_frees_its_agent},
    {"a namespace prefixes everything", a_namespace_prefixes_everything},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
