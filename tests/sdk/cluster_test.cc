// Agents on a Redis Cluster of three primaries and three replicas, peer to peer: life, messages, requests, discovery,
// state; slots that move and primaries that go.
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "harness.h"
#include "proto/redis/cluster/hash_slot.h"
#include "tests/lib/redis_cluster.h"

using mas::redis::hash_slot;
using mas::test::RedisCluster;

namespace {

constexpr int kPatienceMs = 30'000;
using Clock = std::chrono::steady_clock;

RedisCluster &cluster() {
  static RedisCluster made;
  return made;
}

bool within(std::chrono::milliseconds limit, mas_agent *agent, const std::function<bool()> &condition) {
  const auto end = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() > end) return false;
    CHECK_OK(mas_agent_poll(agent, 5, nullptr));
  }
  return true;
}

struct Agent {
  explicit Agent(const std::string &id, std::vector<std::string> capabilities = {}) {
    mas_options *options = mas_options_new();
    CHECK_OK(mas_options_set_redis_url(options, cluster().url().c_str()));
    for (const auto &capability : capabilities) CHECK_OK(mas_options_add_capability(options, capability.c_str()));
    CHECK_OK(mas_agent_new(id.c_str(), options, &handle));
    mas_options_free(options);
    CHECK_OK(mas_agent_start(handle, kPatienceMs));
    slot = hash_slot("{" + id + "}");
  }
  ~Agent() {
    CHECK_OK(mas_agent_stop(handle, kPatienceMs));
    mas_agent_free(handle);
  }
  Agent(const Agent &) = delete;
  Agent &operator=(const Agent &) = delete;

  /// Raw, at the primary of its slot.
  std::string ask(const std::string &command) const { return cluster().ask(cluster().primary_of(slot), command); }

  mas_agent *handle = nullptr;
  unsigned slot = 0;
};

/// What an agent receives: the numbers that are in the payloads.
struct Received {
  explicit Received(Agent &agent) { CHECK_OK(mas_agent_on_message(agent.handle, nullptr, on_message, this)); }
  static mas_status on_message(mas_agent *, const mas_message *message, void *self) {
    const char *data = mas_message_data(message, nullptr);
    static_cast<Received *>(self)->numbers.push_back(std::atoi(std::strchr(data, ':') + 1));
    return MAS_OK;
  }
  std::vector<int> numbers;
};

/// What became of the messages that an agent sent, by their number.
struct Sent {
  explicit Sent(Agent &sender) : agent(sender.handle) {
    mas_agent_on_receipt(agent, MAS_RECEIPTS_ALL, on_receipt, this);
  }
  ~Sent() { mas_agent_on_receipt(agent, MAS_RECEIPTS_ALL, nullptr, nullptr); }
  Sent(const Sent &) = delete;
  Sent &operator=(const Sent &) = delete;
  static void on_receipt(mas_agent *, const char *id, const char *, mas_status outcome, void *self) {
    auto &sent = *static_cast<Sent *>(self);
    sent.outcomes[sent.ids.at(id)] = outcome;
  }
  void send(const char *target, int number) {
    char id[MAS_MESSAGE_ID_SIZE] = "";
    const std::string json = "{\"n\":" + std::to_string(number) + "}";
    CHECK_OK(mas_agent_send(agent, target, "count", json.c_str(), MAS_STRLEN, id));
    ids[id] = number;
  }
  bool settled() const { return outcomes.size() == ids.size(); }
  mas_agent *agent;
  std::map<std::string, int> ids;
  std::map<int, mas_status> outcomes;
};

mas_status answer_sum(mas_agent *, const mas_message *request, void *) {
  return mas_message_reply(request, "sum.result", "{\"sum\":3}", MAS_STRLEN);
}

std::string found(Agent &agent, std::vector<const char *> capabilities, unsigned flags) {
  mas_agent_list *list = nullptr;
  CHECK_OK(mas_agent_discover(agent.handle, capabilities.data(), capabilities.size(), flags, 0, kPatienceMs, &list));
  std::string ids;
  for (size_t i = 0; i < mas_agent_list_size(list); ++i) ids += std::string(mas_agent_list_id(list, i)) + " ";
  mas_agent_list_free(list);
  return ids;
}

/// Adds to an index set, where it is.
void index(const std::string &set, const std::string &id) {
  cluster().ask(cluster().primary_of(hash_slot(set)), "SADD " + set + " " + id);
}

/// A former primary still takes what is published, and passes it to its successor, which passes its own to the former:
/// while a primary fails over, Redis promises neither the number of receivers nor an order.
enum class Promised { kOrderAndReceivers, kArrival };

