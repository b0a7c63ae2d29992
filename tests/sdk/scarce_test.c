/* A host program that has no descriptor or no thread left: an error with its reason, and a start that works when there
 * is room again. What a process does first is tried in children: they were made before it had agents. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

enum { kLeastDescriptors = 3, kMaxDescriptors = 48, kStartMs = 300, kPatienceMs = 10000, kRuns = 100, kAtOnce = 8 };

/* ---- Threads: as many as the test lets the program have. */

typedef int thread_maker(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static atomic_int threads_left = -1; /* negative: any number */

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
  thread_maker *real;
  *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
  if (atomic_load(&threads_left) == 0) return EAGAIN;
  if (atomic_load(&threads_left) > 0) atomic_fetch_sub(&threads_left, 1);
  return real(thread, attributes, run, argument);
}

/* ---- Sanitizers. */

#ifdef __SANITIZE_ADDRESS__
/** UBSan reads an object's type through a pipe, to see whether it can be read. Without a descriptor for that it takes
 * each object for one of a wrong type, so here, where descriptors are what is missing, that check finds nothing. */
void __ubsan_handle_dynamic_type_cache_miss_abort(void *data, void *object, void *hash) {
  (void)data, (void)object, (void)hash;
}
#endif

/* ---- Children. */

static pid_t start_child(void (*check)(int), int argument) {
  fflush(stdout);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child != 0) return child;
  check(argument);
  exit(0);
}

/** Each child's end must be as orderly as that of this program. */
static void await(pid_t child, int argument) {
  int status;
  CHECK(waitpid(child, &status, 0) == child);
  if (status != 0) printf("with %d: status %#x\n", argument, (unsigned)status);
  CHECK(status == 0);
}

/** Runs `check` in `count` children, some at a time: with `first`, `first` + `step`, … */
static void in_children(void (*check)(int), int count, int first, int step) {
  pid_t children[kAtOnce];
  for (int begun = 0; begun < count;) {
    const int start = begun;
    while (begun < count && begun < start + kAtOnce) {
      children[begun - start] = start_child(check, first + begun * step);
      ++begun;
    }
    for (int i = start; i < begun; ++i) await(children[i - start], first + i * step);
  }
}

static mas_agent *agent_at(const char *url) {
  mas_options *options = mas_options_new();
  mas_agent *agent = NULL;
  CHECK_OK(mas_options_set_redis_url(options, url));
  mas_status status = mas_agent_new("alice", options, &agent);
  mas_options_free(options);
  CHECK(status == MAS_OK || status == MAS_NO_MEMORY);
  return agent;
}

static void limit_descriptors(int count) {
  struct rlimit limit;
  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = count < 0 ? limit.rlim_max : (rlim_t)count;
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/** At least kRuns times, with each number of descriptors in turn. */
static void with_any_number_of_descriptors(void (*check)(int)) {
  const int numbers = kMaxDescriptors - kLeastDescriptors + 1;
  for (int runs = 0; runs < kRuns; runs += numbers) in_children(check, numbers, kLeastDescriptors, 1);
}

/* ---- Tests. */

static void start_with_descriptors(int count) {
  const bool enough = count == kMaxDescriptors;
  limit_descriptors(count);
  mas_agent *agent = agent_at(redis_url());
  mas_status status = agent == NULL ? MAS_NO_MEMORY : mas_agent_start(agent, enough ? kPatienceMs : kStartMs);
  if (status != MAS_OK) CHECK(strlen(mas_error_detail()) > 0);
  if (enough) CHECK_OK(status);
  limit_descriptors(-1);
  if (agent == NULL) agent = agent_at(redis_url());
  if (status != MAS_OK) CHECK_OK(mas_agent_start(agent, kPatienceMs));
  CHECK_OK(mas_agent_stop(agent, 5000));
  mas_agent_free(agent);
}

static void any_number_of_descriptors(void) { with_any_number_of_descriptors(start_with_descriptors); }

static void start_at_address_with_descriptors(int count) {
  limit_descriptors(count);
  mas_agent *agent = agent_at("redis://127.0.0.1:1");
  if (agent != NULL) {
    CHECK(mas_agent_start(agent, 20) != MAS_OK);
    mas_agent_free(agent);
  }
  limit_descriptors(-1); /* LeakSanitizer, at the end, needs some of its own */
}

static void any_number_of_descriptors_for_an_address(void) {
  with_any_number_of_descriptors(start_at_address_with_descriptors);
}

static void start_with_threads(int count) {
  static const char *const names[] = {"redis://localhost:1", "redis://127.0.0.1:1"};
  atomic_store(&threads_left, count);
  for (int i = 0; i < 2; ++i) {
    mas_agent *agent = agent_at(names[i]);
    mas_status status = mas_agent_start(agent, kStartMs);
    CHECK(status == (count == 0 ? MAS_NO_MEMORY : MAS_UNREACHABLE) || status == MAS_TIMEOUT);
    CHECK((strstr(mas_error_detail(), "cannot start a thread") != NULL) == (count == 0 || i == 0));
    mas_agent_free(agent);
    atomic_store(&threads_left, count);
  }
  atomic_store(&threads_left, -1);
  mas_agent *agent = agent_at(redis_url());
  CHECK_OK(mas_agent_start(agent, kPatienceMs));
  mas_agent_free(agent);
}

static void no_thread_at_all(void) { in_children(start_with_threads, kRuns, 0, 0); }
static void no_thread_for_a_name(void) { in_children(start_with_threads, kRuns, 1, 0); }

static const test_case tests[] = {
    {"any_number_of_descriptors", any_number_of_descriptors},
    {"any_number_of_descriptors_for_an_address", any_number_of_descriptors_for_an_address},
    {"no_thread_at_all", no_thread_at_all},
    {"no_thread_for_a_name", no_thread_for_a_name},
};

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, tests); }
