/* Bounds: what a flood, a slow handler, a stuck Redis and a hostile peer can do to an agent. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define ENVELOPE "{\"sender_id\":\"x\",\"target_id\":\"alice\",\"message_type\":\"t\",\"data\":{\"n\":%d}}"

static void the_outbound_queue_is_bounded(void) {
  mas_options *options = options_here();
  mas_stats stats;
  CHECK_OK(mas_options_set_outbound_queue(options, 100, 1 << 20));
  mas_agent *agent = agent_started("alice", options);
  redis_freeze();
  for (int i = 0; i < 100; ++i) CHECK_OK(mas_agent_send(agent, "nobody", "x", NULL, 0, NULL));
  CHECK_STATUS(mas_agent_send(agent, "nobody", "x", NULL, 0, NULL), MAS_WOULD_BLOCK);
  CHECK(mas_status_retriable(MAS_WOULD_BLOCK));
  redis_thaw();
  CHECK_OK(mas_agent_flush(agent, 10000));
  CHECK_OK(mas_agent_send(agent, "nobody", "x", NULL, 0, NULL));
  CHECK_OK(mas_agent_flush(agent, 10000));
  stats = stats_of(agent);
  CHECK(stats.sent == 101 && stats.undelivered == 101);
  agent_ended(agent);

  CHECK_OK(mas_options_set_outbound_queue(options, 100, 2000));
  agent = agent_started("alice", options);
  mas_options_free(options);
  char *big = calloc(1, 3000);
  snprintf(big, 3000, "{\"x\":\"%02900d\"}", 1);
  redis_freeze();
  CHECK_OK(mas_agent_send(agent, "nobody", "x", big, MAS_STRLEN, NULL)); /* alone, it may exceed the bound */
  CHECK_STATUS(mas_agent_send(agent, "nobody", "x", NULL, 0, NULL), MAS_WOULD_BLOCK);
  redis_thaw();
  free(big);
  agent_ended(agent);
}

typedef struct flood {
  int handled, last;
  uint64_t dropped;
} flood;

static mas_status on_flood(mas_agent *agent, const mas_message *message, void *user) {
  flood *f = user;
  int n = -1;
  (void)agent;
  sscanf(mas_message_data(message, NULL), "{\"n\":%d}", &n);
  CHECK(n > f->last); /* what is left is in order */
  f->last = n;
  ++f->handled;
  return MAS_OK;
}

static void on_overflow(mas_agent *agent, uint64_t dropped, void *user) {
  (void)agent;
  CHECK(dropped > 0);
  ((flood *)user)->dropped += dropped;
}

static bool received_100000(void *agent) { return stats_of(agent).received == 100000; }
static bool flood_is_over(void *context) { return ((flood *)context)->last == 100000; }

static void a_slow_handler_loses_the_oldest_and_is_told(void) {
  mas_options *options = options_here();
  flood f = {0};
  mas_stats stats;
  CHECK_OK(mas_options_set_inbound_queue(options, 1000, 1 << 20));
  mas_agent *agent = agent_started("alice", options);
  mas_options_free(options);
  CHECK_OK(mas_agent_on_message(agent, NULL, on_flood, &f));
  mas_agent_on_overflow(agent, on_overflow, &f);
  const char *script = "for i = 1, 100000 do redis.call('PUBLISH', 'agent.alice', string.format(ARGV[1], i)) end";
  redis("EVAL", script, "0", ENVELOPE, NULL);
  CHECK(eventually(received_100000, agent, NULL)); /* nobody polls: as slow as a handler can be */
  CHECK(eventually(flood_is_over, &f, agent));
  stats = stats_of(agent);
  CHECK(f.handled == 1000);
  CHECK(stats.dropped == 99000 && f.dropped == 99000);
  agent_ended(agent);
}

static void the_inbound_queue_is_bounded_in_bytes(void) {
  mas_options *options = options_here();
  flood f = {0};
  CHECK_OK(mas_options_set_inbound_queue(options, 100000, 10000));
  mas_agent *agent = agent_started("alice", options);
  mas_options_free(options);
  CHECK_OK(mas_agent_on_message(agent, NULL, on_flood, &f));
  const char *script = "for i = 1, 100000 do redis.call('PUBLISH', 'agent.alice', string.format(ARGV[1], i)) end";
  redis("EVAL", script, "0", ENVELOPE, NULL);
  CHECK(eventually(received_100000, agent, NULL));
  CHECK(eventually(flood_is_over, &f, agent));
  CHECK(f.handled > 50 && f.handled < 10000 / 60);
  agent_ended(agent);
}