/// Sends numbers until 200 have arrived after `meanwhile` has ended.
void stream(Agent &sender, Agent &receiver, const char *target, Promised promised,
            const std::function<void()> &meanwhile) {
  Sent sent(sender);
  Received received(receiver);
  std::atomic<bool> done{false};
  std::thread disturber([&] {
    meanwhile();
    done = true;
  });
  int number = 0;
  const auto end = Clock::now() + std::chrono::seconds(60);
  size_t after = 0, mark = 0;
  while (after < 200 && Clock::now() < end) {
    for (int i = 0; i < 20; ++i) sent.send(target, number++);
    CHECK(within(std::chrono::seconds(30), sender.handle, [&] { return sent.settled(); }));
    CHECK_OK(mas_agent_poll(receiver.handle, 1, nullptr));
    if (done && mark == 0) mark = received.numbers.size() + 1;
    if (mark > 0) after = received.numbers.size() + 1 - mark;
  }
  disturber.join();
  CHECK(after >= 200);
  CHECK(within(std::chrono::seconds(5), receiver.handle,
               [&] { return !received.numbers.empty() && received.numbers.back() == number - 1; }));
  size_t delivered = 0;
  for (const auto &[n, outcome] : sent.outcomes) delivered += outcome == MAS_OK ? 1 : 0;
  const bool strict = promised == Promised::kOrderAndReceivers;
  size_t out_of_order = 0, uncounted = 0;
  for (size_t i = 1; i < received.numbers.size(); ++i)
    out_of_order += received.numbers[i] > received.numbers[i - 1] ? 0 : 1;
  for (int n : received.numbers) uncounted += sent.outcomes.at(n) == MAS_NO_RECEIVER ? 1 : 0;
  CHECK(!strict || (out_of_order == 0 && uncounted == 0));
  std::printf("%zu out of order, %zu uncounted; ", out_of_order, uncounted);
  std::printf("%zu of %d sent, %zu arrived\n", delivered, number, received.numbers.size());
}

}  // namespace

static void life_messages_and_requests() {
  Agent alice("alice"), bob("bob"), carol("carol"), dave("dave");
  CHECK(cluster().primary_of(alice.slot) != cluster().primary_of(bob.slot) ||
        cluster().primary_of(alice.slot) != cluster().primary_of(carol.slot));
  CHECK(bob.ask("HGET agent:{bob} id") == "$3\r\nbob\r\n");
  CHECK(bob.ask("EXISTS agent:{bob} agent:{bob}:heartbeat agent:{bob}:instances") == ":3\r\n");
  CHECK_OK(mas_agent_on_message(bob.handle, "sum", answer_sum, nullptr));
  std::thread bob_runs([&] { CHECK_OK(mas_agent_run(bob.handle)); });
  for (Agent *requester : {&alice, &carol, &dave}) {
    mas_message *reply = nullptr;
    CHECK_OK(mas_agent_request(requester->handle, "bob", "sum", "{}", MAS_STRLEN, kPatienceMs, &reply));
    CHECK_TEXT(mas_message_data(reply, nullptr), "{\"sum\":3}");
    mas_message_unref(reply);
  }
  mas_agent_quit(bob.handle);
  bob_runs.join();

  Sent sent(alice);
  sent.send("nobody", 1);
  CHECK(within(std::chrono::seconds(10), alice.handle, [&] { return sent.settled(); }));
  CHECK_STATUS(sent.outcomes[1], MAS_NO_RECEIVER);
}

static void a_stop_takes_the_registration_back() {
  unsigned slot = 0;
  {
    Agent erin("erin");
    slot = erin.slot;
  }
  CHECK(cluster().ask(cluster().primary_of(slot), "EXISTS agent:{erin} agent:{erin}:heartbeat") == ":0\r\n");
}

