// What the tests of failed handlers share: messages of alice that lie in bob's streams, bob's reports, and what is due.
#pragma once

#include "proto/wire/failure_report.h"
#include "tests/unit/gatewayd/turn_case.h"

namespace mas::gateway::test {

inline constexpr const char* kEntry = "1795350090000-0";

/// Bob's handler fails for messages of alice that lie in his streams.
struct RetryCase : TurnCase {
  uint64_t number = 0;

  RetryCase() {
    policy.retry = {.base = 1s, .cap = 8s, .attempts = 3};
    policy.breaker_mode = Mode::kOff;
    decider.set_policy(policy);
  }

  void entry(const std::string& key, const std::vector<std::string>& envelopes, std::string_view retry = {},
             std::string_view ticket = {}) {
    std::string& blob = entries[key] = std::string(1, static_cast<char>(kEntryVersion));
    for (const auto& text : envelopes) append_record(blob, text, ticket, 0, retry);
  }
  static std::string key(const std::string& id) { return "agent.stream:bob " + id; }

  std::string reason = "it did not like it";

  Outcomes report(std::string_view id, uint32_t index = 0, const std::string& who = "bob", uint32_t handled = 0) {
    std::string bytes;
    FailureReport{Lane::kNormal, index, handled, id, reason}.encode(bytes);
    if (who != "bob") return send({who, id_of(0xb1), 1, "token of " + who, {}, Record::kFailed}, {bytes});
    return send({who, id_of(0xb0), ++number, "token of bob", {}, Record::kFailed}, {bytes});
  }
  /// What is due is decided, in a turn of its own.
  void look() {
    for (const auto& [member, due] : waiting)
      if (due <= now) batch.append_due(partition_of("bob"), member);
    decide();
    keep_results();
    commit();
  }
  WallMicros due() const {
    REQUIRE(waiting.size() == 1);
    return waiting.begin()->second;
  }
  Partition& partition() { return *partitions[partition_of("bob")]; }
};

}  // namespace mas::gateway::test
