/* Children of a program with agents: nothing works in them, nothing hangs, and their parent does not notice. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

enum { kRounds = 100, kChildSeconds = 20 };

#ifdef __SANITIZE_ADDRESS__
/* A child has not the threads that the leak detector would find their memory by. */
static pid_t first;
__attribute__((constructor)) static void remember(void) { first = getpid(); }
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) { return getpid() != first; }
#endif

static atomic_bool over;
static atomic_ulong handled;

static mas_status on_message(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)user;
  ++handled;
  if (!mas_message_expects_reply(message)) return MAS_OK;
  return mas_message_reply(message, "answer", NULL, 0);
}

static void *poll_until_over(void *agent) {
  while (!over) CHECK_OK(mas_agent_poll(agent, 20, NULL));
  return NULL;
}

static void *send_until_over(void *agent) {
  for (int n = 1; !over; ++n) {
    CHECK_OK(mas_agent_send(agent, "worker", "note", NULL, 0, NULL));
    if (n % 64 == 0) CHECK_OK(mas_agent_flush(agent, 10000));
  }
  return NULL;
}

/** The child's end: 0, in time. A child that hangs is ended, and fails the test. */
static void await(pid_t child) {
  int status;
  for (int i = 0; i < kChildSeconds * 1000; ++i) {
    pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) break;
    if (i + 1 == kChildSeconds * 1000) kill(child, SIGKILL);
    usleep(1000);
  }
  if (status != 0) printf("a child ended with %#x\n", (unsigned)status);
  CHECK(status == 0);
}

static void expect_refused(mas_status status) {
  if (status != MAS_INVALID_STATE) _exit(2);
}

static void on_field(const char *name, const char *value, size_t size, void *user) {
  (void)name, (void)value, (void)size, (void)user;
}

/** In a child: calls everything. */
static void call_everything(mas_agent *agent, mas_message *message) {
  mas_agent *other = NULL;
  mas_message *reply = NULL;
  mas_agent_list *list = NULL;
  mas_state_field field = {"a", "1", MAS_STRLEN};
  mas_options *options = mas_options_new();
  expect_refused(mas_agent_new("other", options, &other));
  mas_options_free(options);
  expect_refused(mas_agent_start(agent, -1));
  expect_refused(mas_agent_poll(agent, -1, NULL));
  expect_refused(mas_agent_run(agent));
  expect_refused(mas_agent_send(agent, "worker", "note", NULL, 0, NULL));
  expect_refused(mas_agent_send_wait(agent, "worker", "note", NULL, 0, -1, NULL));
  expect_refused(mas_agent_request(agent, "worker", "question", NULL, 0, -1, &reply));
  expect_refused(mas_agent_flush(agent, -1));
  expect_refused(mas_agent_discover(agent, NULL, 0, 0, 0, -1, &list));
  expect_refused(mas_state_update(agent, &field, 1, -1));
  expect_refused(mas_state_refresh(agent, -1));
  expect_refused(mas_state_get(agent, "a", NULL, NULL));
  expect_refused(mas_message_reply(message, "answer", NULL, 0));
  mas_state_each(agent, on_field, NULL);
  mas_agent_on_message(agent, "note", on_message, NULL) == MAS_INVALID_STATE ? (void)0 : _exit(2);
  mas_agent_on_connection(agent, NULL, NULL);
  mas_agent_quit(agent);
  mas_stats stats;
  mas_agent_stats(agent, &stats, sizeof stats);
  if (strstr(mas_error_detail(), "fork") == NULL || strcmp(mas_agent_id(agent), "asker") != 0) _exit(3);
  if (strcmp(mas_message_type(message), "answer") != 0) _exit(3);
  expect_refused(mas_agent_stop(agent, -1));
  mas_message_unref(message);
  mas_agent_free(agent);
}

