/* What a receiver makes of a Redis that lost data: it hears of it, it is counted, and it goes on. And what it holds
 * stays its own when it has to begin anew. */
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

int main(int argc, char **argv) {
  static const test_case tests[] = {
      {"a_stream_that_is_gone_is_told", a_stream_that_is_gone_is_told},
      {"a_group_that_went_back_is_told", a_group_that_went_back_is_told},
      {"what_an_instance_holds_is_its_own_under_its_new_name", what_an_instance_holds_is_its_own_under_its_new_name},
  };
  return RUN_TESTS(argc, argv, tests);
}
