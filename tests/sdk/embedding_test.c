/* The host programs of sdk/examples/embedding, run as they are: each reads lines of its input, sends them on and
 * answers requests, in its own kind of loop, and ends at once at the end of its input and on SIGTERM. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

enum { kLines = 200, kRequests = 100, kPatienceMs = 10000 };

/* ---- A host program. */

typedef struct host {
  pid_t pid;
  int input; /* to write to */
} host;

static host host_started(const char *name) {
  static redis_is registered = {"EXISTS", "agent:host", "1"};
  int pipes[2];
  CHECK(pipe2(pipes, O_CLOEXEC) == 0);
  host made = {program_started(pipes[0], text("%s/example_embedding_%s", MAS_EXAMPLES_DIR, name), NULL), pipes[1]};
  close(pipes[0]);
  CHECK(eventually(redis_is_condition, &registered, NULL));
  return made;
}

static bool has_ended(void *pid) {
  int status;
  if (waitpid(*(pid_t *)pid, &status, WNOHANG) != *(pid_t *)pid) return false;
  CHECK(status == 0);
  return true;
}

/** It has deregistered, and says that all went well. */
static void expect_ended(host *h) {
  CHECK(eventually(has_ended, &h->pid, NULL));
  CHECK_TEXT(redis("EXISTS", "agent:host", NULL), "0");
}

/* ---- The other side. */

static int lines;
static mas_status on_line(mas_agent *agent, const mas_message *message, void *user) {
  (void)agent, (void)user;
  CHECK_TEXT(mas_message_data(message, NULL), text("{\"line\":\"line %d\"}", lines));
  ++lines;
  return MAS_OK;
}
static bool has_all_lines(void *wanted) { return lines >= *(int *)wanted; }

static int replies;
static char first_reply[64];
static void on_reply(mas_agent *agent, mas_status status, const mas_message *reply, void *expected) {
  (void)agent;
  CHECK_OK(status);
  CHECK_TEXT(mas_message_data(reply, NULL), expected);
  if (replies++ == 0) snprintf(first_reply, sizeof first_reply, "%s", mas_message_data(reply, NULL));
}
static bool has_all_replies(void *wanted) { return replies >= *(int *)wanted; }

static mas_agent *listener_started(void) {
  mas_agent *listener = agent_started("listener", NULL);
  CHECK_OK(mas_agent_on_message(listener, "line", on_line, NULL));
  lines = replies = 0;
  return listener;
}

static void ask(mas_agent *asker, const char *type, const char *json, const char *expected) {
  CHECK_OK(
      mas_agent_request_async(asker, "host", type, json, MAS_STRLEN, kPatienceMs, on_reply, (void *)expected, NULL));
}

/** Both sources of the loop at once, in floods. */
static void expect_serves(host *h, mas_agent *listener) {
  int all_lines = kLines, all_replies = kRequests;
  char everything[kLines * 16] = "";
  for (int i = 0; i < kLines; ++i) strcat(everything, text("line %d\n", i));
  CHECK(write(h->input, everything, strlen(everything)) == (ssize_t)strlen(everything));
  CHECK(eventually(has_all_lines, &all_lines, listener));
  const char *expected = text("{\"lines\":%d}", kLines);
  for (int i = 0; i < kRequests; ++i) ask(listener, "lines", NULL, expected);
  CHECK(eventually(has_all_replies, &all_replies, listener));
}

/** The last line of the input counts without its newline, too. */
static void expect_last_line(host *h, mas_agent *listener) {
  int all_lines = kLines + 1;
  const char *line = text("line %d", kLines);
  CHECK(write(h->input, line, strlen(line)) == (ssize_t)strlen(line));
  close(h->input);
  CHECK(eventually(has_all_lines, &all_lines, listener));
}

static void run_twice(const char *name) {
  for (int end_by_signal = 0; end_by_signal < 2; ++end_by_signal) {
    mas_agent *listener = listener_started();
    host h = host_started(name);
    expect_serves(&h, listener);
    if (end_by_signal) CHECK(kill(h.pid, SIGTERM) == 0);
    if (!end_by_signal) expect_last_line(&h, listener);
    expect_ended(&h);
    if (end_by_signal) close(h.input);
    agent_ended(listener);
  }
}

static void blocking_loop(void) { run_twice("blocking_loop"); }
static void epoll_level(void) { run_twice("epoll_level"); }
static void epoll_edge(void) { run_twice("epoll_edge"); }
static void libuv_loop(void) { run_twice("libuv_loop"); }

/* A slow request does not hold up a quick one, and what has been taken is answered before the end. */
static void thread_pool(void) {
  int one = 1, two = 2;
  mas_agent *listener = listener_started();
  host h = host_started("thread_pool");
  for (int round = 0; round < 2; ++round) {
    replies = 0;
    ask(listener, "primes", "{\"below\":1000000}", "{\"primes\":78498}");
    ask(listener, "primes", "{\"below\":100}", "{\"primes\":25}");
    CHECK(eventually(has_all_replies, &one, listener));
    CHECK_TEXT(first_reply, "{\"primes\":25}");
    if (round == 1) CHECK(kill(h.pid, SIGTERM) == 0);
    CHECK(eventually(has_all_replies, &two, listener));
  }
  expect_ended(&h);
  close(h.input);
  agent_ended(listener);
}

static const test_case tests[] = {
    {"blocking_loop", blocking_loop}, {"epoll_level", epoll_level}, {"epoll_edge", epoll_edge},
    {"libuv_loop", libuv_loop},       {"thread_pool", thread_pool},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, tests); }
