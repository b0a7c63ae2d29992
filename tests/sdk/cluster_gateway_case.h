// The stage of the tests of gateway mode on a Redis Cluster: three primaries and three replicas, a mock gateway,
// agents, and what they send and receive.
// Threading: none; an agent's callbacks run in its polls.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "harness.h"
#include "mock_gateway.h"
#include "proto/redis/cluster/hash_slot.h"
#include "proto/wire/keys.h"
#include "tests/lib/redis_cluster.h"

namespace mas::test {

inline constexpr int kPatienceMs = 30'000;
inline constexpr unsigned kPartitions = 16;
inline constexpr int kFewMessages = 8;
using Clock = std::chrono::steady_clock;
using redis::hash_slot;
using std::chrono::milliseconds;
using std::chrono::seconds;

inline RedisCluster &cluster() {
  static RedisCluster made;
  return made;
}

/// Each test has its own, so that nothing of another's is in the streams.
inline mock_gateway *start_gateway() {
  std::vector<RawCluster::Node> nodes;
  for (size_t i = 0; i < cluster().size(); ++i) nodes.push_back({cluster().server(i).socket(), cluster().port(i)});
  return mock_gateway_start_on(nodes);
}

struct Gateway {
  Gateway() : handle(start_gateway()) {}
  ~Gateway() { mock_gateway_stop(handle); }
  Gateway(const Gateway &) = delete;
  Gateway &operator=(const Gateway &) = delete;
  mock_gateway *handle;
};

inline unsigned partition_of(const std::string &id) { return mas::partition_of(id, kPartitions); }
inline unsigned slot_of_partition(const std::string &id) {
  return hash_slot("{" + std::to_string(partition_of(id)) + "}");
}
inline unsigned slot_of_agent(const std::string &id) { return hash_slot("{" + id + "}"); }
inline std::string inbox_from(const std::string &target, const std::string &sender) {
  return "agent.stream:" + target + ":{" + std::to_string(partition_of(sender)) + "}";
}
inline std::string ask_at(unsigned slot, const std::string &command) {
  return cluster().ask(cluster().primary_of(slot), command);
}

/// What the primary of a slot has executed since, as its slow log shows it.
class CommandLog {
 public:
  explicit CommandLog(unsigned slot) : redis_(cluster().server(cluster().primary_of(slot)).socket()) {
    redis_.command({"CONFIG", "SET", "slowlog-max-len", "100000"});
    redis_.command({"CONFIG", "SET", "slowlog-log-slower-than", "0"});
    redis_.command({"SLOWLOG", "RESET"});
  }
  ~CommandLog() { redis_.command({"CONFIG", "SET", "slowlog-log-slower-than", "-1"}); }
  CommandLog(const CommandLog &) = delete;
  CommandLog &operator=(const CommandLog &) = delete;

  /// @return how many commands begin with the words, of which the last may be cut short.
  long count(const std::vector<std::string> &words) {
    std::string beginning;
    for (const auto &word : words) beginning.append("\n").append(word);
    const auto entries = redis_.array({"SLOWLOG", "GET", "-1"});
    return std::count_if(entries.begin(), entries.end(),
                         [&](const std::string &entry) { return entry.find(beginning) != std::string::npos; });
  }

 private:
  RawRedis redis_;
};

inline void print_line(const char *line, void *) { std::fprintf(stderr, "    %s\n", line); }

struct Agent {
  explicit Agent(const std::string &its_id, const std::string &user = "", size_t inbound = 0) : id(its_id) {
    mas_options *options = mas_options_new();
    std::string url = cluster().url();
    if (!user.empty()) url.insert(url.find("//") + 2, user + "@");
    CHECK_OK(mas_options_set_redis_url(options, url.c_str()));
    CHECK_OK(mas_options_set_mode(options, MAS_MODE_GATEWAY));
    if (inbound > 0) CHECK_OK(mas_options_set_inbound_queue(options, inbound, 1 << 20));
    if (std::getenv("MAS_TEST_DEBUG") != nullptr) mas_options_set_debug(options, print_line, nullptr);
    CHECK_OK(mas_agent_new(id.c_str(), options, &handle));
    mas_options_free(options);
    CHECK_OK(mas_agent_start(handle, kPatienceMs));
  }
  ~Agent() {
    CHECK_OK(mas_agent_stop(handle, kPatienceMs));
    mas_agent_free(handle);
  }
  Agent(const Agent &) = delete;
  Agent &operator=(const Agent &) = delete;
  mas_stats stats() const { return stats_of(handle); }

