/* Many agents in one process: what they share, and that the hundredth costs what the first did. How long they take is
 * measured by bench_agents. */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

enum { kBatch = 60, kBatches = 3, kBoundKib = 64, kPatienceMs = 20000, kIdleSeconds = 3 };

static int threads(void) {
  int count = 0;
  DIR *directory = opendir("/proc/self/task");
  CHECK(directory != NULL);
  while (readdir(directory) != NULL) ++count;
  closedir(directory);
  return count - 2; /* . and .. */
}

static int connections(const char *of) {
  int count = 0;
  for (const char *at = redis("CLIENT", "LIST", NULL); (at = strstr(at, of)) != NULL; ++at) ++count;
  return count;
}

/** @return how often Redis has run a command. */
static int calls(const char *command) {
  const char *line = strstr(redis("INFO", "commandstats", NULL), text("cmdstat_%s:calls=", command));
  return line == NULL ? 0 : atoi(strchr(line, '=') + 1);
}

typedef struct count {
  const char *command;
  int before;
} count;

static count count_of(const char *command) { return (count){command, calls(command)}; }
static bool ran_for_all(void *of) { return calls(((count *)of)->command) - ((count *)of)->before >= kBatch; }

/** The agents of a batch ran the command once each. */
static void expect_one_each(count of) {
  CHECK(eventually(ran_for_all, &of, NULL));
  CHECK(calls(of.command) - of.before == kBatch);
}

static mas_options *options_in(mas_mode mode) {
  mas_options *options = options_here();
  CHECK_OK(mas_options_set_mode(options, mode));
  return options;
}

static void start_batch(mas_agent **agents, int batch, mas_options *options) {
  for (int i = 0; i < kBatch; ++i) agents[i] = agent_started(text("agent-%d-%d", batch, i), options);
}

/* Each start and each stop sends what the first one sent: it asks nothing about the others. */
static void expect_constant_costs(mas_mode mode) {
  static mas_agent *agents[kBatches][kBatch];
  mas_options *options = options_in(mode);
  for (int batch = 0; batch < kBatches; ++batch) {
    const count subscribed = count_of("subscribe"), registered = count_of("exec");
    start_batch(agents[batch], batch, options);
    expect_one_each(subscribed);
    expect_one_each(registered);
  }
  for (int batch = 0; batch < kBatches; ++batch) {
    const count unsubscribed = count_of("unsubscribe");
    for (int i = 0; i < kBatch; ++i) agent_ended(agents[batch][i]);
    expect_one_each(unsubscribed);
  }
  CHECK_TEXT(redis("EXISTS", "agent:agent-0-0", NULL), "0");
  mas_options_free(options);
}

static void a_start_costs_the_same_however_many_there_are(void) { expect_constant_costs(MAS_MODE_P2P); }
static void so_it_does_in_gateway_mode(void) { expect_constant_costs(MAS_MODE_GATEWAY); }

static bool has_threads(void *wanted) { return threads() == *(const int *)wanted; }

/** @param own connections of each agent besides the two that all share. */
static void expect_shared(mas_mode mode, int own) {
  static mas_agent *agents[kBatch];
  mas_options *options = options_in(mode);
  int before = threads(), with_io = before + 1;
  start_batch(agents, 0, options);
  CHECK(eventually(has_threads, &with_io, NULL));
  CHECK(connections("name=libmas:") == 2);
  CHECK(connections("name=libmas-reader:") == own * kBatch);
  for (int i = 0; i < kBatch; ++i) agent_ended(agents[i]);
  CHECK(eventually(has_threads, &before, NULL)); /* a joined thread may stay in /proc for a moment */
  mas_options_free(options);
}

static void they_share_a_thread_and_two_connections(void) { expect_shared(MAS_MODE_P2P, 0); }
static void in_gateway_mode_each_reads_on_a_connection_of_its_own(void) { expect_shared(MAS_MODE_GATEWAY, 1); }

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static long resident_kib(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  CHECK(file != NULL && fscanf(file, "%*d %ld", &pages) == 1);
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE) / 1024;
}

/** @param batch its number. */
static void start_small_batch(mas_agent **agents, int batch, mas_mode mode) {
  mas_options *options = options_in(mode);
  const long before = resident_kib();
  start_batch(agents, batch, options);
  const long each = (resident_kib() - before) / kBatch;
  printf("    %ld KiB for each\n", each);
  CHECK(each > 0 && each <= kBoundKib);
  mas_options_free(options);
}

/* The first test: memory that others gave back would hide what agents take. */
static void an_idle_agent_is_small(void) {
  static mas_agent *agents[2][kBatch];
  mas_agent *first = agent_started("first", NULL); /* the thread, the connections, the code */
  start_small_batch(agents[0], 0, MAS_MODE_P2P);
  start_small_batch(agents[1], 1, MAS_MODE_GATEWAY);
  for (int i = 0; i < kBatch; ++i) agent_ended(agents[0][i]);
  for (int i = 0; i < kBatch; ++i) agent_ended(agents[1][i]);
  agent_ended(first);
}
#endif

/* ---- Wake-ups. */

/** @return voluntary context switches of the process. */
static long wake_ups(void) {
  struct rusage usage;
  CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
  return usage.ru_nvcsw;
}

/** A lease renewal, the ping of the subscriptions and, in gateway mode, a read and a claim are due once within the
 *  time; each wakes a thread to send and one for the answer. An agent that looks at anything by the clock would be
 *  woken far more often. */
static void expect_quiet(mas_mode mode) {
  enum { kMax = 24 };
  mas_options *options = options_in(mode);
  mas_agent *agent = agent_started("idle", options);
  pthread_t poller;
  CHECK(pthread_create(&poller, NULL, run_agent, agent) == 0);
  const long before = wake_ups();
  const struct timespec idle = {kIdleSeconds, 0};
  nanosleep(&idle, NULL);
  const long woken = wake_ups() - before;
  printf("    %ld wake-ups in %d s\n", woken, kIdleSeconds);
  CHECK(woken <= kMax);
  mas_agent_quit(agent);
  pthread_join(poller, NULL);
  agent_ended(agent);
  mas_options_free(options);
}

static void an_idle_agent_is_quiet(void) {
  expect_quiet(MAS_MODE_P2P);
  expect_quiet(MAS_MODE_GATEWAY);
}

static const test_case tests[] = {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    {"an_idle_agent_is_small", an_idle_agent_is_small},
#endif
    {"a_start_costs_the_same_however_many_there_are", a_start_costs_the_same_however_many_there_are},
    {"so_it_does_in_gateway_mode", so_it_does_in_gateway_mode},
    {"they_share_a_thread_and_two_connections", they_share_a_thread_and_two_connections},
    {"in_gateway_mode_each_reads_on_a_connection_of_its_own", in_gateway_mode_each_reads_on_a_connection_of_its_own},
    {"an_idle_agent_is_quiet", an_idle_agent_is_quiet},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, tests); }
