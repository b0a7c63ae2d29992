/* What agents make of a Redis that lost data. A receiver hears of it, it is counted, and it goes on; what it holds
 * stays its own when it has to begin anew. A sender hears which of its accepted messages are in doubt. */
#include "gateway_case.h"

typedef struct heard {
  int disconnected, connected;
  char first[256]; /* the first reason */
} heard;

static void on_connection(mas_agent *agent, mas_connection state, const char *detail, void *user) {
  heard *h = user;
  (void)agent;
  if (state == MAS_CONNECTED) ++h->connected;
  if (state == MAS_DISCONNECTED && h->disconnected++ == 0) snprintf(h->first, sizeof h->first, "%s", detail);
}

static bool heard_both(void *context) {
  return ((heard *)context)->disconnected == 1 && ((heard *)context)->connected == 1;
}

/* What an agent was told of messages in doubt. */
typedef struct doubts {
  int times;
  size_t count;
  uint64_t forgotten;
  char ids[8][MAS_MESSAGE_ID_SIZE];
} doubts;

static void on_doubt(mas_agent *agent, const mas_doubt *doubt, void *user) {
  doubts *d = user;
  (void)agent;
  ++d->times;
  d->count = doubt->count;
  d->forgotten = doubt->forgotten;
  CHECK(strstr(doubt->reason, "Redis lost data") != NULL);
  for (size_t i = 0; i < doubt->count && i < 8; ++i)
    snprintf(d->ids[i], MAS_MESSAGE_ID_SIZE, "%s", doubt->message_ids[i]);
}

static bool doubted_once(void *context) { return ((doubts *)context)->times == 1; }

typedef struct pair {
  mas_agent *alice, *bob;
  mock_gateway *gateway;
  tally got;
  heard heard;
} pair;

/* Bob has had a message from alice. One message fills his queue: nothing more is read or claimed. */
static void start_pair(pair *p) {
  mas_options *options = gateway_options();
  memset(p, 0, sizeof *p);
  p->gateway = mock_gateway_start();
  CHECK_OK(mas_options_set_inbound_queue(options, 1, 1 << 20));
  p->alice = gateway_agent("alice"), p->bob = agent_started("bob", options);
  mas_options_free(options);
  CHECK_OK(mas_agent_on_message(p->bob, "note", on_message, &p->got));
  mas_agent_on_connection(p->bob, on_connection, &p->heard);
  CHECK_OK(mas_agent_send_wait(p->alice, "bob", "note", NULL, 0, 5000, NULL));
  CHECK(eventually(tally_is_1, &p->got, p->bob));
  CHECK(eventually(redis_is_condition, &(redis_is){"XLEN", "agent.stream:bob", "0"}, p->bob));
}

static void end_pair(pair *p) {
  agent_ended(p->alice);
  agent_ended(p->bob);
  mock_gateway_stop(p->gateway);
}

static void check_told_once(pair *p, const char *what) {
  CHECK(eventually(heard_both, &p->heard, p->bob));
  CHECK(strstr(p->heard.first, "Redis lost data") != NULL && strstr(p->heard.first, what) != NULL);
  CHECK(stats_of(p->bob).losses == 1 && stats_of(p->alice).losses == 0);
  CHECK_OK(mas_agent_send_wait(p->alice, "bob", "note", NULL, 0, 5000, NULL));
  p->got.wanted = 2;
  CHECK(eventually(tally_is_wanted, &p->got, p->bob));
  CHECK(p->heard.disconnected == 1 && stats_of(p->bob).losses == 1);
}

static void a_stream_that_is_gone_is_told(void) {
  pair p;
  start_pair(&p);
  redis("DEL", "agent.stream:bob", NULL);
  check_told_once(&p, "the groups of its streams were missing");
  end_pair(&p);
}

/* As an older snapshot has it. */
static void a_group_that_went_back_is_told(void) {
  pair p;
  start_pair(&p);
  redis("XGROUP", "SETID", "agent.stream:bob", "agents", "5-7", NULL);
  check_told_once(&p, "agent.stream:bob was delivered up to");
  CHECK(strstr(p.heard.first, "and is at 5-7") != NULL);
  end_pair(&p);
}

static bool is_pending(void *consumer) {
  static const char *const script =
      "local e = redis.call('XPENDING', KEYS[1], 'agents', '-', '+', 10) return #e == 1 and e[1][2] or 'none'";
  return strcmp(redis("EVAL", script, "1", "agent.stream:bob", NULL), consumer) == 0;
}

