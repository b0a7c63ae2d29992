/* Gateway mode under small bounds, big entries, pollers and reads that come late: nothing that was accepted is dropped,
 * what waits is bounded by reading less, and a message is given back whatever becomes of its handler's agent. */
#include <stdlib.h>
#include <string.h>

#include "gateway_case.h"

enum {
  kFrameRecords = 1024,
  kStreams = 6
}; /* messages of one entry at most; streams of which one entry each may be read */

static mas_agent *bounded_agent(const char *id, size_t messages, size_t bytes) {
  mas_options *options = gateway_options();
  CHECK_OK(mas_options_set_inbound_queue(options, messages, bytes));
  mas_agent *agent = agent_started(id, options);
  mas_options_free(options);
  return agent;
}

/* Sends while the gateway stands still, so that it finds full frames and makes big entries of them. */
static void send_in_big_entries(mock_gateway *gateway, mas_agent *from, int count, int filling) {
  char *data = malloc((size_t)filling + 64);
  mock_gateway_pause(gateway, true);
  for (int i = 0; i < count; ++i) {
    snprintf(data, (size_t)filling + 64, "{\"n\":%d,\"x\":\"%0*d\"}", i, filling, 0);
    while (mas_agent_send(from, "bob", "note", data, MAS_STRLEN, NULL) == MAS_WOULD_BLOCK)
      mock_gateway_pause(gateway, false); /* more than the window holds: the rest goes as it can */
  }
  mock_gateway_pause(gateway, false);
  CHECK_OK(mas_agent_flush(from, 60000));
  free(data);
}

static bool nothing_is_left(void *bob) {
  (void)bob;
  return strcmp(redis("XLEN", "agent.stream:bob", NULL), "0") == 0;
}

/* Sends `count` messages, polls only after `late` ones were read, and checks that each is handled once and in order. */
static void all_are_handled(size_t messages, size_t bytes, int count, int filling) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = bounded_agent("bob", messages, bytes);
  tally got = {0};
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  send_in_big_entries(gateway, alice, count, filling);
  const uint64_t read = stats_of(bob).received; /* nobody has polled */
  CHECK(read <= messages + kStreams * kFrameRecords && read < (uint64_t)count);
  CHECK(read * (uint64_t)filling <= bytes + kStreams * (1u << 20));
  got.wanted = count;
  CHECK(eventually(tally_is_wanted, &got, bob));
  CHECK(got.count == count && got.in_order && stats_of(bob).dropped == 0);
  CHECK(eventually(nothing_is_left, bob, bob));
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void a_bound_below_one_entry_drops_nothing(void) { all_are_handled(10, 1 << 20, 2000, 1); }
static void a_bound_of_one_message_drops_nothing(void) { all_are_handled(1, 1 << 20, 3000, 1); }
static void a_late_poller_loses_nothing(void) { all_are_handled(2000, 64 << 20, 30000, 1); }
static void large_messages_and_few_bytes_lose_nothing(void) { all_are_handled(65536, 64 << 10, 200, 50000); }

/* Three instances that poll seldom share the work. */
static void slow_instances_with_small_bounds_share_the_work(void) {
  enum { kInstances = 3, kMessages = 5000 };
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bobs[kInstances];
  tally got = {0};
  for (int i = 0; i < kInstances; ++i) {
    bobs[i] = bounded_agent("bob", 5, 4096);
    CHECK_OK(mas_agent_on_message(bobs[i], "note", on_message, &got));
  }
  send_in_big_entries(gateway, alice, kMessages, 100);
  got.wanted = kMessages;
  for (int i = 0; i < 10000 && got.count < kMessages; ++i) CHECK_OK(mas_agent_poll(bobs[i % kInstances], 1, NULL));
  CHECK(got.count == kMessages);
  CHECK(eventually(nothing_is_left, bobs[0], bobs[0]));
  agent_ended(alice);
  for (int i = 0; i < kInstances; ++i) agent_ended(bobs[i]);
  mock_gateway_stop(gateway);
}

static bool all_is_read(void *context) { return stats_of(context).received == 5000; }