  const std::string id;
  mas_agent *handle = nullptr;
};

/// What an agent receives: the numbers that are in the payloads.
struct Received {
  explicit Received(Agent &agent) { CHECK_OK(mas_agent_on_message(agent.handle, nullptr, on_message, this)); }
  static mas_status on_message(mas_agent *, const mas_message *message, void *self) {
    auto &received = *static_cast<Received *>(self);
    const int number = std::atoi(std::strchr(mas_message_data(message, nullptr), ':') + 1);
    if (received.fail_once && received.failed.insert(number).second) return MAS_HANDLER_FAILED;
    received.disordered += number < received.last ? 1 : 0;
    received.last = number;
    received.twice += received.numbers.insert(number).second ? 0 : 1;
    return MAS_OK;
  }
  std::set<int> numbers, failed;
  int twice = 0, disordered = 0, last = -1;
  bool fail_once = false;
};

/// What became of the messages that an agent sent.
struct Sent {
  explicit Sent(Agent &sender) : agent(sender.handle) {
    mas_agent_on_receipt(agent, MAS_RECEIPTS_ALL, on_receipt, this);
  }
  ~Sent() { mas_agent_on_receipt(agent, MAS_RECEIPTS_ALL, nullptr, nullptr); }
  Sent(const Sent &) = delete;
  Sent &operator=(const Sent &) = delete;
  static void on_receipt(mas_agent *, const char *, const char *, mas_status outcome, void *self) {
    auto &sent = *static_cast<Sent *>(self);
    ++sent.settled;
    sent.failures += outcome == MAS_OK ? 0 : 1;
  }
  void send(const char *target, int number) {
    const std::string json = "{\"n\":" + std::to_string(number) + "}";
    CHECK_OK(mas_agent_send(agent, target, "count", json.c_str(), MAS_STRLEN, nullptr));
    ++count;
  }
  mas_agent *agent;
  int count = 0, settled = 0, failures = 0;
};

inline bool within(Clock::duration limit, const std::vector<mas_agent *> &agents,
                   const std::function<bool()> &condition) {
  const auto end = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() > end) return false;
    for (auto *agent : agents) CHECK_OK(mas_agent_poll(agent, 2, nullptr));
  }
  return true;
}

inline mas_status answer_sum(mas_agent *, const mas_message *request, void *) {
  return mas_message_reply(request, "sum.result", "{\"sum\":3}", MAS_STRLEN);
}

/// As a read by that instance of bob's whose answer nobody hears: sends numbers from `number` on, without wake-ups,
/// until one of them is taken.
inline void take_one_as(const std::string &instance, Gateway &gateway, Sent &sent, int number) {
  const std::string inbox = inbox_from("bob", "alice");
  const std::string take = "EVAL return(redis.call(unpack(ARGV)))and(1)or(0) 1 " + inbox + " xreadgroup group agents " +
                           instance + " streams " + inbox + " >";
  bool taken = false;
  for (; !taken && number < 200; ++number) {
    mock_gateway_drop_wake_ups(gateway.handle, 1);
    sent.send("bob", number);
    const auto end = Clock::now() + milliseconds(200);
    while (!taken && Clock::now() < end) taken = ask_at(slot_of_partition("alice"), take) == ":1\r\n";
  }
  CHECK(taken);
}

}  // namespace mas::test
