/* Gateway mode when something goes wrong: lost frames and receipts, refused frames, a Redis that goes away or back in
 * time, instances that die, stops with messages under way. In every case: nothing twice, nothing lost, nothing guessed.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway_case.h"

enum { kMessages = 500 };

/* Sends kMessages from alice to bob in bursts while `fault` strikes in their middle, and checks that each came once and
 * in order. */
static void send_through(mock_gateway *gateway, mas_agent *alice, mas_agent *bob, void (*fault)(mock_gateway *)) {
  tally got = {0}, told = {0};
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  mas_agent_on_receipt(alice, MAS_RECEIPTS_ALL, on_receipt, &told);
  for (int i = 0; i < kMessages; ++i) {
    if (i == kMessages / 2) fault(gateway);
    CHECK_OK(mas_agent_send(alice, "bob", "note", text("{\"n\":%d}", i), MAS_STRLEN, NULL));
    if (i % 50 == 49) CHECK_OK(mas_agent_poll(alice, 1, NULL)); /* several frames */
  }
  CHECK_OK(mas_agent_flush(alice, 30000));
  got.wanted = told.wanted = kMessages;
  CHECK(eventually(tally_is_wanted, &got, bob));
  CHECK(eventually(tally_is_wanted, &told, alice));
  CHECK(got.count == kMessages && told.count == kMessages);
  CHECK(got.in_order && told.failures == 0);
  CHECK(mock_gateway_counts(gateway).delivered == kMessages);
  CHECK(eventually(redis_is_condition, &(redis_is){"XLEN", "agent.stream:bob", "0"}, bob));
}

static mock_counts with_fault(void (*fault)(mock_gateway *)) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  send_through(gateway, alice, bob, fault);
  mock_counts counts = mock_gateway_counts(gateway);
  CHECK(stats_of(alice).restarts == 0);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
  return counts;
}

static void lose_2_receipts(mock_gateway *gateway) { mock_gateway_drop_receipts(gateway, 2); }
static void lose_2_frames(mock_gateway *gateway) { mock_gateway_drop_frames(gateway, 2); }
static void be_unavailable(mock_gateway *gateway) { mock_gateway_refuse_frames(gateway, 3, "UNAVAILABLE"); }
static void find_the_clock_wrong(mock_gateway *gateway) { mock_gateway_refuse_frames(gateway, 2, "REPLAYED"); }

static void a_lost_receipt_is_asked_for(void) {
  mock_counts counts = with_fault(lose_2_receipts);
  CHECK(counts.decided == kMessages && counts.repeated > 0);
}

static void lost_frames_are_sent_again(void) {
  mock_counts counts = with_fault(lose_2_frames);
  CHECK(counts.decided == kMessages && counts.gaps > 0);
}

static void an_unavailable_gateway_is_tried_again(void) { CHECK(with_fault(be_unavailable).frames > 3); }
/* How often Redis was asked for its time. */
static int time_calls(void) {
  const char *found = strstr(redis("INFO", "commandstats", NULL), "cmdstat_time:calls=");
  return found == NULL ? 0 : atoi(found + strlen("cmdstat_time:calls="));
}

static void a_stale_frame_gets_a_fresh_timestamp(void) {
  const int before = time_calls();
  CHECK(with_fault(find_the_clock_wrong).frames > 2);
  CHECK(time_calls() >
        before + 2); /* each of the two agents asks when it starts; the sender again when it is refused */
}

static void who_waits_in_vain_is_told_what_the_gateway_says(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice");
  mas_message *reply;
  mock_gateway_refuse_frames(gateway, 1000, "REPLAYED");
  CHECK_STATUS(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 500, NULL), MAS_TIMEOUT);
  CHECK(strstr(mas_error_detail(), "no receipt within 500 ms; the gateway's last answer was REPLAYED: ") != NULL);
  CHECK_STATUS(mas_agent_request(alice, "bob", "note", NULL, 0, 500, &reply), MAS_TIMEOUT);
  CHECK(strstr(mas_error_detail(), "REPLAYED") != NULL);
  CHECK_STATUS(mas_agent_stop(alice, 100), MAS_TIMEOUT);
  mas_agent_free(alice);
  mock_gateway_stop(gateway);
}

