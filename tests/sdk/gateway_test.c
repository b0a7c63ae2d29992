/* Gateway mode over a mock gateway: sending, receipts, streams, requests. What goes wrong is in
 * gateway_faults_test.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway_case.h"

static void a_message_arrives_and_has_its_receipt(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  tally got = {0}, told = {0};
  char id[MAS_MESSAGE_ID_SIZE];
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  mas_agent_on_receipt(alice, MAS_RECEIPTS_ALL, on_receipt, &told);
  CHECK_OK(mas_agent_send(alice, "bob", "note", "{\"n\":0}", MAS_STRLEN, id));
  CHECK(eventually(tally_is_1, &got, bob));
  CHECK(eventually(tally_is_1, &told, alice));
  CHECK_TEXT(told.last_id, id);
  CHECK_STATUS(told.last_status, MAS_OK);
  CHECK_TEXT(told.decision, "ALLOWED");
  CHECK_TEXT(redis("HGET", "agent:bob", "mode", NULL), "gateway");
  CHECK_TEXT(redis("PUBSUB", "NUMSUB", "agent.bob", NULL), "agent.bob\n0\n"); /* nobody walks around the policy */
  CHECK(eventually(redis_is_condition, &(redis_is){"XLEN", "agent.stream:bob", "0"}, NULL));
  CHECK(stats_of(alice).sent == 1 && stats_of(bob).received == 1);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void many_messages_go_in_few_frames_and_in_order(void) {
  enum { kMessages = 20000 };
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  tally got = {0}, told = {0};
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  mas_agent_on_receipt(alice, MAS_RECEIPTS_ALL, on_receipt, &told);
  for (int i = 0; i < kMessages; ++i)
    CHECK_OK(mas_agent_send(alice, "bob", "note", text("{\"n\":%d}", i), MAS_STRLEN, NULL));
  CHECK_OK(mas_agent_flush(alice, 20000));
  got.wanted = told.wanted = kMessages;
  CHECK(eventually(tally_is_wanted, &got, bob));
  CHECK(eventually(tally_is_wanted, &told, alice));
  CHECK(got.in_order && got.count == kMessages && told.failures == 0);
  mock_counts counts = mock_gateway_counts(gateway);
  CHECK(counts.decided == kMessages && counts.delivered == kMessages && counts.gaps == 0);
  CHECK(counts.frames < kMessages / 4 && counts.largest_frame <= 1024);
  CHECK(eventually(redis_is_condition, &(redis_is){"XLEN", "agent.stream:bob", "0"}, bob));
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

typedef struct seen {
  int count;
  char envelope[1024];
} seen;
static mas_status on_envelope(mas_agent *agent, const mas_message *message, void *user) {
  seen *s = user;
  (void)agent;
  snprintf(s->envelope, sizeof s->envelope, "%s", mas_message_envelope(message, NULL));
  ++s->count;
  return MAS_OK;
}
static bool seen_something(void *context) { return ((seen *)context)->count > 0; }

static void a_priority_and_a_deadline_go_with_the_message(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  seen got = {0};
  char id[MAS_MESSAGE_ID_SIZE] = "";
  mas_send_options options = {.priority = MAS_PRIORITY_HIGH, .deadline_ms = 60000, .wait_ms = 5000};
  CHECK_OK(mas_agent_on_message(bob, "note", on_envelope, &got));
  CHECK_OK(mas_agent_send_with(alice, "bob", "note", NULL, 0, &options, sizeof options, id));
  CHECK(strlen(id) == 36);
  CHECK_TEXT(mas_receipt_decision(), "ALLOWED");
  CHECK(eventually(seen_something, &got, bob));
  CHECK(strstr(got.envelope, "\"priority\":\"high\"") != NULL);
  CHECK(strstr(got.envelope, "\"deadline\":") != NULL);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void send_wait_tells_the_outcome(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  char id[MAS_MESSAGE_ID_SIZE] = "";
  tally told = {0};
  mas_agent_on_receipt(alice, MAS_RECEIPTS_ALL, on_receipt, &told);
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 5000, id));
  CHECK(strlen(id) == 36);
  CHECK_TEXT(mas_receipt_decision(), "ALLOWED");
  mock_gateway_refuse_type(gateway, "flood", "RATE_LIMITED", "100 a minute", 1500);
  CHECK_STATUS(mas_agent_send_wait(alice, "bob", "flood", NULL, 0, 5000, NULL), MAS_RATE_LIMITED);
  CHECK(mas_status_retriable(MAS_RATE_LIMITED));
  CHECK_TEXT(mas_receipt_decision(), "RATE_LIMITED");
  CHECK_TEXT(mas_receipt_detail(), "RATE_LIMITED: 100 a minute");
  CHECK_TEXT(mas_error_detail(), "RATE_LIMITED: 100 a minute");
  CHECK(mas_receipt_retry_after() == 1500);
  CHECK_STATUS(mas_agent_send_wait(alice, "nobody", "note", NULL, 0, 5000, NULL), MAS_TARGET_NOT_FOUND);
  CHECK(mas_receipt_retry_after() == 0);
  mock_gateway_pause(gateway, true);
  CHECK_STATUS(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 50, id), MAS_TIMEOUT);
  CHECK_TEXT(mas_receipt_decision(), "");
  mock_gateway_pause(gateway, false);
  CHECK_OK(mas_agent_flush(alice, 10000));     /* the library went on: it is settled */
  CHECK(eventually(tally_is_1, &told, alice)); /* and told, since nobody waited any more */
  CHECK_TEXT(told.last_id, id);
  CHECK_STATUS(told.last_status, MAS_OK);
  CHECK(mock_gateway_counts(gateway).delivered == 2);
  CHECK(stats_of(alice).refused == 2);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void refusals_are_told_in_order(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  tally told = {0};
  mas_agent_on_receipt(alice, MAS_RECEIPTS_FAILURES, on_receipt, &told);
  mock_gateway_refuse_type(gateway, "secret", "DLP_BLOCKED", "a card number", 0);
  for (int i = 0; i < 10; ++i) CHECK_OK(mas_agent_send(alice, "bob", i % 3 == 0 ? "secret" : "note", NULL, 0, NULL));
  CHECK_OK(mas_agent_flush(alice, 10000)); /* refused is an outcome too */
  told.wanted = 4;
  CHECK(eventually(tally_is_wanted, &told, alice));
  CHECK_STATUS(told.last_status, MAS_DLP_BLOCKED);
  CHECK_TEXT(told.decision, "DLP_BLOCKED");
  CHECK(told.count == 4 && mock_gateway_counts(gateway).delivered == 6);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void the_window_is_bounded(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_options *options = gateway_options();
  CHECK_OK(mas_options_set_outbound_queue(options, 50, 1 << 20));
  mas_agent *alice = agent_started("alice", options), *bob = gateway_agent("bob");
  mas_options_free(options);
  mock_gateway_pause(gateway, true);
  for (int i = 0; i < 50; ++i) CHECK_OK(mas_agent_send(alice, "bob", "note", NULL, 0, NULL));
  CHECK_STATUS(mas_agent_send(alice, "bob", "note", NULL, 0, NULL), MAS_WOULD_BLOCK);
  char id[MAS_MESSAGE_ID_SIZE] = "untouched";
  mas_send_options wait = {.wait_ms = 1000};
  CHECK_STATUS(mas_agent_send(alice, "bob", "note", NULL, 0, id), MAS_WOULD_BLOCK);
  CHECK_STATUS(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 1000, id), MAS_WOULD_BLOCK);
  CHECK_STATUS(mas_agent_send_with(alice, "bob", "note", NULL, 0, NULL, 0, id), MAS_WOULD_BLOCK);
  CHECK_STATUS(mas_agent_send_with(alice, "bob", "note", NULL, 0, &wait, sizeof wait, id), MAS_WOULD_BLOCK);
  CHECK_TEXT(id, "untouched");
  CHECK_STATUS(mas_agent_flush(alice, 50), MAS_TIMEOUT);
  mock_gateway_pause(gateway, false);
  CHECK_OK(mas_agent_flush(alice, 10000));
  CHECK_OK(mas_agent_send(alice, "bob", "note", NULL, 0, NULL));
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static mas_status on_sum(mas_agent *agent, const mas_message *request, void *user) {
  (void)agent;
  ++*(int *)user;
  return mas_message_reply(request, "sum", "{\"sum\":3}", MAS_STRLEN);
}

static void a_reply_goes_to_the_instance_that_asked(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *one = gateway_agent("alice"), *two = gateway_agent("alice"), *bob = gateway_agent("bob");
  mas_message *reply = NULL;
  pthread_t thread;
  int asked = 0;
  CHECK_OK(mas_agent_on_message(bob, "add", on_sum, &asked));
  CHECK(pthread_create(&thread, NULL, run_agent, bob) == 0);
  for (int i = 0; i < 20; ++i) {
    CHECK_OK(mas_agent_request(i % 2 ? one : two, "bob", "add", NULL, 0, 5000, &reply));
    CHECK_TEXT(mas_message_data(reply, NULL), "{\"sum\":3}");
    mas_message_unref(reply);
  }
  CHECK(asked == 20 && stats_of(one).late_replies == 0 && stats_of(two).late_replies == 0);
  CHECK(stats_of(one).received == 10 && stats_of(two).received == 10);
  const char *replies = text("agent.stream:alice:@%s", mas_agent_instance(one));
  CHECK(eventually(redis_is_condition, &(redis_is){"XLEN", replies, "0"}, NULL));
  CHECK(atoi(redis("PTTL", replies, NULL)) > 15000); /* it goes with its instance */
  CHECK_STATUS(mas_agent_request(one, "nobody", "add", NULL, 0, 5000, &reply), MAS_TARGET_NOT_FOUND);
  mas_agent_quit(bob);
  CHECK(pthread_join(thread, NULL) == 0);
  agent_ended(one);
  CHECK_TEXT(redis("EXISTS", replies, NULL), "0");
  agent_ended(two);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

/* Puts an answer into one of alice's streams, as if a gateway had taken it from `sender`. */
static void deliver_reply(const char *stream, const char *sender, const mas_message *request) {
  const char *envelope = text(
      "{\"sender_id\":\"%s\",\"target_id\":\"alice\",\"message_type\":\"sum\",\"data\":{\"sum\":4},"
      "\"meta\":{\"version\":1,\"correlation_id\":\"%s\",\"expects_reply\":false,\"is_reply\":true},"
      "\"timestamp\":1.5,\"message_id\":\"%s\"}",
      sender, mas_message_correlation_id(request), stream);
  redis("EVAL", "redis.call('XADD', KEYS[1], '*', 'b', struct.pack('<BI4B', 1, 1 + #ARGV[1], 0) .. ARGV[1])", "1",
        stream, envelope, NULL);
}

static mas_status on_sum_after_others(mas_agent *agent, const mas_message *request, void *reply_stream) {
  (void)agent;
  deliver_reply("agent.stream:alice", "bob", request);
  deliver_reply(reply_stream, "eve", request);
  return mas_message_reply(request, "sum", "{\"sum\":3}", MAS_STRLEN);
}

static bool two_foreign_replies(void *agent) { return stats_of(agent).foreign_replies == 2; }

static void a_reply_counts_from_whom_was_asked_on_the_reply_stream(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  mas_message *reply = NULL;
  pthread_t thread;
  char replies[64];
  snprintf(replies, sizeof replies, "agent.stream:alice:@%s", mas_agent_instance(alice));
  CHECK_OK(mas_agent_on_message(bob, "add", on_sum_after_others, replies));
  CHECK(pthread_create(&thread, NULL, run_agent, bob) == 0);
  CHECK_OK(mas_agent_request(alice, "bob", "add", NULL, 0, 5000, &reply));
  CHECK_TEXT(mas_message_data(reply, NULL), "{\"sum\":3}");
  mas_message_unref(reply);
  CHECK(eventually(two_foreign_replies, alice, alice));
  mas_agent_quit(bob);
  CHECK(pthread_join(thread, NULL) == 0);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

enum { kAskers = 3, kQuestions = 100 };

static void *ask_many(void *agent) {
  for (int i = 0; i < kQuestions; ++i) {
    mas_message *reply = NULL;
    CHECK_OK(mas_agent_request(agent, "bob", "add", NULL, 0, 10000, &reply));
    mas_message_unref(reply);
  }
  return NULL;
}

/* Who waits turns the I/O loop, and who sends alone writes: one thread at a time, also next to an agent without
 * gateway. */
static void many_threads_may_wait(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *agents[] = {gateway_agent("alice"), gateway_agent("bob"), agent_started("peer", NULL)};
  mas_agent *alice = agents[0], *bob = agents[1], *peer = agents[2];
  pthread_t pollers[3], askers[kAskers];
  tally got = {0}, of_peer = {0};
  int asked = 0;
  CHECK_OK(mas_agent_on_message(alice, "note", on_message, &got));
  CHECK_OK(mas_agent_on_message(bob, "add", on_sum, &asked));
  CHECK_OK(mas_agent_on_message(peer, "note", on_message, &of_peer));
  for (int i = 0; i < 3; ++i) CHECK(pthread_create(&pollers[i], NULL, run_agent, agents[i]) == 0);
  for (int i = 0; i < kAskers; ++i) CHECK(pthread_create(&askers[i], NULL, ask_many, alice) == 0);
  for (int i = 0; i < kQuestions; ++i) {
    const char *data = text("{\"n\":%d}", i);
    CHECK_OK(i % 2 ? mas_agent_send(bob, "alice", "note", data, MAS_STRLEN, NULL)
                   : mas_agent_send_wait(bob, "alice", "note", data, MAS_STRLEN, 10000, NULL));
    CHECK_OK(mas_agent_send(peer, "peer", "note", data, MAS_STRLEN, NULL));
    if (i % 25 == 0) CHECK_OK(mas_state_refresh(alice, 10000));
  }
  for (int i = 0; i < kAskers; ++i) pthread_join(askers[i], NULL);
  CHECK_OK(mas_agent_flush(bob, 10000));
  CHECK_OK(mas_agent_flush(peer, 10000));
  CHECK(eventually(redis_is_condition, &(redis_is){"XLEN", "agent.stream:alice", "0"}, NULL)); /* all acknowledged */
  for (int i = 0; i < 3; ++i) CHECK_OK(mas_agent_stop(agents[i], 10000));
  for (int i = 0; i < 3; ++i) pthread_join(pollers[i], NULL);
  CHECK(got.count == kQuestions && got.in_order && asked == kAskers * kQuestions);
  CHECK(of_peer.count == kQuestions && of_peer.in_order);
  for (int i = 0; i < 3; ++i) mas_agent_free(agents[i]);
  mock_gateway_stop(gateway);
}

static void instances_share_the_work(void) {
  enum { kMessages = 200 };
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *one = gateway_agent("bob"), *two = gateway_agent("bob");
  tally got = {0};
  got.wanted = kMessages;
  CHECK_OK(mas_agent_on_message(one, "note", on_message, &got));
  CHECK_OK(mas_agent_on_message(two, "note", on_message, &got));
  for (int i = 0; i < kMessages; ++i) {
    CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 5000, NULL));
    CHECK_OK(mas_agent_poll(one, 0, NULL));
    CHECK_OK(mas_agent_poll(two, 0, NULL));
  }
  for (int i = 0; i < 1000 && got.count < kMessages; ++i) {
    CHECK_OK(mas_agent_poll(one, 5, NULL));
    CHECK_OK(mas_agent_poll(two, 5, NULL));
  }
  CHECK(got.count == kMessages); /* each once */
  CHECK(stats_of(one).received + stats_of(two).received == kMessages);
  agent_ended(alice);
  agent_ended(one);
  agent_ended(two);
  mock_gateway_stop(gateway);
}

static bool has_held_messages(void *agent) { return stats_of(agent).received >= 10; }

static void a_full_inbox_leaves_the_rest_in_redis(void) {
  enum { kMessages = 300 };
  mock_gateway *gateway = mock_gateway_start();
  mas_options *options = gateway_options();
  tally got = {0};
  CHECK_OK(mas_options_set_inbound_queue(options, 10, 1 << 20));
  mas_agent *alice = gateway_agent("alice"), *bob = agent_started("bob", options);
  mas_options_free(options);
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  for (int i = 0; i < kMessages; ++i)
    CHECK_OK(mas_agent_send_wait(alice, "bob", "note", text("{\"n\":%d}", i), MAS_STRLEN, 5000, NULL));
  CHECK(eventually(has_held_messages, bob, NULL));
  CHECK(stats_of(bob).received < 20); /* nobody polls: the rest waits in Redis */
  got.wanted = kMessages;
  CHECK(eventually(tally_is_wanted, &got, bob));
  CHECK(got.in_order && stats_of(bob).dropped == 0);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void what_was_not_handled_comes_again(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  tally got = {0};
  for (int i = 0; i < 5; ++i)
    CHECK_OK(mas_agent_send_wait(alice, "bob", "note", text("{\"n\":%d}", i), MAS_STRLEN, 5000, NULL));
  got.wanted = 5;
  CHECK(eventually(received_5, bob, NULL)); /* read, and never handled */
  agent_ended(bob);
  CHECK_TEXT(redis("XLEN", "agent.stream:bob", NULL), "5");
  bob = gateway_agent("bob");
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  CHECK(eventually(tally_is_wanted, &got, bob));
  CHECK(got.in_order);
  CHECK(eventually(redis_is_condition, &(redis_is){"XLEN", "agent.stream:bob", "0"}, bob));
  CHECK_TEXT(redis("EVAL", "return #redis.call('XINFO', 'CONSUMERS', 'agent.stream:bob', 'agents')", "0", NULL), "1");
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void a_repeat_is_dropped_by_the_window(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_options *options = gateway_options();
  tally got = {0};
  char id[MAS_MESSAGE_ID_SIZE];
  CHECK_OK(mas_options_set_dedupe_window(options, 100));
  mas_agent *alice = gateway_agent("alice"), *bob = agent_started("bob", options);
  mas_options_free(options);
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  CHECK_OK(mas_agent_send(alice, "bob", "note", NULL, 0, id));
  CHECK_OK(mas_agent_send_again(alice, id, "bob", "note", NULL, 0));
  CHECK_OK(mas_agent_send(alice, "bob", "note", NULL, 0, NULL));
  CHECK_STATUS(mas_agent_send_again(alice, "x", "bob", "note", NULL, 0), MAS_INVALID_ARGUMENT);
  got.wanted = 2;
  CHECK(eventually(tally_is_wanted, &got, bob));
  CHECK(eventually(redis_is_condition, &(redis_is){"XLEN", "agent.stream:bob", "0"}, bob)); /* acknowledged as well */
  CHECK(got.count == 2 && stats_of(bob).duplicates == 1);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void write_file(const char *path, const char *content, mode_t mode) {
  FILE *file = fopen(path, "w");
  CHECK(file != NULL && fputs(content, file) >= 0 && fclose(file) == 0 && chmod(path, mode) == 0);
}

static void frames_are_signed_with_the_key_of_the_credentials(void) {
  /* 32 bytes of 'k', in url-safe base64 */
  static const char kFile[] =
      "agent_id = \"alice\"\nkey_id = \"k1\"\nkey = \"a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s\"\n";
  mock_gateway *gateway = mock_gateway_start();
  mas_options *options = gateway_options();
  mas_agent *alice, *bob = gateway_agent("bob");
  char path[] = "/tmp/mas-credentials-XXXXXX";
  int fd = mkstemp(path);
  CHECK(fd >= 0 && close(fd) == 0);
  write_file(path, kFile, 0600);
  CHECK_OK(mas_options_set_credentials(options, path));
  CHECK_OK(mas_agent_new("alice", options, &alice));
  write_file(path, kFile, 0644);
  CHECK(mas_agent_start(alice, 5000) != MAS_OK); /* others may read it */
  write_file(path, kFile, 0600);
  mock_gateway_use_key(gateway, "k1", "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk");
  CHECK_OK(mas_agent_start(alice, 5000));
  for (int i = 0; i < 100; ++i) CHECK_OK(mas_agent_send(alice, "bob", "note", NULL, 0, NULL));
  CHECK_OK(mas_agent_flush(alice, 10000));
  CHECK(mock_gateway_counts(gateway).delivered == 100 && mock_gateway_counts(gateway).unauthenticated == 0);
  agent_ended(alice);

  mas_agent *carol;
  CHECK_OK(mas_agent_new("carol", options, &carol));
  CHECK_STATUS(mas_agent_start(carol, 5000), MAS_INVALID_ARGUMENT); /* alice's */
  mas_agent_free(carol);
  mas_options_free(options);
  unlink(path);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void another_protocol_is_refused(void) {
  mas_options *options = gateway_options();
  mas_agent *alice;
  redis("HSET", "mas.config", "protocol", "2", "partitions", "16", NULL);
  CHECK_OK(mas_agent_new("alice", options, &alice));
  CHECK_STATUS(mas_agent_start(alice, 5000), MAS_PROTOCOL);
  CHECK(strstr(mas_error_detail(), "protocol '2'") != NULL);
  redis("HSET", "mas.config", "protocol", "1", "partitions", "zero", NULL);
  CHECK_STATUS(mas_agent_start(alice, 5000), MAS_PROTOCOL);
  mas_agent_free(alice);
  mas_options_free(options);
}

static void the_environment_sets_the_mode(void) {
  mas_agent *agent;
  mas_options *options = options_here();
  setenv("MAS_MODE", "gateway", 1);
  agent = agent_started("alice", options);
  CHECK_TEXT(redis("HGET", "agent:alice", "mode", NULL), "gateway");
  agent_ended(agent);
  CHECK_OK(mas_options_set_mode(options, MAS_MODE_P2P)); /* the program knows better */
  agent = agent_started("alice", options);
  CHECK_TEXT(redis("HGET", "agent:alice", "mode", NULL), "(nil)");
  agent_ended(agent);
  mas_options_free(options);
  options = options_here();
  setenv("MAS_MODE", "pigeon", 1);
  CHECK_STATUS(mas_agent_new("alice", options, &agent), MAS_INVALID_ARGUMENT);
  unsetenv("MAS_MODE");
  CHECK_STATUS(mas_options_set_mode(options, (mas_mode)7), MAS_INVALID_ARGUMENT);
  mas_options_free(options);
}

static void send_wait_works_peer_to_peer(void) {
  mas_agent *alice = agent_started("alice", NULL), *bob = agent_started("bob", NULL);
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 5000, NULL));
  CHECK_STATUS(mas_agent_send_wait(alice, "nobody", "note", NULL, 0, 5000, NULL), MAS_NO_RECEIVER);
  CHECK_TEXT(mas_receipt_decision(), "");
  agent_ended(alice);
  agent_ended(bob);
}

int main(int argc, char **argv) {
  static const test_case tests[] = {
      {"a_message_arrives_and_has_its_receipt", a_message_arrives_and_has_its_receipt},
      {"many_messages_go_in_few_frames_and_in_order", many_messages_go_in_few_frames_and_in_order},
      {"a_priority_and_a_deadline_go_with_the_message", a_priority_and_a_deadline_go_with_the_message},
      {"send_wait_tells_the_outcome", send_wait_tells_the_outcome},
      {"refusals_are_told_in_order", refusals_are_told_in_order},
      {"the_window_is_bounded", the_window_is_bounded},
      {"a_reply_goes_to_the_instance_that_asked", a_reply_goes_to_the_instance_that_asked},
      {"a_reply_counts_from_whom_was_asked_on_the_reply_stream",
       a_reply_counts_from_whom_was_asked_on_the_reply_stream},
      {"many_threads_may_wait", many_threads_may_wait},
      {"instances_share_the_work", instances_share_the_work},
      {"a_full_inbox_leaves_the_rest_in_redis", a_full_inbox_leaves_the_rest_in_redis},
      {"what_was_not_handled_comes_again", what_was_not_handled_comes_again},
      {"a_repeat_is_dropped_by_the_window", a_repeat_is_dropped_by_the_window},
      {"frames_are_signed_with_the_key_of_the_credentials", frames_are_signed_with_the_key_of_the_credentials},
      {"another_protocol_is_refused", another_protocol_is_refused},
      {"the_environment_sets_the_mode", the_environment_sets_the_mode},
      {"send_wait_works_peer_to_peer", send_wait_works_peer_to_peer},
  };
  return RUN_TESTS(argc, argv, tests);
}