/* Its old name has no lease any more: whatever others find under it is theirs to handle. */
static void what_an_instance_holds_is_its_own_under_its_new_name(void) {
  pair p;
  start_pair(&p);
  const char *before = mas_agent_instance(p.bob);
  for (int i = 0; i < 3; ++i) CHECK_OK(mas_agent_send_wait(p.bob, "alice", "note", NULL, 0, 5000, NULL));
  CHECK_OK(mas_agent_send_wait(p.alice, "bob", "note", NULL, 0, 5000, NULL));
  CHECK(eventually(is_pending, (void *)before, NULL)); /* read, and not polled */
  mock_gateway_forget(p.gateway);
  for (int i = 0; i < 3; ++i) CHECK_OK(mas_agent_send(p.bob, "alice", "note", NULL, 0, NULL));
  CHECK_OK(mas_agent_flush(p.bob, 10000));
  CHECK(stats_of(p.bob).restarts == 1);
  const char *now = mas_agent_instance(p.bob);
  CHECK(strcmp(before, now) != 0);
  CHECK(eventually(is_pending, (void *)now, NULL));
  CHECK_TEXT(redis("EXISTS", text("agent:bob:alive:%s", now), NULL), "1");
  p.got.wanted = 2;
  CHECK(eventually(tally_is_wanted, &p.got, p.bob));
  CHECK(eventually(redis_is_condition, &(redis_is){"XLEN", "agent.stream:bob", "0"}, p.bob));
  CHECK(p.got.count == 2);
  end_pair(&p);
}

/* A sender that has nothing to send asks what is known of it, after each lost link. */
static void accepted_messages_that_are_lost_are_in_doubt(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_agent *alice = gateway_agent("alice"), *bob = gateway_agent("bob");
  char sent[3][MAS_MESSAGE_ID_SIZE];
  doubts told = {0};
  mas_agent_on_doubt(alice, on_doubt, &told);
  for (int i = 0; i < 3; ++i) CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 5000, sent[i]));
  redis("CLIENT", "KILL", "TYPE", "normal", NULL);
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 5000, NULL)); /* nothing was lost */
  CHECK(told.times == 0 && stats_of(alice).restarts == 0);

  mock_gateway_forget(gateway);
  redis("CLIENT", "KILL", "TYPE", "normal", NULL);
  CHECK(eventually(doubted_once, &told, alice));
  CHECK(told.count == 4 && told.forgotten == 0 && stats_of(alice).in_doubt == 4);
  for (int i = 0; i < 3; ++i) CHECK_TEXT(told.ids[i], sent[i]);
  CHECK_OK(mas_agent_send_again(alice, sent[0], "bob", "note", NULL, 0));
  CHECK_OK(mas_agent_flush(alice, 5000));
  CHECK(told.times == 1 && stats_of(alice).restarts == 1);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void the_doubt_window_is_bounded(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_options *options = gateway_options();
  CHECK(mas_options_set_doubt_window(options, 10000001, 1) == MAS_INVALID_ARGUMENT);
  CHECK(mas_options_set_doubt_window(options, 1, 0) == MAS_INVALID_ARGUMENT);
  CHECK_OK(mas_options_set_doubt_window(options, 2, 60));
  mas_agent *alice = agent_started("alice", options), *bob = gateway_agent("bob");
  mas_options_free(options);
  char sent[5][MAS_MESSAGE_ID_SIZE];
  doubts told = {0};
  mas_agent_on_doubt(alice, on_doubt, &told);
  for (int i = 0; i < 5; ++i) CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 5000, sent[i]));
  mock_gateway_forget(gateway);
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 10000, NULL));
  CHECK(eventually(doubted_once, &told, alice));
  CHECK(told.count == 2 && told.forgotten == 3 && stats_of(alice).in_doubt == 5);
  CHECK_TEXT(told.ids[0], sent[3]);
  CHECK_TEXT(told.ids[1], sent[4]);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

int main(int argc, char **argv) {
  static const test_case tests[] = {
      {"a_stream_that_is_gone_is_told", a_stream_that_is_gone_is_told},
      {"a_group_that_went_back_is_told", a_group_that_went_back_is_told},
      {"accepted_messages_that_are_lost_are_in_doubt", accepted_messages_that_are_lost_are_in_doubt},
      {"the_doubt_window_is_bounded", the_doubt_window_is_bounded},
      {"what_an_instance_holds_is_its_own_under_its_new_name", what_an_instance_holds_is_its_own_under_its_new_name},
  };
  return RUN_TESTS(argc, argv, tests);
}