static void the_last_receipt_may_be_lost(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  mock_gateway_drop_receipts(gateway, 1);
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 10000, NULL)); /* after a time-out of seconds */
  CHECK(mock_gateway_counts(gateway).decided == 1 && mock_gateway_counts(gateway).repeated == 1);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void a_refused_frame_uses_no_numbers(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  mock_gateway_refuse_frames(gateway, 1, "SUSPENDED");
  CHECK_STATUS(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 5000, NULL), MAS_SUSPENDED);
  CHECK_TEXT(mas_receipt_decision(), "SUSPENDED");
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 5000, NULL)); /* with the number that was not used */
  mock_gateway_refuse_frames(gateway, 1, "REVOKED");
  for (int i = 0; i < kMessages; ++i) CHECK_OK(mas_agent_send(alice, "bob", "note", NULL, 0, NULL));
  CHECK_OK(mas_agent_flush(alice, 10000));
  mas_stats stats = stats_of(alice);
  mock_counts counts = mock_gateway_counts(gateway);
  CHECK(stats.refused > 1 && stats.restarts == 0);
  CHECK((int)(stats.sent + stats.refused) == kMessages + 2); /* each has one outcome */
  CHECK(counts.delivered == (int)stats.sent);
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 5000, NULL));
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

/* A frame that is refused says nothing about a copy that was decided before. */
static void a_refused_resend_is_not_taken_for_the_outcome(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  tally got = {0}, told = {0};
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  mas_agent_on_receipt(alice, MAS_RECEIPTS_ALL, on_receipt, &told);
  mock_gateway_drop_receipts(gateway, 1);
  CHECK_OK(mas_agent_send(alice, "bob", "note", NULL, 0, NULL));
  CHECK(eventually(tally_is_1, &got, bob)); /* it did arrive */
  mock_gateway_refuse_frames(gateway, 1, "REVOKED");
  CHECK_OK(mas_agent_flush(alice, 20000));
  CHECK(eventually(tally_is_1, &told, alice));
  CHECK_STATUS(told.last_status, MAS_OK);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void a_gateway_that_forgot_leads_to_a_new_instance(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  tally got = {0};
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  for (int i = 0; i < 3; ++i) CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 5000, NULL));
  const char *before = mas_agent_instance(alice);
  mock_gateway_forget(gateway);
  for (int i = 0; i < 10; ++i) CHECK_OK(mas_agent_send(alice, "bob", "note", NULL, 0, NULL));
  CHECK_OK(mas_agent_flush(alice, 10000));
  CHECK(stats_of(alice).restarts == 1);
  CHECK(strcmp(before, mas_agent_instance(alice)) != 0 && strlen(before) == 32);
  got.wanted = 13;
  CHECK(eventually(tally_is_wanted, &got, bob));
  CHECK(got.count == 13);
  CHECK_TEXT(redis("HLEN", "agent:alice:instances", NULL), "1");
  CHECK_TEXT(redis("EXISTS", text("agent:alice:alive:%s", before), NULL), "0");
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static bool is_restarted(void *agent) { return stats_of(agent).reconnects > 0; }

static void cut_connections(mock_gateway *gateway) {
  (void)gateway;
  char *list = strdup(redis("CLIENT", "LIST", NULL)), *next = list, *line;
  while ((line = strsep(&next, "\n")) != NULL) /* the agents': the mock does not survive it */
    if (strstr(line, "name=libmas") != NULL && strncmp(line, "id=", 3) == 0)
      redis("CLIENT", "KILL", "ID", text("%d", atoi(line + 3)), NULL);
  free(list);
}

static void cut_connections_lose_and_double_nothing(void) { with_fault(cut_connections); }

enum { kInHand = 60 }; /* several reads of one stream */
static bool all_are_in_hand(void *bob) { return stats_of(bob).received >= kInHand; }

static void count_refusals(mas_agent *agent, mas_connection state, const char *detail, void *user) {
  (void)agent;
  if (state == MAS_DISCONNECTED && strstr(detail, "Redis: ") != NULL) ++*(int *)user;
}