static mas_status count_message(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)message;
  ++*(int *)user;
  return MAS_OK;
}

static bool handled_64(void *handled) { return *(int *)handled == 64; }
static bool handled_15(void *handled) { return *(int *)handled == 15; }

enum { kLarge = 1000 * 1000 };

static char *large_data(void) {
  char *data = malloc(kLarge);
  memset(data, 'x', kLarge);
  memcpy(data, "{\"x\":\"", 6);
  memcpy(data + kLarge - 2, "\"}", 2);
  return data;
}

static double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A process of its own that sends 64 MB as fast as it may. */
static pid_t flooding_process(void) {
  pid_t child = fork();
  if (child != 0) return child;
  mas_options *options = options_here();
  CHECK_OK(mas_options_set_outbound_queue(options, 1000, 512 << 20));
  mas_agent *alice = agent_started("alice", options);
  char *data = large_data();
  CHECK(eventually(redis_is_condition, &(redis_is){"EXISTS", "wait", "0"}, alice)); /* bob listens */
  const double began = seconds_now();
  for (int i = 0; i < 64; ++i) CHECK_OK(mas_agent_send(alice, "bob", "large", data, kLarge, NULL));
  CHECK_OK(mas_agent_flush(alice, 30000));
  CHECK(seconds_now() - began > 1.5); /* 4 MiB at once, 32 MiB a second */
  CHECK(stats_of(alice).sent == 64 && stats_of(alice).undelivered == 0);
  agent_ended(alice);
  _exit(0);
}

/* Redis cuts a subscriber off for which 32 MiB wait, and reads from a sender faster than it writes to a reader. */
static void a_burst_of_large_messages_arrives(void) {
  pid_t child;
  int handled = 0, status = -1;
  redis("SET", "wait", "1", NULL);
  child = flooding_process();
  mas_agent *bob = agent_started("bob", NULL);
  CHECK_OK(mas_agent_on_message(bob, NULL, count_message, &handled));
  redis("DEL", "wait", NULL);
  CHECK(eventually(handled_64, &handled, bob));
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK(stats_of(bob).reconnects == 0 && stats_of(bob).dropped == 0);
  agent_ended(bob);
}

static void a_stop_sends_what_is_paced(void) {
  mas_agent *alice = agent_started("alice", NULL);
  mas_agent *bob = agent_started("bob", NULL);
  int handled = 0;
  char *data = large_data();
  CHECK_OK(mas_agent_on_message(bob, NULL, count_message, &handled));
  for (int i = 0; i < 15; ++i) CHECK_OK(mas_agent_send(alice, "bob", "large", data, kLarge, NULL));
  agent_ended(alice);
  CHECK(eventually(handled_15, &handled, bob));
  free(data);
  agent_ended(bob);
}

typedef struct outcome_of {
  char id[MAS_MESSAGE_ID_SIZE];
  mas_status outcome;
  int told;
} outcome_of;

static void note_outcome(mas_agent *agent, const char *id, const char *target, mas_status outcome, void *user) {
  outcome_of *one = user;
  (void)agent, (void)target;
  for (; one->id[0] != '\0'; ++one) {
    if (strcmp(one->id, id) != 0) continue;
    one->outcome = outcome;
    ++one->told;
  }
}

static void poll_for(mas_agent *agent, double seconds) {
  const double end = seconds_now() + seconds;
  while (seconds_now() < end) CHECK_OK(mas_agent_poll(agent, 20, NULL));
}

static bool both_told(void *outcomes) {
  const outcome_of *both = outcomes;
  return both[0].told == 1 && both[1].told == 1;
}

/* Without a link for as long as a message waits for one: what was held back behind it is refused, and what the
 * connection still has keeps its own outcome. */
