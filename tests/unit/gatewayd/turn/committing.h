// A commit with its fixture: a decided turn, and what its script was sent.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemons/gatewayd/turn/commit_op.h"
#include "tests/unit/gatewayd/turn/turn_fixture.h"
#include "tests/unit/gatewayd/turn_case.h"

namespace mas::gateway::test {

struct Committing : TurnFixture {
  CommitOp op;
  TurnCase frames;

  explicit Committing(TurnOptions options = {}, KeyLayout layout = KeyLayout::kOneServer)
      : Committing(std::move(options), nullptr, layout) {}
  Committing(TurnOptions options, std::unique_ptr<CommitBuilder> builder, KeyLayout layout = KeyLayout::kOneServer)
      : TurnFixture(std::move(options), layout),
        op(parts, builder ? std::move(builder) : std::make_unique<CommitBuilder>(frame.keys()), *this) {
    fence_all();
    parts.decider.set_policy(parts.options.policy);
    parts.clock.take(frames.now, mono_now());
    redis.says["EVAL"] = list({text("DONE")});
    on_failure = [this] {
      parts.pipeline.drop();
      op.reset();
      parts.partitions.forget_all();
    };
  }

  /// A turn in hand is decided: of one message from alice to bob, and an element that is no frame.
  void decide(uint64_t number = 1) {
    const unsigned alices = mas::partition_of("alice", kTwoPartitions);
    parts.pipeline.ask();
    parts.batch.append(alices, frames.frame({.first = number}, {envelope("alice", "bob")}));
    parts.batch.append(1 - alices, "no frame");
    parts.pipeline.arrive();
    parts.pipeline.begin();
    parts.turn_now = parts.clock.last();
    parts.batch.decode(1000, 1024 * 1024);
    parts.pipeline.move_hand(TurnPipeline::Hand::kFetching);
    std::vector<TargetStream*> inboxes;
    const MonoTime began = mono_now();
    for (bool lacking = true; lacking;) {
      parts.decider.start(parts.partitions.taken(), parts.turn_now, began);
      parts.facts.hold();
      REQUIRE(parts.decider.need_some(parts.batch, inboxes, MonoTime::max()));
      const auto wanted = parts.facts.take_wanted();
      lacking = !wanted.empty() || !inboxes.empty();
      for (const auto& one : wanted) know(*one.agent, one.groups);
      for (TargetStream* inbox : inboxes) inbox->measured(0, mono_now());
    }
    parts.pipeline.move_hand(TurnPipeline::Hand::kDeciding);
    REQUIRE(parts.decider.decide_some(parts.batch, MonoTime::max()));
    parts.decider.finish();
    parts.facts.end_turn();
    parts.pipeline.move_hand(TurnPipeline::Hand::kDecided);
    REQUIRE(parts.decider.result().deliveries().size() == 1);
    parts.decider.result().deliveries()[0].inbox->read_at -= std::chrono::seconds(2);  // its length is asked for again
  }
  void know(AgentFacts& agent, uint8_t groups) {
    agent.registered = agent.gateway_mode = agent.active = true;
    agent.secrets.registry_token = token_hash("token of " + agent.id);
    for (Group group : {kPresence, kIdentity, kRules, kLimits, kCircuit})
      if ((groups & group) != 0) parts.facts.finish(agent, group);
  }
  /// The script's command.
  const Words& script() const {
    for (const Words& words : redis.sent)
      if (words[0] == "EVAL") return words;
    FAIL("no script was sent");
    std::abort();
  }
  /// Whether it was published, or is to be, with a channel or a text that has these words, and the text.
  bool tells(std::string_view words, std::string_view message = {}) const {
    if (parts.events.bytes().find(words) != std::string::npos)
      return parts.events.bytes().find(message) != std::string::npos;
    for (const Words& sent : redis.sent)
      if (sent[0].ends_with("PUBLISH") &&
          (sent[1].find(words) != std::string::npos || sent[2].find(words) != std::string::npos))
        return sent[2].find(message) != std::string::npos;
    return false;
  }
  bool has(std::string_view word) const { return std::find(script().begin(), script().end(), word) != script().end(); }
  /// The script refuses the key. @return that answer.
  std::string refusal_of(std::string_view key, std::string_view words) const {
    constexpr size_t kFirstKey = 3;  // after EVAL, the script and how many keys there are
    const auto found = std::find(script().begin() + kFirstKey, script().end(), key);
    REQUIRE(found != script().end());
    return list({text("FAILED"), integer(found - script().begin() - static_cast<ptrdiff_t>(kFirstKey)), text(words)});
  }
};

}  // namespace mas::gateway::test