static void discovery_with_and_without_an_index() {
  Agent alice("alice", {"chat"}), bob("bob", {"chat", "plan"}), carol("carol", {"plan"}), dave("dave");
  for (const char *mas_index : {"", "1"}) {
    const bool indexed = *mas_index != '\0';
    if (indexed) {
      for (const char *id : {"alice", "bob", "carol", "dave", "gone"}) index("mas.agents", id);
      for (const char *id : {"alice", "bob", "gone"}) index("mas.capability:chat", id);
      for (const char *id : {"bob", "carol"}) index("mas.capability:plan", id);
      cluster().ask(cluster().primary_of(hash_slot("mas.index")), "SET mas.index 1");
    }
    CHECK_TEXT(found(dave, {}, 0).c_str(), "alice bob carol dave ");
    CHECK_TEXT(found(dave, {"chat"}, 0).c_str(), "alice bob ");
    CHECK_TEXT(found(dave, {"chat", "plan"}, 0).c_str(), "alice bob carol ");
    CHECK_TEXT(found(dave, {"chat", "plan"}, MAS_DISCOVER_ALL).c_str(), "bob ");
    CHECK_TEXT(found(dave, {"fly"}, 0).c_str(), "");
  }
  for (const char *key : {"mas.agents", "mas.capability:chat", "mas.capability:plan", "mas.index"})
    cluster().ask(cluster().primary_of(hash_slot(key)), std::string("DEL ") + key);
}

static void state_outlives_the_agent() {
  const mas_state_field fields[] = {{"a", "1", MAS_STRLEN}, {"b", "two", MAS_STRLEN}};
  {
    Agent bob("bob");
    CHECK_OK(mas_state_update(bob.handle, fields, 2, kPatienceMs));
  }
  Agent bob("bob");
  char *value = nullptr;
  CHECK_OK(mas_state_get(bob.handle, "b", &value, nullptr));
  CHECK_TEXT(value, "two");
  mas_free(value);
  CHECK(bob.ask("HLEN agent.state:{bob}") == ":2\r\n");
  CHECK_OK(mas_state_reset(bob.handle, kPatienceMs));
}

static void a_slot_moves_under_load() {
  Agent alice("alice"), bob("bob");
  const size_t from = cluster().primary_of(bob.slot);
  stream(alice, bob, "bob", Promised::kOrderAndReceivers, [&] {
    cluster().move_slot(bob.slot, (from + 1) % RedisCluster::kShards);
    cluster().move_slot(alice.slot, (cluster().primary_of(alice.slot) + 1) % RedisCluster::kShards);
  });
  CHECK(cluster().primary_of(bob.slot) != from);
  CHECK(bob.ask("EXISTS agent:{bob} agent:{bob}:heartbeat") == ":2\r\n");
}

static void a_slot_that_moved_is_heard_within_a_second() {
  Agent alice("alice"), bob("bob");
  Received received(bob);
  Sent sent(alice);
  cluster().move_slot(bob.slot, (cluster().primary_of(bob.slot) + 1) % RedisCluster::kShards);
  const auto moved = Clock::now();
  int number = 0;
  CHECK(within(std::chrono::seconds(5), bob.handle, [&] {
    sent.send("bob", number++);
    return !received.numbers.empty();
  }));
  const auto deaf = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - moved);
  std::printf("deaf for %lld ms\n", static_cast<long long>(deaf.count()));
  CHECK(within(std::chrono::seconds(10), alice.handle, [&] { return sent.settled(); }));
}

static void a_coordinated_fail_over() {
  Agent alice("alice"), bob("bob");
  const size_t home = cluster().primary_of(bob.slot);
  stream(alice, bob, "bob", Promised::kArrival, [&] {
    const auto led_away = [&] {
      if (cluster().ask(home, "ROLE").find("slave") != std::string::npos) return true;
      cluster().ask(cluster().replica_of(home), "CLUSTER FAILOVER");
      return false;
    };
    mas::test::await("the home is a replica", led_away, std::chrono::milliseconds(500));
  });
}

static void the_home_is_killed() {
  Agent alice("alice"), bob("bob");
  const size_t home = cluster().primary_of(bob.slot), heir = cluster().replica_of(home);
  stream(alice, bob, "bob", Promised::kArrival, [&] {
    cluster().server(home).stop();
    mas::test::await("the heir is the primary",
                     [&] { return cluster().ask(heir, "ROLE").find("master") != std::string::npos; });
  });
  CHECK(bob.ask("EXISTS agent:{bob} agent:{bob}:heartbeat") == ":2\r\n");
  cluster().server(home).start();
}

int main(int argc, char **argv) {
  const test_case tests[] = {
      {"life, messages and requests", life_messages_and_requests},
      {"a stop takes the registration back", a_stop_takes_the_registration_back},
      {"discovery with and without an index", discovery_with_and_without_an_index},
      {"state outlives the agent", state_outlives_the_agent},
      {"a slot moves under load", a_slot_moves_under_load},
      {"a slot that moved is heard within a second", a_slot_that_moved_is_heard_within_a_second},
      {"a coordinated fail-over", a_coordinated_fail_over},
      {"the home is killed", the_home_is_killed},
  };
  return RUN_TESTS(argc, argv, tests);
}