static void what_is_held_back_has_its_own_outcome(void) {
  outcome_of both[3] = {0};
  mas_agent *alice = agent_started("alice", NULL);
  char *data = large_data();
  mas_agent_on_receipt(alice, MAS_RECEIPTS_ALL, note_outcome, both);
  redis_stop();
  for (int i = 0; i < 4; ++i) CHECK_OK(mas_agent_send(alice, "nobody", "large", data, kLarge, NULL));
  poll_for(alice, 4);
  CHECK_OK(mas_agent_send(alice, "nobody", "short", "{}", 2, both[0].id)); /* the connection takes it */
  poll_for(alice, 0.1);
  CHECK_OK(mas_agent_send(alice, "nobody", "large", data, kLarge, both[1].id)); /* waits for the first ones */
  poll_for(alice, 3); /* the first ones have waited as long as any may, and a second more */
  redis_start();
  CHECK(eventually(both_told, both, alice));
  CHECK_STATUS(both[0].outcome, MAS_NO_RECEIVER);
  CHECK_STATUS(both[1].outcome, MAS_UNREACHABLE);
  free(data);
  agent_ended(alice);
}

static void what_no_subscriber_can_be_sent_is_refused(void) {
  mas_options *options = options_here();
  size_t size = 33 << 20;
  char *data = malloc(size);
  CHECK_OK(mas_options_set_max_message(options, 64 << 20));
  mas_agent *alice = agent_started("alice", options);
  mas_options_free(options);
  memset(data, 'x', size);
  memcpy(data, "{\"x\":\"", 6);
  memcpy(data + size - 2, "\"}", 2);
  CHECK_STATUS(mas_agent_send(alice, "alice", "large", data, size, NULL), MAS_TOO_LARGE);
  CHECK(strstr(mas_error_detail(), "subscriber") != NULL);
  free(data);
  agent_ended(alice);
}

typedef struct connection_texts {
  int lost, back;
  char text[512];
} connection_texts;

static void note_connection(mas_agent *agent, mas_connection event, const char *detail, void *user) {
  connection_texts *texts = user;
  (void)agent;
  if (event == MAS_DISCONNECTED) ++texts->lost;
  if (event != MAS_CONNECTED) return;
  ++texts->back;
  snprintf(texts->text, sizeof texts->text, "%s", detail);
}

static bool is_back(void *texts) { return ((connection_texts *)texts)->back > 0; }

static void a_receiver_that_was_cut_off_is_told(void) {
  mas_agent *bob = agent_started("bob", NULL);
  connection_texts texts = {0};
  mas_agent_on_connection(bob, note_connection, &texts);
  size_t size = 33 << 20;
  char *data = calloc(1, size);
  redis_publish("agent.bob", data, size);
  CHECK(eventually(is_back, &texts, bob));
  CHECK(strstr(texts.text, "client-output-buffer-limit") != NULL);
  free(data);
  agent_ended(bob);
}

static bool malformed_5(void *agent) { return stats_of(agent).malformed == 5; }

static void garbage_is_counted_and_harmless(void) {
  mas_agent *agent = agent_started("alice", NULL);
  flood f = {0};
  size_t size = 1 << 20;
  char *brackets = malloc(size);
  memset(brackets, '[', size);
  CHECK_OK(mas_agent_on_message(agent, NULL, on_flood, &f));
  const char *other = "{\"sender_id\":\"x\",\"target_id\":\"bob\",\"message_type\":\"t\",\"data\":{}}";
  const char *invalid = "{\"sender_id\":\"x\",\"target_id\":\"alice\",\"message_type\":\"\xff\",\"data\":{}}";
  redis_publish("agent.alice", brackets, size);
  redis_publish("agent.alice", invalid, strlen(invalid));
  redis_publish("agent.alice", other, strlen(other));
  redis_publish("agent.alice", "", 0);
  redis_publish("agent.alice", "\0{}", 3);
  const char *good = text(ENVELOPE, 100000);
  redis_publish("agent.alice", good, strlen(good));
  CHECK(eventually(flood_is_over, &f, agent));
  CHECK(eventually(malformed_5, agent, agent));
  free(brackets);
  agent_ended(agent);
}

typedef struct told {
  char lines[4096];
} told;

static void note_line(const char *line, void *user) {
  told *t = user;
  size_t used = strlen(t->lines);
  snprintf(t->lines + used, sizeof t->lines - used, "%s\n", line);
}

static bool malformed_3(void *agent) { return stats_of(agent).malformed == 3; }

