/* Agents that cannot hear: a right is missing, Redis takes no more clients, the process has no descriptors left. A
 * start says so; what comes later is told, the agent does not beat meanwhile, and it is tried again. */
#include <sys/resource.h>
#include <unistd.h>

#include "gateway_case.h"

typedef struct changes {
  int lost, back;
  char reason[256];
} changes;

static void on_connection(mas_agent *agent, mas_connection state, const char *detail, void *user) {
  changes *c = user;
  (void)agent;
  if (state == MAS_CONNECTED) ++c->back;
  if (state == MAS_DISCONNECTED) {
    ++c->lost;
    snprintf(c->reason, sizeof c->reason, "%s", detail);
  }
}
static bool is_lost(void *context) { return ((changes *)context)->lost > 0; }
static bool is_back(void *context) { return ((changes *)context)->back > 0; }
static bool lacks_a_right(void *context) { return strstr(((changes *)context)->reason, "NOPERM") != NULL; }

static mas_options *options_of_bob(mas_options *options) {
  redis("ACL", "SETUSER", "bob", "on", ">secret", "allkeys", "allchannels", "+@all", NULL);
  CHECK_OK(mas_options_set_redis_url(options, text("unix://bob:secret@%s", strchr(redis_url(), '/') + 2)));
  return options;
}

static void a_start_without_a_right_fails(void) {
  static const char *const rights[] = {
      "xreadgroup", "@scripting", "xinfo|consumers", "xinfo|groups", "xpending", "xclaim", "xack", "xdel"};
  mock_gateway *gateway = mock_gateway_start();
  mas_options *options = options_of_bob(gateway_options());
  for (size_t i = 0; i < sizeof rights / sizeof *rights; ++i) {
    mas_agent *bob;
    redis("ACL", "SETUSER", "bob", text("-%s", rights[i]), NULL);
    CHECK_OK(mas_agent_new("bob", options, &bob));
    mas_status status = mas_agent_start(bob, 5000);
    if (status != MAS_AUTH_FAILED && status != MAS_REFUSED) fprintf(stderr, "without %s: %d\n", rights[i], (int)status);
    CHECK(status == MAS_AUTH_FAILED || status == MAS_REFUSED);
    CHECK_TEXT(redis("EXISTS", "agent:bob", NULL), "0");
    redis("ACL", "SETUSER", "bob", text("+%s", rights[i]), NULL);
    CHECK_OK(mas_agent_start(bob, 5000));
    agent_ended(bob);
  }
  mas_options_free(options);
  mock_gateway_stop(gateway);
}

static bool does_not_beat(void *context) {
  (void)context;
  return strcmp(redis("EXISTS", "agent:bob:heartbeat", NULL), "0") == 0;
}

static void a_right_that_goes_is_told_and_tried_again(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_options *options = options_of_bob(gateway_options());
  changes seen = {0};
  tally got = {0};
  CHECK_OK(mas_options_set_heartbeat(options, 200, 1000));
  mas_agent *alice = gateway_agent("alice"), *bob = agent_started("bob", options);
  mas_options_free(options);
  mas_agent_on_connection(bob, on_connection, &seen);
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  redis("ACL", "SETUSER", "bob", "-xreadgroup", NULL);
  for (int i = 0; i < 2; ++i) /* the first ends the read that waits */
    CHECK_OK(mas_agent_send_wait(alice, "bob", "note", text("{\"n\":%d}", i), MAS_STRLEN, 5000, NULL));
  CHECK(eventually(is_lost, &seen, bob));
  CHECK(lacks_a_right(&seen) && seen.back == 0);
  CHECK(eventually(does_not_beat, NULL, bob));
  redis("ACL", "SETUSER", "bob", "+xreadgroup", NULL);
  CHECK(eventually(is_back, &seen, bob));
  got.wanted = 2;
  CHECK(eventually(tally_is_wanted, &got, bob));
  CHECK(got.in_order);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

/* What was handled is acknowledged when the right is back, and meanwhile nothing more is taken that cannot be. */
static void a_right_to_acknowledge_that_goes_is_told_and_nothing_piles_up(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_options *options = options_of_bob(gateway_options());
  changes seen = {0};
  tally got = {0};
  redis_is nothing_waits = {"XLEN", "agent.stream:bob", "0"};
  CHECK_OK(mas_options_set_heartbeat(options, 200, 1000));
  mas_agent *alice = gateway_agent("alice"), *bob = agent_started("bob", options);
  mas_options_free(options);
  mas_agent_on_connection(bob, on_connection, &seen);
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  redis("ACL", "SETUSER", "bob", "-xack", NULL);
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", "{\"n\":0}", MAS_STRLEN, 5000, NULL));
  CHECK(eventually(is_lost, &seen, bob));
  CHECK(lacks_a_right(&seen) && seen.back == 0);
  CHECK(eventually(does_not_beat, NULL, bob));
  for (int i = 1; i < 4; ++i)
    CHECK_OK(mas_agent_send_wait(alice, "bob", "note", text("{\"n\":%d}", i), MAS_STRLEN, 5000, NULL));
  for (int i = 0; i < 10; ++i) CHECK_OK(mas_agent_poll(bob, 50, NULL));
  CHECK(got.count == 1);
  redis("ACL", "SETUSER", "bob", "+xack", NULL);
  CHECK(eventually(is_back, &seen, bob));
  CHECK(eventually(redis_is_condition, &nothing_waits, bob));
  CHECK(got.count == 4 && got.in_order);
  agent_ended(alice);
  agent_ended(bob);
  mock_gateway_stop(gateway);
}

