// The harness: server, checks, waiting. C tests see it through harness.h.
#include "tests/sdk/harness.h"

#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tests/lib/redis_server.h"
#include "tests/sdk/raw_redis.h"

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(10);

std::unique_ptr<mas::test::RedisServer> server;
std::atomic<unsigned> checks{0};

template <size_t N>
const char *keep(std::string value) {
  static std::array<std::string, N> kept;
  static size_t next = 0;
  std::string &slot = kept[next++ % N];
  slot = std::move(value);
  return slot.c_str();
}

[[noreturn]] void fail(const char *file, int line, const char *what) {
  std::printf("%s:%d: failed: %s (last error: %s)\n", file, line, what, mas_error_detail());
  server.reset();
  _exit(1);
}

void run_one(const test_case &test) {
  std::printf("  %s\n", test.name);
  redis("FLUSHALL", nullptr);
  redis("CONFIG", "SET", "maxmemory", "0", nullptr);
  test.run();
}

}  // namespace

struct ear {
  std::unique_ptr<mas::test::RawRedis> link;
  std::string heard;
};

extern "C" {

void check_true(const char *file, int line, const char *condition, bool holds) {
  ++checks;
  if (!holds) fail(file, line, condition);
}

void check_text(const char *file, int line, const char *expression, const char *got, const char *expected) {
  ++checks;
  if (got != nullptr && std::strcmp(got, expected) == 0) return;
  std::printf("got:      %s\nexpected: %s\n", got == nullptr ? "NULL" : got, expected);
  fail(file, line, expression);
}

void check_status(const char *file, int line, const char *expression, mas_status got, mas_status expected) {
  ++checks;
  if (got == expected) return;
  std::printf("got '%s', expected '%s'\n", mas_status_text(got), mas_status_text(expected));
  fail(file, line, expression);
}

const char *redis_url(void) { return keep<1>(server->url()); }
void redis_stop(void) { server->stop(); }
void redis_start(void) { server->start(); }
void redis_freeze(void) { server->freeze(); }
void redis_thaw(void) { server->thaw(); }

const char *redis(const char *command, ...) {
  std::vector<std::string> args{command};
  va_list list;
  va_start(list, command);
  while (const char *arg = va_arg(list, const char *)) args.emplace_back(arg);
  va_end(list);
  return keep<4>(mas::test::RawRedis(server->socket()).command(args));
}

long redis_bytes_sent(void) {
  const char *script = "return string.match(redis.call('INFO', 'stats'), 'total_net_output_bytes:(%d+)')";
  return std::atol(redis("EVAL", script, "0", nullptr));
}

long redis_publish(const char *channel, const void *bytes, size_t size) {
  std::string payload(static_cast<const char *>(bytes), size);
  return std::atol(mas::test::RawRedis(server->socket()).command({"PUBLISH", channel, payload}).c_str());
}

ear *ear_open(const char *channel) {
  auto link = std::make_unique<mas::test::RawRedis>(server->socket());
  link->command({"SUBSCRIBE", channel});
  return new ear{std::move(link), {}};
}

const char *ear_hear(ear *e) {
  auto parts = e->link->read_array();
  if (parts.size() != 3) return nullptr;
  e->heard = parts[2];
  return e->heard.c_str();
}

void ear_close(ear *e) { delete e; }

bool eventually(bool (*condition)(void *), void *context, mas_agent *agent) {
  for (auto end = Clock::now() + kPatience; Clock::now() < end;) {
    if (condition(context)) return true;
    if (agent == nullptr || mas_agent_poll(agent, 5, nullptr) != MAS_OK) {
      timespec pause{0, 2'000'000};
      nanosleep(&pause, nullptr);
    }
  }
  return condition(context);
}

bool redis_is_condition(void *context) {
  auto *wanted = static_cast<redis_is *>(context);
  return std::strcmp(redis(wanted->command, wanted->key, nullptr), wanted->reply) == 0;
}

mas_options *options_here(void) {
  mas_options *options = mas_options_new();
  CHECK_OK(mas_options_set_redis_url(options, redis_url()));
  return options;
}

mas_agent *agent_started(const char *id, mas_options *options) {
  mas_options *own = options == nullptr ? options_here() : options;
  mas_agent *agent = nullptr;
  CHECK_OK(mas_agent_new(id, own, &agent));
  if (options == nullptr) mas_options_free(own);
  CHECK_OK(mas_agent_start(agent, 10'000));
  return agent;
}

void agent_ended(mas_agent *agent) {
  CHECK_OK(mas_agent_stop(agent, 10'000));
  mas_agent_free(agent);
}

void *run_agent(void *agent) {
  CHECK_OK(mas_agent_run(static_cast<mas_agent *>(agent)));
  return nullptr;
}

mas_stats stats_of(const mas_agent *agent) {
  mas_stats stats;
  mas_agent_stats(agent, &stats, sizeof stats);
  return stats;
}

const char *text(const char *format, ...) {
  char buffer[4096];
  va_list list;
  va_start(list, format);
  std::vsnprintf(buffer, sizeof buffer, format, list);
  va_end(list);
  return keep<8>(buffer);
}

pid_t program_started(int input, const char *program, ...) {
  std::vector<char *> arguments{const_cast<char *>(program)};
  va_list list;
  va_start(list, program);
  do arguments.push_back(va_arg(list, char *));
  while (arguments.back() != nullptr);
  va_end(list);
  std::fflush(stdout);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (input >= 0) dup2(input, STDIN_FILENO);
  setenv("MAS_REDIS_URL", redis_url(), 1);
  execv(program, arguments.data());
  _exit(127);
}

int run_tests(int argc, char **argv, const test_case *tests, size_t count) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  server = std::make_unique<mas::test::RedisServer>();
  unsigned run = 0;
  for (size_t i = 0; i < count; ++i) {
    if (argc > 1 && std::strstr(tests[i].name, argv[1]) == nullptr) continue;
    ++run;
    run_one(tests[i]);
  }
  std::printf("%u tests, %u checks\n", run, checks.load());
  server.reset();
  return run > 0 ? 0 : 1;
}

}  // extern "C"
