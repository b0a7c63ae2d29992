// Agents in gateway mode on a Redis Cluster of three primaries and three replicas, with a mock gateway: messages,
// requests, failed handlers, several instances, wake-ups that are lost, slots that move, primaries that are killed.
#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <thread>

#include "cluster_gateway_case.h"
#include "proto/wire/agent_functions.h"

using namespace mas::test;

namespace {

/// Sends numbers while something is done to the cluster, until 200 more were handled after that.
void stream(Agent &sender, Agent &receiver, const std::function<void()> &meanwhile) {
  Sent sent(sender);
  Received received(receiver);
  std::atomic<bool> done{false};
  std::thread disturber([&] {
    meanwhile();
    done = true;
  });
  int number = 0, after = -1;
  const auto end = Clock::now() + seconds(60);
  while ((after < 0 || number < after + 200) && Clock::now() < end) {
    for (int i = 0; i < 20; ++i) sent.send(receiver.id.c_str(), number++);
    CHECK(within(seconds(30), {sender.handle, receiver.handle}, [&] { return sent.settled == sent.count; }));
    if (done && after < 0) after = number;
  }
  disturber.join();
  CHECK(after >= 0);
  CHECK(within(seconds(20), {sender.handle, receiver.handle},
               [&] { return received.numbers.size() == static_cast<size_t>(number); }));
  CHECK(sent.failures == 0);
  std::printf("%d sent, all handled, %d twice, %d out of order\n", number, received.twice, received.disordered);
}

}  // namespace

static void messages_and_requests() {
  Gateway gateway;
  Agent alice("alice"), bob("bob"), carol("carol");
  CHECK(ask_at(slot_of_agent("bob"), "HGET agent:{bob} mode") == "$7\r\ngateway\r\n");
  Received received(bob);
  Sent from_alice(alice), from_carol(carol);
  for (int i = 0; i < 100; ++i) from_alice.send("bob", i);
  for (int i = 100; i < 200; ++i) from_carol.send("bob", i);
  CHECK(within(seconds(20), {alice.handle, bob.handle, carol.handle}, [&] {
    return received.numbers.size() == 200 && from_alice.settled == 100 && from_carol.settled == 100;
  }));
  CHECK(received.twice == 0);
  CHECK(from_alice.failures + from_carol.failures == 0);
  for (const char *sender : {"alice", "carol"})
    mas::test::await("it is acknowledged", [&] {
      return ask_at(slot_of_partition(sender), "XLEN " + inbox_from("bob", sender)) == ":0\r\n";
    });

  CHECK_OK(mas_agent_on_message(bob.handle, "sum", answer_sum, nullptr));
  std::thread bob_runs([&] { CHECK_OK(mas_agent_run(bob.handle)); });
  for (Agent *requester : {&alice, &carol}) {
    mas_message *reply = nullptr;
    CHECK_OK(mas_agent_request(requester->handle, "bob", "sum", "{}", MAS_STRLEN, kPatienceMs, &reply));
    CHECK_TEXT(mas_message_data(reply, nullptr), "{\"sum\":3}");
    mas_message_unref(reply);
  }
  mas_agent_quit(bob.handle);
  bob_runs.join();
}

static void a_stop_leaves_no_reply_stream() {
  Gateway gateway;
  Agent bob("bob");
  CHECK_OK(mas_agent_on_message(bob.handle, "sum", answer_sum, nullptr));
  std::thread bob_runs([&] { CHECK_OK(mas_agent_run(bob.handle)); });
  const unsigned slot = slot_of_partition("bob");
  const auto reply_streams = [&] {
    return ask_at(slot, "EVAL return(#redis.call(ARGV[1],ARGV[2])) 0 keys agent.stream:dave:@*");
  };
  {
    Agent dave("dave");
    mas_message *reply = nullptr;
    CHECK_OK(mas_agent_request(dave.handle, "bob", "sum", "{}", MAS_STRLEN, kPatienceMs, &reply));
    mas_message_unref(reply);
    CHECK(reply_streams() == ":1\r\n");
  }
  CHECK(reply_streams() == ":0\r\n");
  CHECK(ask_at(slot_of_agent("dave"), "EXISTS agent:{dave}") == ":0\r\n");
  mas_agent_quit(bob.handle);
  bob_runs.join();
}

static void a_report_of_a_failed_handler_names_the_partition() {
  Gateway gateway;
  Agent alice("alice"), bob("bob");
  Received received(bob);
  received.fail_once = true;
  Sent sent(alice);
  sent.send("bob", 1);
  CHECK(within(seconds(20), {alice.handle, bob.handle},
               [&] { return mock_gateway_counts(gateway.handle).reports == 1; }));
  CHECK(mock_gateway_counts(gateway.handle).last_report_partition == static_cast<int>(partition_of("alice")));
  mas::test::await("it is acknowledged", [&] {
    return ask_at(slot_of_partition("alice"), "XLEN " + inbox_from("bob", "alice")) == ":0\r\n";
  });
}

