// Many agents in one process, in both modes: how long they take to start and to stop one after the other, what an idle
// one costs in memory, descriptors and wake-ups, and how many threads and connections all of them share.
//
//   bench_agents [AGENTS [SECONDS]]     default: 1,000 agents, idle for 20 seconds
//
// Starts a private redis-server with the agents' functions, as a daemon loads them. Memory is what /proc/self/statm
// says is resident, before and after; a wake-up is a voluntary context switch of a thread of this process. On a machine
// that does other things as well, wall times say little: processor times and wake-ups are what to compare.
#include <dirent.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "proto/wire/agent_functions.h"
#include "tests/sdk/harness.h"

namespace {

struct Cost {
  double wall = 0, cpu = 0, redis_cpu = 0;  // seconds
  long wake_ups = 0;
};

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double resident_kib() {
  long pages = 0;
  FILE* file = std::fopen("/proc/self/statm", "r");
  CHECK(file != nullptr && std::fscanf(file, "%*d %ld", &pages) == 1);
  std::fclose(file);
  return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024;
}

/// @return entries of a directory of /proc/self.
int count_in(const char* path) {
  int count = 0;
  DIR* directory = opendir(path);
  CHECK(directory != nullptr);
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count - 2;  // . and ..
}

/// @return voluntary context switches of all threads together, also of those that have ended.
long wake_ups() {
  rusage usage{};
  CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
  return usage.ru_nvcsw;
}

double redis_cpu() {
  const char* info = redis("INFO", "cpu", nullptr);
  auto of = [info](const char* name) { return std::atof(std::strstr(info, name) + std::strlen(name)); };
  return of("used_cpu_sys:") + of("used_cpu_user:");
}

Cost now() { return {seconds_of(CLOCK_MONOTONIC), seconds_of(CLOCK_PROCESS_CPUTIME_ID), redis_cpu(), wake_ups()}; }

int connections() {
  int lines = 0;
  for (const char* at = redis("CLIENT", "LIST", nullptr); (at = std::strchr(at, '\n')) != nullptr; ++at) ++lines;
  return lines - 1;  // the one that asks
}

void report(const char* what, const Cost& before, int count) {
  const Cost after = now();
  const double wall = after.wall - before.wall;
  std::printf("  %-6s %.3f s; processor time %.3f s here, %.3f s in Redis; each %.0f us, and %.2f wake-ups here\n",
              what, wall, after.cpu - before.cpu, after.redis_cpu - before.redis_cpu, wall / count * 1e6,
              static_cast<double>(after.wake_ups - before.wake_ups) / count);
}

int count = 1000, seconds = 20;

void idle() {
  const Cost before = now();
  sleep(static_cast<unsigned>(seconds));
  const Cost after = now();
  const double woken = static_cast<double>(after.wake_ups - before.wake_ups) / seconds;
  std::printf("  idle   %.3f wake-ups a second for each, %.1f for all; each %.1f us of processor time a second\n",
              woken / count, woken, (after.cpu - before.cpu) / seconds / count * 1e6);
}

void measure(mas_mode mode) {
  std::vector<mas_agent*> agents(static_cast<size_t>(count));
  mas_options* options = options_here();
  CHECK_TEXT(redis("FUNCTION", "LOAD", mas::agent_library().c_str(), nullptr), std::string(mas::kAgentLibrary).c_str());
  CHECK_OK(mas_options_set_mode(options, mode));
  agent_ended(agent_started("warm-up", options));
  std::printf("%s, %d agents\n", mode == MAS_MODE_P2P ? "peer to peer" : "gateway mode", count);

  const double resident = resident_kib();
  const int descriptors = count_in("/proc/self/fd");
  Cost before = now();
  for (int i = 0; i < count; ++i) agents[static_cast<size_t>(i)] = agent_started(text("agent-%d", i), options);
  report("start", before, count);
  std::printf("  each   %.1f KiB resident, %.2f descriptors\n", (resident_kib() - resident) / count,
              static_cast<double>(count_in("/proc/self/fd") - descriptors) / count);
  std::printf("  all    %d threads with the main one, %d connections\n", count_in("/proc/self/task"), connections());
  idle();
  before = now();
  for (mas_agent* agent : agents) CHECK_OK(mas_agent_stop(agent, 10000));
  report("stop", before, count);
  for (mas_agent* agent : agents) mas_agent_free(agent);
  mas_options_free(options);
  CHECK_TEXT(redis("FUNCTION", "FLUSH", nullptr), "OK");
}

void peer_to_peer() { measure(MAS_MODE_P2P); }
void gateway_mode() { measure(MAS_MODE_GATEWAY); }

}  // namespace

int main(int argc, char** argv) {
  static const test_case both[] = {{"peer to peer", peer_to_peer}, {"gateway mode", gateway_mode}};
  if (argc > 1) count = std::atoi(argv[1]);
  if (argc > 2) seconds = std::atoi(argv[2]);
  if (argc > 3 || count < 1 || seconds < 1) {
    std::fputs("usage: bench_agents [AGENTS [SECONDS]]\n", stderr);
    return 64;
  }
  rlimit limit{};
  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  return RUN_TESTS(1, argv, both);
}