/* Redis's ids grow with its clock and with what comes in one millisecond. */
static void entries_in_hand_are_found_again_by_ids_of_any_length(void) {
  mock_gateway *gateway = mock_gateway_start();
  redis("XADD", "agent.stream:bob", "9999999999999-1000000000", "b", "x", NULL);
  redis("XDEL", "agent.stream:bob", "9999999999999-1000000000", NULL);
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  tally got = {.wanted = kInHand + 1};
  int refusals = 0;
  mas_agent_on_connection(bob, count_refusals, &refusals);
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  for (int i = 0; i < kInHand; ++i)
    CHECK_OK(mas_agent_send_wait(alice, "bob", "note", text("{\"n\":%d}", i), MAS_STRLEN, 5000, NULL));
  CHECK(eventually(all_are_in_hand, bob, NULL));
  cut_connections(gateway);
  CHECK(eventually(is_restarted, bob, NULL));
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", text("{\"n\":%d}", kInHand), MAS_STRLEN, 20000, NULL));
  CHECK(eventually(tally_is_wanted, &got, bob));
  CHECK(got.in_order && got.count == kInHand + 1);
  CHECK(refusals == 0);
  CHECK(eventually(nothing_is_held, NULL, bob));
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void a_redis_that_lost_everything_is_filled_again(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  tally got = {0};
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 5000, NULL));
  CHECK(eventually(tally_is_1, &got, bob));
  redis_stop();
  redis_start();
  mock_gateway_forget(gateway);
  CHECK(eventually(is_restarted, alice, NULL) && eventually(is_restarted, bob, NULL));
  CHECK(eventually(redis_is_condition, &(redis_is){"EXISTS", "agent:bob", "1"}, NULL));
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 20000, NULL));
  got.wanted = 2;
  CHECK(eventually(tally_is_wanted, &got, bob));
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

/* A process with an instance of bob's that reads and never handles, until it is killed. */
static pid_t dying_bob(int ready) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  execl("/proc/self/exe", "sdk_gateway_faults_test", "--dying-bob", redis_url(), text("%d", ready), (char *)NULL);
  _exit(1);
}

static int be_dying_bob(const char *url, const char *descriptor) {
  mas_options *options = mas_options_new();
  mas_agent *bob;
  if (mas_options_set_redis_url(options, url) != MAS_OK || mas_options_set_mode(options, MAS_MODE_GATEWAY) != MAS_OK ||
      mas_agent_new("bob", options, &bob) != MAS_OK || mas_agent_start(bob, 5000) != MAS_OK)
    return 1;
  if (!eventually(received_5, bob, NULL)) return 1;
  return write(atoi(descriptor), "r", 1) == 1 ? pause() : 1;
}

static void entries_of_a_dead_instance_are_claimed(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice");
  tally got = {0};
  int ends[2];
  char byte;
  CHECK(pipe(ends) == 0);
  pid_t pid = dying_bob(ends[1]);
  CHECK(pid > 0);
  CHECK(eventually(redis_is_condition, &(redis_is){"EXISTS", "agent:bob", "1"}, NULL));
  for (int i = 0; i < 5; ++i)
    CHECK_OK(mas_agent_send_wait(alice, "bob", "note", text("{\"n\":%d}", i), MAS_STRLEN, 5000, NULL));
  CHECK(read(ends[0], &byte, 1) == 1);
  CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
  mas_agent *bob = gateway_agent("bob");
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", "{\"n\":5}", MAS_STRLEN, 5000, NULL));
  CHECK(eventually(tally_is_1, &got, bob)); /* the new one; the others wait until the lease is gone */
  CHECK(got.last == 5);
  redis("EVAL",
        "for _, k in ipairs(redis.call('KEYS', 'agent:bob:alive:*')) do if k ~= ARGV[1] then redis.call('DEL', k) end "
        "end",
        "0", text("agent:bob:alive:%s", mas_agent_instance(bob)), NULL);
  got.wanted = 6;
  CHECK(eventually(tally_is_wanted, &got, bob));
  CHECK(got.count == 6);
  CHECK(eventually(redis_is_condition, &(redis_is){"XLEN", "agent.stream:bob", "0"}, bob));
  close(ends[0]);
  close(ends[1]);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

typedef struct lease {
  char instance[40], key[80];
  long above, below; /* milliseconds that are left of it, as is_left() wants them */
} lease;

static lease lease_of(const mas_agent *agent) {
  lease its = {0};
  snprintf(its.instance, sizeof its.instance, "%s", mas_agent_instance(agent));
  snprintf(its.key, sizeof its.key, "agent:bob:alive:%s", its.instance);
  return its;
}

static bool is_left(void *context) {
  const lease *its = context;
  const long left = atol(redis("PTTL", its->key, NULL));
  return left > its->above && left < its->below;
}

static bool between(lease *its, long above, long below) {
  its->above = above;
  its->below = below;
  return eventually(is_left, its, NULL);
}

static bool holds_the_entry(void *context) {
  return strstr(redis("XPENDING", "agent.stream:bob", "agents", NULL), ((lease *)context)->instance) != NULL;
}

static bool one_holds_the_entry(void *context) {
  lease *leases = context;
  return holds_the_entry(&leases[0]) || holds_the_entry(&leases[1]);
}