/// Who answers a wake-up first has the entry. So one that has no room leaves it to the other.
static void two_instances_share() {
  Gateway gateway;
  Agent alice("alice"), one("bob", "", kFewMessages), other("bob", "", kFewMessages);
  Received first(one), second(other);
  Sent sent(alice);
  const int all = 2 * kFewMessages;
  for (int number = 0; number < all; ++number) {
    sent.send("bob", number);  // each is an entry of its own
    CHECK(within(seconds(10), {alice.handle}, [&] { return sent.settled == sent.count; }));
  }
  mas::test::await("both have some", [&] { return one.stats().received > 0 && other.stats().received > 0; });
  CHECK(within(seconds(20), {one.handle, other.handle},
               [&] { return first.numbers.size() + second.numbers.size() == static_cast<size_t>(all); }));
  CHECK(first.twice + second.twice == 0);
}

static void what_a_dead_instance_left_is_claimed() {
  Gateway gateway;
  Agent alice("alice");
  {
    Agent registered("bob");  // the mock delivers to those that are registered
    Sent sent(alice);
    mock_gateway_drop_wake_ups(gateway.handle, 1);
    sent.send("bob", 7);
    CHECK(within(seconds(10), {alice.handle}, [&] { return sent.settled == 1; }));
    mas::test::await("it is delivered to bob, who takes it for no handler",
                     [&] { return registered.stats().received == 1; });
  }
  const std::string pending = "XPENDING " + inbox_from("bob", "alice") + " agents - + 10";
  CHECK(ask_at(slot_of_partition("alice"), pending).starts_with("*1"));
  Agent bob("bob");
  Received received(bob);
  CHECK(within(seconds(10), {bob.handle}, [&] { return received.numbers.contains(7); }));
  mas::test::await("it is acknowledged", [&] { return ask_at(slot_of_partition("alice"), pending) == "*0\r\n"; });
}

static void one_that_dies_later_is_found_by_its_lease() {
  Gateway gateway;
  const unsigned home = slot_of_agent("bob");
  const std::string ghost(32, 'f');
  ask_at(home, "HSET agent:{bob}:instances " + ghost + " {}");
  ask_at(home, "SET agent:{bob}:alive:" + ghost + " 1");
  Agent alice("alice"), bob("bob");
  Received received(bob);
  Sent sent(alice);
  sent.send("bob", 1);
  CHECK(within(seconds(10), {alice.handle, bob.handle}, [&] { return received.numbers.contains(1); }));
  mock_gateway_drop_wake_ups(gateway.handle, 1);
  take_one_as(ghost, gateway, sent, 2);
  CommandLog log(home);
  mas::test::await("bob knows it, and has found it alive", [&] {
    return log.count({"EXISTS", "agent:{bob}:alive:" + ghost}) == 2;
  });
  CHECK(within(seconds(5), {alice.handle, bob.handle}, [&] { return sent.settled == sent.count; }));
  CHECK(received.numbers.size() + 1 == static_cast<size_t>(sent.count));
  ask_at(home, "DEL agent:{bob}:alive:" + ghost);
  const auto gone = Clock::now();
  CHECK(within(seconds(20), {alice.handle, bob.handle},
               [&] { return received.numbers.size() == static_cast<size_t>(sent.count); }));
  std::printf("claimed after %lld ms\n",
              static_cast<long long>(std::chrono::duration_cast<milliseconds>(Clock::now() - gone).count()));
}

/// As a read does that Redis executes after its link was given up, and after own entries were read again.
static void what_a_late_read_took_is_found() {
  Gateway gateway;
  Agent alice("alice"), bob("bob");
  Received received(bob);
  Sent sent(alice);
  sent.send("bob", 0);
  CHECK(within(seconds(10), {alice.handle, bob.handle}, [&] { return received.numbers.contains(0); }));
  const std::string told = ask_at(slot_of_agent("bob"), "HKEYS agent:{bob}:instances");
  const std::string instance = told.substr(told.find("$32\r\n") + 5, 32);
  take_one_as(instance, gateway, sent, 1);
  CHECK(within(seconds(20), {alice.handle, bob.handle},
               [&] { return received.numbers.size() == static_cast<size_t>(sent.count); }));
  CHECK(received.twice == 0);
}