static void a_deaf_agent_still_sends_what_it_has_when_it_stops(void) {
  mock_gateway *gateway = mock_gateway_start();
  mas_options *options = options_of_bob(gateway_options());
  changes seen = {0};
  mas_agent *alice = gateway_agent("alice"), *bob = agent_started("bob", options);
  mas_options_free(options);
  mas_agent_on_connection(bob, on_connection, &seen);
  redis("ACL", "SETUSER", "bob", "-xreadgroup", NULL);
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 5000, NULL));
  CHECK(eventually(lacks_a_right, &seen, bob));
  CHECK_OK(mas_agent_send(bob, "alice", "note", NULL, 0, NULL));
  CHECK_OK(mas_agent_stop(bob, 5000));
  CHECK(mock_gateway_counts(gateway).delivered == 2);
  mas_agent_free(bob);
  agent_ended(alice);
  mock_gateway_stop(gateway);
}

/* Peer to peer: Redis ends the subscription with the right to it. */
static void a_channel_that_goes_is_told_and_tried_again(void) {
  mas_options *options = options_of_bob(options_here());
  changes seen = {0};
  tally got = {0};
  mas_agent *alice = agent_started("alice", NULL), *bob = agent_started("bob", options);
  mas_options_free(options);
  mas_agent_on_connection(bob, on_connection, &seen);
  CHECK_OK(mas_agent_on_message(bob, "note", on_message, &got));
  redis("ACL", "SETUSER", "bob", "resetchannels", NULL);
  CHECK(eventually(lacks_a_right, &seen, bob));
  CHECK(seen.back == 0);
  redis("ACL", "SETUSER", "bob", "allchannels", NULL);
  CHECK(eventually(is_back, &seen, bob));
  CHECK_OK(mas_agent_send_wait(alice, "bob", "note", NULL, 0, 5000, NULL));
  CHECK(eventually(tally_is_1, &got, bob));
  agent_ended(alice);
  agent_ended(bob);
}

static void a_start_that_redis_has_no_place_for_fails(void) {
  mas_options *options = gateway_options();
  mas_agent *bob;
  CHECK_OK(mas_agent_new("bob", options, &bob));
  redis("CONFIG", "SET", "maxclients", "2", NULL); /* commands and receipts, and none for the reader */
  CHECK(mas_agent_start(bob, 2000) != MAS_OK);
  CHECK(strstr(mas_error_detail(), "max number of clients") != NULL);
  redis("CONFIG", "SET", "maxclients", "10000", NULL);
  CHECK_OK(mas_agent_start(bob, 5000));
  agent_ended(bob);
  mas_options_free(options);
}

static void limit_descriptors(rlim_t count) {
  struct rlimit limit;
  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = count;
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void an_agent_without_a_descriptor_left_says_so(void) {
  struct rlimit before;
  int failed = 0, started = 0;
  mas_agent *peer = agent_started("peer", NULL); /* the library's thread runs */
  mas_options *options = gateway_options();
  CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
  int next = dup(0);
  close(next);
  for (int spare = 0; spare < 12; ++spare) {
    mas_agent *bob = NULL;
    limit_descriptors((rlim_t)next + (rlim_t)spare);
    mas_status status = mas_agent_new("bob", options, &bob);
    if (status == MAS_OK) status = mas_agent_start(bob, 300);
    const char *why = text("%s", status == MAS_OK ? "" : mas_error_detail());
    limit_descriptors(before.rlim_cur);
    if (status == MAS_OK) {
      ++started;
      CHECK(strstr(redis("CLIENT", "LIST", NULL), "name=libmas-reader:bob") != NULL);
    } else {
      ++failed;
      if (strstr(why, "oo many open files") == NULL) fprintf(stderr, "%d to spare: %s\n", spare, why);
      CHECK(strstr(why, "oo many open files") != NULL);
    }
    mas_agent_free(bob);
  }
  CHECK(failed > 0 && started > 0);
  mas_options_free(options);
  agent_ended(peer);
}

int main(int argc, char **argv) {
  static const test_case tests[] = {
      {"a_start_without_a_right_fails", a_start_without_a_right_fails},
      {"a_right_that_goes_is_told_and_tried_again", a_right_that_goes_is_told_and_tried_again},
      {"a_right_to_acknowledge_that_goes_is_told_and_nothing_piles_up",
       a_right_to_acknowledge_that_goes_is_told_and_nothing_piles_up},
      {"a_deaf_agent_still_sends_what_it_has_when_it_stops", a_deaf_agent_still_sends_what_it_has_when_it_stops},
      {"a_channel_that_goes_is_told_and_tried_again", a_channel_that_goes_is_told_and_tried_again},
      {"a_start_that_redis_has_no_place_for_fails", a_start_that_redis_has_no_place_for_fails},
      {"an_agent_without_a_descriptor_left_says_so", an_agent_without_a_descriptor_left_says_so},
  };
  return RUN_TESTS(argc, argv, tests);
}