static void children_under_traffic(void) {
  mas_agent *worker = agent_started("worker", NULL), *asker = agent_started("asker", NULL);
  pthread_t poller, sender;
  mas_message *answer = NULL;
  CHECK_OK(mas_agent_on_message(worker, NULL, on_message, NULL));
  pthread_create(&poller, NULL, poll_until_over, worker);
  pthread_create(&sender, NULL, send_until_over, asker);
  CHECK_OK(mas_agent_request(asker, "worker", "question", NULL, 0, 5000, &answer));
  for (int i = 0; i < kRounds; ++i) {
    pid_t child = fork();
    if (child == 0) {
      call_everything(asker, answer);
      if (i % 2 == 0) exit(0);
      _exit(0);
    }
    await(child);
  }
  mas_message *again = NULL;
  CHECK_OK(mas_agent_request(asker, "worker", "question", NULL, 0, 5000, &again));
  over = true;
  pthread_join(sender, NULL);
  pthread_join(poller, NULL);
  mas_stats stats;
  mas_agent_stats(asker, &stats, sizeof stats);
  CHECK(stats.reconnects == 0 && stats.malformed == 0);
  CHECK_TEXT(redis("HGET", "agent:asker", "status", NULL), "ACTIVE");
  mas_message_unref(answer);
  mas_message_unref(again);
  agent_ended(asker);
  agent_ended(worker);
}

static mas_status fork_here(mas_agent *agent, const mas_message *message, void *user) {
  (void)message;
  pid_t *child = user;
  *child = fork();
  if (*child == 0) expect_refused(mas_agent_send(agent, "asker", "note", NULL, 0, NULL));
  return MAS_OK;
}

static void a_child_that_returns_from_a_handler(void) {
  mas_agent *agent = agent_started("asker", NULL);
  pid_t child = -1;
  CHECK_OK(mas_agent_on_message(agent, NULL, fork_here, &child));
  for (int i = 0; i < kRounds; ++i) {
    CHECK_OK(mas_agent_send(agent, "asker", "note", NULL, 0, NULL));
    mas_status status = mas_agent_poll(agent, 5000, NULL);
    if (child == 0) {
      expect_refused(status);
      exit(0);
    }
    CHECK_OK(status);
    await(child);
  }
  agent_ended(agent);
}

static mas_status fork_in_hook(mas_agent *agent, void *user) {
  (void)agent;
  *(pid_t *)user = fork();
  return MAS_OK;
}

/** What `call`, whose hook forks, returns in the parent; the child is refused, and has ended. */
static void call_with_forking_hook(mas_status (*call)(mas_agent *, int), mas_agent *agent, const pid_t *child) {
  mas_status status = call(agent, 5000);
  if (*child == 0) {
    expect_refused(status);
    exit(0);
  }
  CHECK_OK(status);
  await(*child);
}

static void a_child_that_returns_from_a_hook(void) {
  mas_agent *agent = agent_started("asker", NULL);
  pid_t child = -1;
  mas_agent_on_start(agent, fork_in_hook, &child);
  mas_agent_on_stop(agent, fork_in_hook, &child);
  for (int i = 0; i < kRounds; ++i) {
    call_with_forking_hook(mas_agent_stop, agent, &child);
    call_with_forking_hook(mas_agent_start, agent, &child);
  }
  mas_agent_on_stop(agent, NULL, NULL);
  agent_ended(agent);
}

static void a_child_of_a_program_without_agents(void) {
  for (int i = 0; i < kRounds; ++i) {
    agent_ended(agent_started("before", NULL)); /* had some, has none */
    pid_t child = fork();
    if (child == 0) {
      mas_agent *agent = agent_started("child", NULL);
      CHECK_OK(mas_agent_on_message(agent, NULL, on_message, NULL));
      CHECK_OK(mas_agent_send_wait(agent, "child", "note", NULL, 0, 5000, NULL));
      agent_ended(agent);
      exit(0);
    }
    await(child);
  }
  agent_ended(agent_started("after", NULL));
}

static const test_case tests[] = {
    {"children_under_traffic", children_under_traffic},
    {"a_child_that_returns_from_a_handler", a_child_that_returns_from_a_handler},
    {"a_child_that_returns_from_a_hook", a_child_that_returns_from_a_hook},
    {"a_child_of_a_program_without_agents", a_child_of_a_program_without_agents},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, tests); }