static void a_lost_wake_up_delays_and_loses_nothing() {
  Gateway gateway;
  Agent alice("alice"), bob("bob");
  Received received(bob);
  Sent sent(alice);
  mock_gateway_drop_wake_ups(gateway.handle, 3);
  const auto begun = Clock::now();
  for (int i = 0; i < 3; ++i) {
    sent.send("bob", i);
    CHECK(within(seconds(20), {alice.handle}, [&] { return sent.settled == sent.count; }));
  }
  CHECK(within(seconds(12), {bob.handle}, [&] { return received.numbers.size() == 3; }));
  std::printf("found after %lld ms\n",
              static_cast<long long>(std::chrono::duration_cast<milliseconds>(Clock::now() - begun).count()));
}

static void a_stream_that_redis_lost_is_told_and_made_again() {
  Gateway gateway;
  Agent alice("alice"), bob("bob");
  Received received(bob);
  Sent sent(alice);
  sent.send("bob", 1);
  CHECK(within(seconds(10), {alice.handle, bob.handle}, [&] { return received.numbers.contains(1); }));
  CHECK(bob.stats().losses == 0);
  ask_at(slot_of_partition("alice"), "DEL " + inbox_from("bob", "alice"));
  sent.send("bob", 2);
  CHECK(within(seconds(10), {alice.handle, bob.handle}, [&] { return received.numbers.contains(2); }));
  CHECK(bob.stats().losses == 1);
}

static void partitions_that_are_added_are_read() {
  Gateway gateway;
  Agent alice("alice"), bob("bob");
  Received received(bob);
  constexpr unsigned kMany = 64;
  std::string sender;  // one whose partition is new
  for (int i = 0; sender.empty(); ++i)
    if (mas::partition_of("dan" + std::to_string(i), kMany) >= kPartitions) sender = "dan" + std::to_string(i);
  mock_gateway_set_partitions(gateway.handle, kMany);
  ask_at(hash_slot("mas.config"), "HSET mas.config partitions " + std::to_string(kMany));
  Agent dan(sender);
  Sent sent(dan);
  sent.send("bob", 1);
  CHECK(within(seconds(20), {alice.handle, bob.handle, dan.handle}, [&] { return received.numbers.contains(1); }));
  Sent from_alice(alice);  // whose partition may be another now
  from_alice.send("bob", 2);
  CHECK(within(seconds(20), {alice.handle, bob.handle, dan.handle}, [&] { return received.numbers.contains(2); }));
  ask_at(hash_slot("mas.config"), "DEL mas.config");
}

static void hostile_wake_ups_do_no_harm() {
  Gateway gateway;
  Agent alice("alice"), bob("bob");
  Received received(bob);
  for (const char *text : {"x", "7", "1023 bulk", "999999999999 normal", "3 @ffffffffffffffffffffffffffffffff"})
    ask_at(slot_of_agent("bob"), std::string("SPUBLISH mas.wake:{bob} \"") + text + "\"");
  for (unsigned p = 0; p < kPartitions; ++p)
    ask_at(slot_of_agent("bob"), "SPUBLISH mas.wake:{bob} \"" + std::to_string(p) + " bulk\"");
  Sent sent(alice);
  sent.send("bob", 1);
  CHECK(within(seconds(10), {alice.handle, bob.handle}, [&] { return received.numbers.contains(1); }));
  for (unsigned p = 0; p < kPartitions; ++p) {
    const std::string tag = "{" + std::to_string(p) + "}";
    CHECK(ask_at(hash_slot(tag), "EXISTS agent.stream:bob:bulk:" + tag) == ":0\r\n");
  }
}

/// The block of ACL SETUSER in docs/SECURITY.md, on every node.
static void give_rights() {
  std::ifstream file(MAS_SECURITY_MD);
  std::stringstream text;
  text << file.rdbuf();
  const std::string all = text.str();
  const size_t begin = all.find("ACL SETUSER", all.find("On a Redis Cluster the same user"));
  CHECK(begin != std::string::npos);
  std::string rights = all.substr(begin, all.find("```", begin) - begin);
  rights.replace(rights.find(">PASSWORD"), 9, ">secret");
  std::replace(rights.begin(), rights.end(), '\n', ' ');
  for (size_t node = 0; node < cluster().size(); ++node) {
    CHECK(cluster().ask(node, rights) == "+OK\r\n");
    cluster().ask(node, "ACL LOG RESET");
  }
}