/* As when Redis's clock is set forward: whoever renews first finds the other's lease gone, and must not take that one
 * for dead. */
static void leases_that_end_all_at_once_make_nobody_dead(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bobs[2];
  lease leases[2];
  tally got = {0};
  for (int i = 0; i < 2; ++i) {
    bobs[i] = gateway_agent("bob");
    leases[i] = lease_of(bobs[i]);
    CHECK_OK(mas_agent_on_message(bobs[i], "note", on_message, &got));
    if (i == 0) CHECK(between(&leases[0], 0, 13000)); /* so that they renew in turns */
  }
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", "{\"n\":0}", MAS_STRLEN, 5000, NULL));
  CHECK(eventually(one_holds_the_entry, leases, NULL));
  const int h = holds_the_entry(&leases[0]) ? 0 : 1;
  lease *holder = &leases[h], *other = &leases[1 - h];
  CHECK(between(other, 0, 11000) && between(other, 14000, 15001)); /* it is sure of its lease */
  CHECK(between(other, 0, 11000));                                 /* and renews next */
  redis("DEL", holder->key, other->key, NULL);
  CHECK(between(other, 0, 15001) && between(holder, 0, 15001));
  CHECK(holds_the_entry(holder));
  for (int i = 0; i < 2; ++i) CHECK_OK(mas_agent_poll(bobs[i], 0, NULL));
  CHECK(got.count == 1);
  CHECK(eventually(redis_is_condition, &(redis_is){"XLEN", "agent.stream:bob", "0"}, NULL));
  agent_ended(alice);
  for (int i = 0; i < 2; ++i) agent_ended(bobs[i]);
  mock_gateway_stop(gateway);
}

/* The gateways were stopped, the number of partitions changed, and they were started again. What went to a list of
 * before has no receipt; so the library asks where its messages belong now, and sends them there. */
static void a_new_number_of_partitions_is_found_out(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 5000, NULL));
  mock_gateway_set_partitions(gateway, 1);
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 20000, NULL)); /* after a time-out of seconds */
  int frames = mock_gateway_counts(gateway).frames;
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 5000, NULL));
  mock_counts counts = mock_gateway_counts(gateway);
  CHECK(counts.frames == frames + 1); /* to the right list at once */
  CHECK(counts.delivered == 3 && counts.repeated == 0 && counts.unauthenticated == 0);
  CHECK(stats_of(alice).restarts == 0 && stats_of(alice).reconnects == 0);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

