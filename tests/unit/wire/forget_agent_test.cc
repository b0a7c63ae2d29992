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

TEST_CASE("the script's words are read back") {
  for (int state = 0; state <= static_cast<int>(ForgetState::kForeign); ++state)
    CHECK(parse_forget_state(forget_state_name(static_cast<ForgetState>(state))) == static_cast<ForgetState>(state));
  CHECK_FALSE(parse_forget_state("gone").has_value());
}