static void who_sent_what_is_refused_is_told(void) {
  static told seen;
  static const char *const refused[] = {
      "{\"sender_id\":\"eve\",\"target_id\":\"alice\",\"message_type\":7,\"data\":{}}",
      "{\"sender_id\":\"eve\",\"target_id\":\"bob\",\"message_type\":\"t\",\"data\":{}}", "no JSON"};
  mas_options *options = options_here();
  mas_options_set_debug(options, note_line, &seen);
  mas_agent *agent = agent_started("alice", options);
  mas_options_free(options);
  for (int i = 0; i < 3; ++i) redis_publish("agent.alice", refused[i], strlen(refused[i]));
  CHECK(eventually(malformed_3, agent, agent));
  agent_ended(agent);
  CHECK(strstr(seen.lines, "names 'eve' as its sender: envelope: message_type: expected a string") != NULL);
  CHECK(strstr(seen.lines, "of 'eve', which is for 'bob'") != NULL);
  CHECK(strstr(seen.lines, "names nobody as its sender: envelope: ") != NULL);
}

static void messages_are_bounded_in_size(void) {
  mas_options *options = options_here();
  CHECK_OK(mas_options_set_max_message(options, 2000));
  mas_agent *agent = agent_started("alice", options);
  mas_options_free(options);
  flood f = {0};
  CHECK_OK(mas_agent_on_message(agent, NULL, on_flood, &f));
  CHECK_STATUS(mas_agent_send(agent, "bob", "x", text("{\"x\":\"%01900d\"}", 0), MAS_STRLEN, NULL), MAS_TOO_LARGE);
  CHECK_STATUS(mas_agent_send(agent, "bob", "x", text("{\"x\":\"%02500d\"}", 0), MAS_STRLEN, NULL), MAS_TOO_LARGE);
  const char *large =
      text("{\"sender_id\":\"x\",\"target_id\":\"alice\",\"message_type\":\"t\",\"data\":{\"x\":\"%02000d\"}}", 0);
  redis_publish("agent.alice", large, strlen(large));
  const char *good = text(ENVELOPE, 100000);
  redis_publish("agent.alice", good, strlen(good));
  CHECK(eventually(flood_is_over, &f, agent));
  CHECK(stats_of(agent).malformed == 1);
  agent_ended(agent);
}

/* ---- Threads ---- */

enum { kThreads = 4, kEach = 2000 };

static void *send_many(void *agent) {
  for (int i = 0; i < kEach;)
    if (mas_agent_send(agent, "alice", "x", NULL, 0, NULL) == MAS_OK) ++i;
  return NULL;
}

static mas_status count(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)message;
  ++*(int *)user;
  return MAS_OK;
}
static bool all_came(void *context) { return *(int *)context == kThreads * kEach; }

static void many_threads_may_send(void) {
  mas_agent *agent = agent_started("alice", NULL);
  pthread_t threads[kThreads];
  int came = 0;
  CHECK_OK(mas_agent_on_message(agent, "x", count, &came));
  for (int i = 0; i < kThreads; ++i) CHECK(pthread_create(&threads[i], NULL, send_many, agent) == 0);
  CHECK(eventually(all_came, &came, agent));
  for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
  CHECK_OK(mas_agent_flush(agent, 10000)); /* a message may come before Redis's answer to its sender is read */
  CHECK(stats_of(agent).sent == kThreads * kEach);
  agent_ended(agent);
}

static void *poll_until_cancelled(void *agent) { return mas_agent_run(agent) == MAS_OK ? agent : NULL; }

static mas_status ask_silence(mas_agent *agent, const mas_message *message, void *user) {
  mas_message *reply;
  (void)message;
  *(bool *)user = true;
  return mas_agent_request(agent, "silent", "x", NULL, 0, -1, &reply);
}
static bool is_set(void *context) { return __atomic_load_n((bool *)context, __ATOMIC_SEQ_CST); }

static void a_stop_ends_what_waits(void) {
  mas_agent *agent = agent_started("alice", NULL);
  ear *silent = ear_open("agent.silent");
  bool asking = false;
  pthread_t poller;
  void *result = NULL;
  CHECK_OK(mas_agent_on_message(agent, "ask", ask_silence, &asking));
  CHECK(pthread_create(&poller, NULL, poll_until_cancelled, agent) == 0);
  CHECK_OK(mas_agent_send(agent, "alice", "ask", NULL, 0, NULL));
  CHECK(ear_hear(silent) != NULL); /* the handler waits for its answer */
  CHECK_OK(mas_agent_stop(agent, 10000));
  pthread_join(poller, &result);
  CHECK(result == agent && is_set(&asking));
  CHECK(stats_of(agent).handler_failed == 1);
  mas_agent_free(agent);
  ear_close(silent);
}