/* Nonsense in mas.config is not believed: messages go where they went. */
static void a_number_of_partitions_that_is_none_changes_nothing(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  redis("HSET", "mas.config", "partitions", "1025", NULL);
  mock_gateway_drop_receipts(gateway, 1);
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 20000, NULL)); /* asked for again, at the same list */
  mock_counts counts = mock_gateway_counts(gateway);
  CHECK(counts.delivered == 1 && counts.repeated == 1 && counts.unauthenticated == 0);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void a_stop_flushes(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  for (int i = 0; i < kMessages; ++i) CHECK_OK(mas_agent_send(alice, "bob", "note", NULL, 0, NULL));
  CHECK_OK(mas_agent_stop(alice, 10000));
  CHECK(mock_gateway_counts(gateway).delivered == kMessages);
  CHECK_TEXT(redis("EXISTS", "agent:alice", NULL), "0");
  mas_agent_free(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void a_stop_flushes_over_a_new_link(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  tally told = {0};
  mas_agent_on_receipt(alice, MAS_RECEIPTS_ALL, on_receipt, &told);
  mock_gateway_pause(gateway, true);
  for (int i = 0; i < 10; ++i) CHECK_OK(mas_agent_send(alice, "bob", "note", NULL, 0, NULL));
  cut_connections(gateway);
  mock_gateway_pause(gateway, false);
  CHECK_OK(mas_agent_stop(alice, 10000));
  CHECK(told.count == 10 && told.failures == 0);
  CHECK(mock_gateway_counts(gateway).delivered == 10);
  mas_agent_free(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void a_stop_tells_what_it_could_not_flush(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  tally told = {0};
  mas_agent_on_receipt(alice, MAS_RECEIPTS_FAILURES, on_receipt, &told);
  mock_gateway_pause(gateway, true);
  for (int i = 0; i < 7; ++i) CHECK_OK(mas_agent_send(alice, "bob", "note", NULL, 0, NULL));
  CHECK_STATUS(mas_agent_stop(alice, 300), MAS_TIMEOUT);
  CHECK(strstr(mas_error_detail(), "7 messages") != NULL);
  CHECK(told.count == 7);
  CHECK_STATUS(told.last_status, MAS_TIMEOUT);
  CHECK_TEXT(redis("EXISTS", "agent:alice", NULL), "0"); /* the registration is taken back all the same */
  mas_agent_free(alice);
  mock_gateway_pause(gateway, false);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void free_at_the_first(mas_agent *agent, const char *id, const char *target, mas_status outcome, void *user) {
  (void)id, (void)target, (void)outcome;
  ++((tally *)user)->count;
  mas_agent_free(agent);
}

static void a_receipt_of_a_stop_may_free_the_agent(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  tally told = {0};
  mas_agent_on_receipt(alice, MAS_RECEIPTS_ALL, free_at_the_first, &told);
  for (int i = 0; i < 2; ++i) CHECK_OK(mas_agent_send(alice, "bob", "note", NULL, 0, NULL));
  CHECK_OK(mas_agent_stop(alice, 10000));
  CHECK(told.count == 1); /* and no callback after it */
  CHECK_TEXT(redis("EXISTS", "agent:alice", NULL), "0");
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static bool malformed_3(void *agent) { return stats_of(agent).malformed == 3; }

static void poison_is_acknowledged_and_counted(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *bob = gateway_agent("bob");
  redis("XADD", "agent.stream:bob", "*", "b", "garbage", NULL);
  redis("XADD", "agent.stream:bob:critical", "*", "x", "no blob", NULL);
  redis("XADD", "agent.stream:bob:bulk", "*", "b", "\x01\xff\xff\xff\x7f", NULL);
  CHECK(eventually(malformed_3, bob, bob));
  CHECK(eventually(redis_is_condition, &(redis_is){"XLEN", "agent.stream:bob", "0"}, bob));
  CHECK(eventually(redis_is_condition, &(redis_is){"XLEN", "agent.stream:bob:critical", "0"}, bob));
  CHECK(eventually(redis_is_condition, &(redis_is){"XLEN", "agent.stream:bob:bulk", "0"}, bob));
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

int main(int argc, char **argv) {
  static const test_case tests[] = {
      {"a_lost_receipt_is_asked_for", a_lost_receipt_is_asked_for},
      {"lost_frames_are_sent_again", lost_frames_are_sent_again},
      {"an_unavailable_gateway_is_tried_again", an_unavailable_gateway_is_tried_again},
      {"a_stale_frame_gets_a_fresh_timestamp", a_stale_frame_gets_a_fresh_timestamp},
      {"who_waits_in_vain_is_told_what_the_gateway_says", who_waits_in_vain_is_told_what_the_gateway_says},
      {"the_last_receipt_may_be_lost", the_last_receipt_may_be_lost},
      {"a_refused_frame_uses_no_numbers", a_refused_frame_uses_no_numbers},
      {"a_refused_resend_is_not_taken_for_the_outcome", a_refused_resend_is_not_taken_for_the_outcome},
      {"a_gateway_that_forgot_leads_to_a_new_instance", a_gateway_that_forgot_leads_to_a_new_instance},
      {"cut_connections_lose_and_double_nothing", cut_connections_lose_and_double_nothing},
      {"entries_in_hand_are_found_again_by_ids_of_any_length", entries_in_hand_are_found_again_by_ids_of_any_length},
      {"a_redis_that_lost_everything_is_filled_again", a_redis_that_lost_everything_is_filled_again},
      {"entries_of_a_dead_instance_are_claimed", entries_of_a_dead_instance_are_claimed},
      {"leases_that_end_all_at_once_make_nobody_dead", leases_that_end_all_at_once_make_nobody_dead},
      {"a_new_number_of_partitions_is_found_out", a_new_number_of_partitions_is_found_out},
      {"a_number_of_partitions_that_is_none_changes_nothing", a_number_of_partitions_that_is_none_changes_nothing},
      {"a_stop_flushes", a_stop_flushes},
      {"a_stop_flushes_over_a_new_link", a_stop_flushes_over_a_new_link},
      {"a_stop_tells_what_it_could_not_flush", a_stop_tells_what_it_could_not_flush},
      {"a_receipt_of_a_stop_may_free_the_agent", a_receipt_of_a_stop_may_free_the_agent},
      {"poison_is_acknowledged_and_counted", poison_is_acknowledged_and_counted},
  };
  if (argc == 4 && strcmp(argv[1], "--dying-bob") == 0) return be_dying_bob(argv[2], argv[3]);
  return RUN_TESTS(argc, argv, tests);
}
