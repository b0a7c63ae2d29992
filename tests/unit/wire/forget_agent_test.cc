// What `forget` sends and which keys it takes for an agent's streams; what the script does is in
// test_gateway_forget.py.
#include "proto/wire/forget_agent.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace std::chrono_literals;

TEST_CASE("forgetting names every key of the agent and never looks for less than ten seconds") {
  Keys keys("prod");
  auto words = forget_agent_words(keys, "bob", {.gone = 1s, .discard = true});
  REQUIRE(words.size() == 15);
  CHECK(words[0] == "EVAL");
  const std::vector<std::string> rest(words.begin() + 2, words.end());
  CHECK(rest == std::vector<std::string>{"8", "prod/agent:bob", "prod/agent:bob:heartbeat", "prod/agent:bob:instances",
                                         "prod/agent.stream:bob:critical", "prod/agent.stream:bob:high",
                                         "prod/agent.stream:bob", "prod/agent.stream:bob:low",
                                         "prod/agent.stream:bob:bulk", "prod/agent:bob:alive:", "10000", "1", "0"});
  CHECK(forget_agent_words(keys, "bob", {.gone = 1h, .dry_run = true})[12] == "3600000");
  CHECK(forget_agent_words(keys, "bob", {.gone = 1h, .dry_run = true})[14] == "1");
}

TEST_CASE("lanes are told from streams of replies, other keys and other namespaces") {
  Keys keys("prod");
  CHECK(agent_id_of_lane(keys, "prod/agent.stream:bob") == "bob");
  CHECK(agent_id_of_lane(keys, "prod/agent.stream:bob:bulk") == "bob");
  for (const char* other : {"prod/agent.stream:bob:@0a", "prod/agent.stream:bob:x", "prod/agent.stream:",
                            "prod/agent.stream:b b", "agent.stream:bob", "test/agent.stream:bob", "prod/agent:bob"})
    CHECK(agent_id_of_lane(keys, other).empty());
  CHECK(lane_scan_pattern(keys) == "prod/agent.stream:*");
}

TEST_CASE("on a cluster the agent's keys and the lanes of each partition have scripts of their own") {
  Keys keys("prod", KeyLayout::kCluster);
  auto words = agent_presence_words(keys, "bob");
  REQUIRE(words.size() == 7);
  CHECK(std::vector<std::string>(words.begin() + 2, words.end()) ==
        std::vector<std::string>{"3", "prod/agent:{bob}", "prod/agent:{bob}:heartbeat", "prod/agent:{bob}:instances",
                                 "prod/agent:{bob}:alive:"});
  words = forget_lanes_words(keys, "bob", 7, {.gone = 1s, .discard = true});
  REQUIRE(words.size() == 12);
  CHECK(std::vector<std::string>(words.begin() + 2, words.end()) ==
        std::vector<std::string>{"5", "prod/agent.stream:bob:critical:{7}", "prod/agent.stream:bob:high:{7}",
                                 "prod/agent.stream:bob:{7}", "prod/agent.stream:bob:low:{7}",
                                 "prod/agent.stream:bob:bulk:{7}", "", "10000", "1", "0"});
}

TEST_CASE("on a cluster a lane's key ends with its partition") {
  Keys keys("prod", KeyLayout::kCluster);
  CHECK(agent_id_of_lane(keys, "prod/agent.stream:bob:{7}") == "bob");
  CHECK(agent_id_of_lane(keys, "prod/agent.stream:bob:bulk:{1023}") == "bob");
  for (const char* other :
       {"prod/agent.stream:bob", "prod/agent.stream:bob:@0a:{7}", "prod/agent.stream:bob:x:{7}",
        "prod/agent.stream:bob:{}", "prod/agent.stream:bob:{x}", "prod/agent.stream:bob:{7", "prod/agent.stream::{7}"})
    CHECK(agent_id_of_lane(keys, other).empty());
  CHECK(lane_scan_pattern(keys) == "prod/agent.stream:*");
}

TEST_CASE("what the scripts of a cluster answer becomes what the one script would") {
  using enum ForgetState;
  auto whole = [](ForgetState presence, std::initializer_list<ForgetAnswer> lanes) {
    ForgetParts parts;
    for (const auto& one : lanes) parts.add_lanes(one);
    parts.add_presence({presence, 0, -1});
    return parts.whole();
  };
  CHECK(whole(kNone, {}).state == kNone);
  CHECK(whole(kAlive, {{kNone, 0, -1}}).state == kNone);
  CHECK(whole(kAlive, {{kWould, 0, -1}, {kForeign, 0, -1}}).state == kForeign);
  CHECK(whole(kAlive, {{kWould, 0, -1}, {kRecent, 0, 3}}).state == kAlive);
  CHECK(whole(kRegistered, {{kWould, 0, -1}}).state == kRegistered);
  CHECK(whole(kNone, {{kWaiting, 4, 20'000}, {kRecent, 1, 3}, {kNone, 0, -1}}).state == kRecent);
  CHECK(whole(kNone, {{kWould, 0, -1}, {kWaiting, 4, 20'000}}).state == kWaiting);
  const ForgetAnswer would = whole(kNone, {{kWould, 2, 90'000}, {kNone, 0, -1}, {kWould, 3, 20'000}, {kWould, 0, -1}});
  CHECK(would.state == kWould);
  CHECK(would.waiting == 5);
  CHECK(would.gone_ms == 20'000);
}

TEST_CASE("the script's words are read back") {
  for (int state = 0; state <= static_cast<int>(ForgetState::kForeign); ++state)
    CHECK(parse_forget_state(forget_state_name(static_cast<ForgetState>(state))) == static_cast<ForgetState>(state));
  CHECK_FALSE(parse_forget_state("gone").has_value());
}