enum { kAskers = 3, kQuestions = 300 };

static mas_status answer(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)user;
  return mas_message_reply(message, "pong", NULL, 0);
}

static void *ask_many(void *agent) {
  for (int i = 0; i < kQuestions; ++i) {
    mas_message *reply = NULL;
    if (mas_agent_request(agent, "bob", "ping", NULL, 0, 10000, &reply) != MAS_OK) return NULL;
    mas_message_unref(reply);
  }
  return agent;
}

/* Who waits turns the I/O loop, one thread at a time, in the middle of all that others do meanwhile. */
static void many_threads_may_wait(void) {
  mas_agent *alice = agent_started("alice", NULL), *bob = agent_started("bob", NULL);
  pthread_t pollers[2], askers[kAskers];
  int came = 0;
  CHECK_OK(mas_agent_on_message(alice, "x", count, &came));
  CHECK_OK(mas_agent_on_message(bob, "ping", answer, NULL));
  CHECK(pthread_create(&pollers[0], NULL, poll_until_cancelled, alice) == 0);
  CHECK(pthread_create(&pollers[1], NULL, poll_until_cancelled, bob) == 0);
  for (int i = 0; i < kAskers; ++i) CHECK(pthread_create(&askers[i], NULL, ask_many, alice) == 0);
  for (int i = 0; i < kQuestions; ++i) {
    CHECK_OK(mas_agent_send(bob, "alice", "x", NULL, 0, NULL));
    if (i % 50 == 0) CHECK_OK(mas_state_refresh(alice, 10000));
  }
  for (int i = 0; i < kAskers; ++i) {
    void *result = NULL;
    pthread_join(askers[i], &result);
    CHECK(result == alice);
  }
  CHECK_OK(mas_agent_flush(bob, 10000));
  CHECK_OK(mas_agent_stop(bob, 10000));
  CHECK_OK(mas_agent_stop(alice, 10000));
  for (int i = 0; i < 2; ++i) pthread_join(pollers[i], NULL);
  CHECK(came == kQuestions);
  mas_agent_free(alice);
  mas_agent_free(bob);
}

static void *ask_for_ever(void *agent) {
  mas_message *reply;
  return mas_agent_request(agent, "silent", "x", NULL, 0, -1, &reply) == MAS_CANCELLED ? agent : NULL;
}

static void a_stop_ends_a_request_of_another_thread(void) {
  mas_agent *agent = agent_started("alice", NULL);
  ear *silent = ear_open("agent.silent");
  pthread_t asker;
  void *result = NULL;
  CHECK(pthread_create(&asker, NULL, ask_for_ever, agent) == 0);
  CHECK(ear_hear(silent) != NULL);
  CHECK_OK(mas_agent_stop(agent, 10000));
  pthread_join(asker, &result);
  CHECK(result == agent);
  mas_agent_free(agent);
  ear_close(silent);
}

static const test_case kTests[] = {
    {"the outbound queue is bounded", the_outbound_queue_is_bounded},
    {"a slow handler loses the oldest and is told", a_slow_handler_loses_the_oldest_and_is_told},
    {"the inbound queue is bounded in bytes", the_inbound_queue_is_bounded_in_bytes},
    {"garbage is counted and harmless", garbage_is_counted_and_harmless},
    {"who sent what is refused is told", who_sent_what_is_refused_is_told},
    {"a burst of large messages arrives", a_burst_of_large_messages_arrives},
    {"a stop sends what is paced", a_stop_sends_what_is_paced},
    {"what is held back has its own outcome", what_is_held_back_has_its_own_outcome},
    {"what no subscriber can be sent is refused", what_no_subscriber_can_be_sent_is_refused},
    {"a receiver that was cut off is told", a_receiver_that_was_cut_off_is_told},
    {"messages are bounded in size", messages_are_bounded_in_size},
    {"many threads may send", many_threads_may_send},
    {"a stop ends what waits", a_stop_ends_what_waits},
    {"many threads may wait", many_threads_may_wait},
    {"a stop ends a request of another thread", a_stop_ends_a_request_of_another_thread},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