static void what_another_instance_held_is_claimed_as_there_is_room(void) {
  enum { kMessages = 5000 };
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *before = gateway_agent("bob");
  tally got = {0};
  send_in_big_entries(gateway, alice, kMessages, 1);
  CHECK(eventually(all_is_read, before, NULL)); /* and never handled */
  agent_ended(before);
  mas_agent *bob = bounded_agent("bob", 10, 1 << 20);
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  CHECK(eventually(received_5, bob, NULL));
  CHECK(stats_of(bob).received <= 10 + kStreams * kFrameRecords && stats_of(bob).received < kMessages);
  got.wanted = kMessages;
  CHECK(eventually(tally_is_wanted, &got, bob));
  CHECK(got.count == kMessages && got.in_order);
  CHECK(eventually(nothing_is_left, NULL, bob));
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void cut_readers(void) {
  char *list = strdup(redis("CLIENT", "LIST", NULL)), *next = list, *line;
  while ((line = strsep(&next, "\n")) != NULL)
    if (strstr(line, "name=libmas-reader:bob") != NULL)
      CHECK_TEXT(redis("CLIENT", "KILL", "ID", text("%d", atoi(line + 3)), NULL), "1");
  free(list);
}

static void entries_in_hand_are_read_again_and_handled_once(void) {
  enum { kMessages = 3000 };
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = bounded_agent("bob", 1500, 1 << 20);
  tally got = {0};
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  send_in_big_entries(gateway, alice, kMessages, 1);
  got.wanted = kMessages;
  for (int i = 0; i < 5; ++i) {
    cut_readers();
    CHECK_OK(mas_agent_poll(bob, 1000, NULL));
  }
  CHECK(eventually(tally_is_wanted, &got, bob));
  CHECK(eventually(nothing_is_left, NULL, bob));
  CHECK(got.count == kMessages && got.in_order);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

/* What the last start had read and not handled is no duplicate to the next one. */
static void what_was_not_handled_comes_again_through_the_dedupe_window(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_options *options = gateway_options();
  tally got = {0};
  CHECK_OK(mas_options_set_dedupe_window(options, 100));
  mas_agent *alice = gateway_agent("alice"), *bob = agent_started("bob", options);
  mas_options_free(options);
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  for (int i = 0; i < 5; ++i)
    CHECK_OK(mas_agent_send_wait(alice, "bob", "note", text("{\"n\":%d}", i), MAS_STRLEN, 5000, NULL));
  CHECK(eventually(received_5, bob, NULL));
  CHECK_OK(mas_agent_stop(bob, 5000));
  CHECK_OK(mas_agent_start(bob, 5000));
  got.wanted = 5;
  CHECK(eventually(tally_is_wanted, &got, bob));
  CHECK(got.in_order && stats_of(bob).duplicates == 0);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static bool is_reported(void *gateway) { return mock_gateway_counts(gateway).reports == 1; }

/* Redis has no second copy of what was accepted. */
static void a_message_too_large_for_the_agent_is_reported(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_options *options = gateway_options();
  tally got = {0};
  CHECK_OK(mas_options_set_max_message(options, 2048));
  mas_agent *alice = gateway_agent("alice"), *bob = agent_started("bob", options);
  mas_options_free(options);
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  CHECK_OK(mas_agent_send(alice, "bob", "note", text("{\"n\":0,\"x\":\"%03000d\"}", 0), MAS_STRLEN, NULL));
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", "{\"n\":0}", MAS_STRLEN, 5000, NULL));
  CHECK(eventually(tally_is_1, &got, bob));
  CHECK(eventually(is_reported, gateway, bob));
  CHECK(eventually(nothing_is_left, NULL, bob));
  CHECK(stats_of(bob).malformed == 1);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

/* ---- Handlers that send requests, where as many messages are in work as the bound allows. */

enum { kWork = 20, kBoundOfAsking = 3 };

static mas_status answers(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent;
  ++((tally *)user)->count;
  return mas_message_reply(message, "answer", NULL, 0);
}

static void settle_when_answered(mas_agent *agent, mas_status status, const mas_message *reply, void *user) {
  mas_message *deferred = user;
  (void)agent, (void)reply;
  CHECK_OK(mas_message_settle(deferred, status));
  mas_message_unref(deferred);
}
static mas_status asks_and_defers(mas_agent *agent, const mas_message *message, void *user) {
  ++((tally *)user)->count;
  CHECK_OK(mas_message_defer(message));
  return mas_agent_request_async(agent, "carol", "ask", NULL, 0, 60000, settle_when_answered, mas_message_ref(message),
                                 NULL);
}
static mas_status asks_and_waits(mas_agent *agent, const mas_message *message, void *user) {
  (void)message;
  ++((tally *)user)->count;
  return mas_agent_request(agent, "carol", "ask", NULL, 0, 60000, NULL);
}

static void every_handler_gets_its_reply(mas_message_fn handler, size_t bound) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *carol = gateway_agent("carol"),
            *bob = bounded_agent("bob", bound, 1 << 20);
  pthread_t carols;
  tally got = {.wanted = kWork}, answered = {0};
  CHECK_OK(mas_agent_on_message(bob, "note", handler, &got));
  CHECK_OK(mas_agent_on_message(carol, "ask", answers, &answered));
  CHECK(pthread_create(&carols, NULL, run_agent, carol) == 0);
  for (int n = 0; n < kWork; ++n) CHECK_OK(mas_agent_send(alice, "bob", "note", NULL, 0, NULL));
  CHECK(eventually(tally_is_wanted, &got, bob));
  CHECK(eventually(nothing_is_left, NULL, bob));
  CHECK(mock_gateway_counts(gateway).reports == 0);
  mas_agent_quit(carol);
  CHECK(pthread_join(carols, NULL) == 0);
  agent_ended(alice);
  agent_ended(bob);
  agent_ended(carol);
  mock_gateway_stop(gateway);
}

static void requests_of_deferred_messages_end_at_the_bound(void) {
  every_handler_gets_its_reply(asks_and_defers, kBoundOfAsking);
}
static void requests_in_handlers_end_at_the_bound(void) { every_handler_gets_its_reply(asks_and_waits, 1); }

/* A reply that was read into a link that died is the instance's own, and is read again at the bound, too. */
static void replies_come_again_at_the_bound(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *carol = gateway_agent("carol"), *bob = bounded_agent("bob", 1, 1 << 20);
  tally got = {.wanted = 1}, answered = {0};
  CHECK_OK(mas_agent_on_message(bob, "note", asks_and_defers, &got));
  CHECK_OK(mas_agent_on_message(carol, "ask", answers, &answered));
  CHECK_OK(mas_agent_send(alice, "bob", "note", NULL, 0, NULL));
  CHECK(eventually(tally_is_wanted, &got, bob));
  for (int i = 0; i < 3; ++i) {
    cut_readers();
    CHECK_OK(mas_agent_poll(bob, 100, NULL));
  }
  CHECK(eventually(tally_is_1, &answered, carol));
  CHECK(eventually(nothing_is_left, NULL, bob));
  agent_ended(alice);
  agent_ended(bob);
  agent_ended(carol);
  mock_gateway_stop(gateway);
}

static bool received_any(void *agent) { return stats_of(agent).received > 0; }

/* As a read does that Redis executes after its link was given up, and after own entries were read again. */
static void what_a_late_read_took_is_found(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  tally got = {.wanted = 1};
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", "{\"n\":0}", MAS_STRLEN, 5000, NULL));
  CHECK(eventually(received_any, bob, NULL));
  redis("EVAL",
        "local copy = redis.call('XRANGE', KEYS[1], '-', '+')[1]"
        "redis.call('XADD', KEYS[1], '*', unpack(copy[2]))"
        "redis.call('XREADGROUP', 'GROUP', 'agents', ARGV[1], 'STREAMS', KEYS[1], '>')",
        "1", "agent.stream:bob", mas_agent_instance(bob), NULL);
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  CHECK(eventually(tally_is_wanted, &got, bob));
  got.wanted = 2;
  for (int tries = 0; tries < 3 && got.count < 2; ++tries) eventually(tally_is_wanted, &got, bob);
  CHECK(got.count == 2);
  CHECK(eventually(nothing_is_held, NULL, bob));
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

int main(int argc, char **argv) {
  static const test_case tests[] = {
      {"what_a_late_read_took_is_found", what_a_late_read_took_is_found},
      {"a_bound_below_one_entry_drops_nothing", a_bound_below_one_entry_drops_nothing},
      {"a_bound_of_one_message_drops_nothing", a_bound_of_one_message_drops_nothing},
      {"a_late_poller_loses_nothing", a_late_poller_loses_nothing},
      {"large_messages_and_few_bytes_lose_nothing", large_messages_and_few_bytes_lose_nothing},
      {"slow_instances_with_small_bounds_share_the_work", slow_instances_with_small_bounds_share_the_work},
      {"what_another_instance_held_is_claimed_as_there_is_room",
       what_another_instance_held_is_claimed_as_there_is_room},
      {"entries_in_hand_are_read_again_and_handled_once", entries_in_hand_are_read_again_and_handled_once},
      {"a_message_too_large_for_the_agent_is_reported", a_message_too_large_for_the_agent_is_reported},
      {"what_was_not_handled_comes_again_through_the_dedupe_window",
       what_was_not_handled_comes_again_through_the_dedupe_window},
      {"requests_of_deferred_messages_end_at_the_bound", requests_of_deferred_messages_end_at_the_bound},
      {"requests_in_handlers_end_at_the_bound", requests_in_handlers_end_at_the_bound},
      {"replies_come_again_at_the_bound", replies_come_again_at_the_bound},
  };
  return RUN_TESTS(argc, argv, tests);
}