static void nothing_is_needed_but_the_rights_in_the_guide() {
  Gateway gateway;
  give_rights();
  for (size_t node = 0; node < RedisCluster::kShards; ++node)
    mas::test::RawRedis(cluster().server(node).socket()).command({"FUNCTION", "LOAD", "REPLACE", mas::agent_library()});
  Agent alice("alice");
  Sent sent(alice);
  {
    Agent bob("bob", "bob:secret");
    sent.send("bob", 1);
    CHECK(within(seconds(10), {alice.handle}, [&] { return sent.settled == 1; }));
    mas::test::await("it waits for a handler", [&] { return bob.stats().received == 1; });
  }
  CHECK(ask_at(slot_of_agent("bob"), "EXISTS agent:{bob} agent:{bob}:instances") == ":0\r\n");
  CommandLog inboxes(slot_of_partition("alice"));
  Agent bob("bob", "bob:secret");
  Received received(bob);
  received.fail_once = true;
  sent.send("bob", 2);
  CHECK(within(seconds(10), {alice.handle, bob.handle}, [&] { return received.failed.size() == 2; }));
  CHECK_OK(mas_agent_on_message(alice.handle, "sum", answer_sum, nullptr));
  std::thread alice_runs([&] { CHECK_OK(mas_agent_run(alice.handle)); });
  mas_message *reply = nullptr;
  CHECK_OK(mas_agent_request(bob.handle, "alice", "sum", "{}", MAS_STRLEN, kPatienceMs, &reply));
  mas_message_unref(reply);
  CommandLog home(slot_of_agent("bob"));
  mas::test::await("bob has renewed its lease", [&] { return home.count({"SET", "agent:{bob}:alive:"}) > 0; });
  mas::test::await("its reply stream lives as long", [&] {
    return inboxes.count({"PEXPIRE", "agent.stream:bob:@"}) > 0;
  });
  const std::string lane = mas::Keys("", mas::KeyLayout::kCluster).inbox("bob", mas::kLanes[0], partition_of("alice"));
  const std::string lanes = std::to_string(mas::kLanes.size());
  CHECK(inboxes.count({"FCALL", std::string(mas::kClaimFunction.name), lanes, lane}) > 0);
  mas_agent_quit(alice.handle);
  alice_runs.join();
  // What it may not write of mas.config is there.
  for (size_t node = 0; node < cluster().size(); ++node) {
    const std::string log = cluster().ask(node, "ACL LOG");
    const bool config = log.starts_with("*1\r\n") && log.find("mas.config") != std::string::npos;
    if (log != "*0\r\n" && !config) std::fprintf(stderr, "%s\n", log.c_str());
    CHECK(log == "*0\r\n" || config);
  }
}

static void slots_move_under_load() {
  Gateway gateway;
  Agent alice("alice"), bob("bob");
  stream(alice, bob, [] {
    for (unsigned slot : {slot_of_partition("alice"), slot_of_agent("bob"), slot_of_agent("alice")})
      cluster().move_slot(slot, (cluster().primary_of(slot) + 1) % RedisCluster::kShards);
  });
}

static void a_primary_is_killed(unsigned slot) {
  Gateway gateway;
  Agent alice("alice"), bob("bob");
  size_t home = 0;
  stream(alice, bob, [&] {
    home = cluster().primary_of(slot);
    const size_t heir = cluster().replica_of(home);
    cluster().server(home).stop();
    mas::test::await("the heir is the primary",
                     [&] { return cluster().ask(heir, "ROLE").find("master") != std::string::npos; });
  });
  cluster().server(home).start();
  mas::test::await("it is a replica again",
                   [&] { return cluster().ask(home, "ROLE").find("connected") != std::string::npos; });
}

static void the_primary_of_the_partition_is_killed() { a_primary_is_killed(slot_of_partition("alice")); }
static void the_primary_of_the_receiver_is_killed() { a_primary_is_killed(slot_of_agent("bob")); }

int main(int argc, char **argv) {
  const test_case tests[] = {
      {"messages and requests", messages_and_requests},
      {"a stop leaves no reply stream", a_stop_leaves_no_reply_stream},
      {"a report of a failed handler names the partition", a_report_of_a_failed_handler_names_the_partition},
      {"two instances share", two_instances_share},
      {"what a dead instance left is claimed", what_a_dead_instance_left_is_claimed},
      {"one that dies later is found by its lease", one_that_dies_later_is_found_by_its_lease},
      {"what a late read took is found", what_a_late_read_took_is_found},
      {"a lost wake-up delays, and loses nothing", a_lost_wake_up_delays_and_loses_nothing},
      {"a stream that Redis lost is told, and made again", a_stream_that_redis_lost_is_told_and_made_again},
      {"partitions that are added are read", partitions_that_are_added_are_read},
      {"hostile wake-ups do no harm", hostile_wake_ups_do_no_harm},
      {"nothing is needed but the rights in the guide", nothing_is_needed_but_the_rights_in_the_guide},
      {"slots move under load", slots_move_under_load},
      {"the primary of the partition is killed", the_primary_of_the_partition_is_killed},
      {"the primary of the receiver is killed", the_primary_of_the_receiver_is_killed},
  };
  return RUN_TESTS(argc, argv, tests);
}
