// What the parts of the decider share: what they decide by, the turn in hand, the message in hand.
//
// Failure modes: none of its own.
// Threading: none. Ownership: the decider's; what it points to outlives the turn.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemons/gatewayd/policy/policy.h"
#include "daemons/gatewayd/turn/circuits.h"
#include "daemons/gatewayd/turn/lookups.h"
#include "daemons/gatewayd/turn/turn_keys.h"
#include "daemons/gatewayd/turn/turn_result.h"

namespace mas::gateway {

inline constexpr size_t kPoisonBytes = 4096;  ///< kept of what cannot be read; enough to see what it is

struct Ruling {
  Decision decision = Decision::kAllowed;
  std::string_view reason;
  uint32_t retry_after_ms = 0;

  bool refuses() const { return decision != Decision::kAllowed && !decision_accepted(decision); }
};

/// What is at hand while one message is decided.
struct MessageCase {
  const FrameInTurn& frame;
  const Message& message;
  const MessageLookup& found;
  AgentFacts* sender;  ///< nullptr: it was not looked up, and nothing is to be judged
  PartitionWork& work;
  Sender* memory;             ///< what is remembered of the sender; nullptr: looked up once its identity is known
  std::string_view envelope;  ///< what is delivered: the sender's, or what was made of it
  Ruling ruling{};            ///< by the stages so far
  std::optional<audit::AuditRecord::Shadow> shadow{};  ///< the first ruling of a stage in shadow mode
  std::span<const std::string_view> detected{};        ///< in the payload
  bool trial = false;                                  ///< it is one by which a half-open circuit is tried
  bool granted = false;                                ///< it was held, and a person said yes: it is not held again

  AgentFacts& from() const { return *sender; }
  AgentFacts& to() const { return *found.target; }  ///< from the stage after decode on
  /// A stage in shadow mode would have decided that.
  void note_shadow(const Ruling& would) {
    if (!shadow) shadow = audit::AuditRecord::Shadow{would.decision, would.reason};
  }
};

struct TurnContext {
  TurnContext(const Keys& its_keys, std::string_view its_ns, Facts& its_facts, const TurnKeys& secret)
      : keys(its_keys),
        ns(its_ns),
        facts(its_facts),
        tickets(secret.tickets),
        payload_key(secret.payload),
        replay_key(secret.replay),
        circuits(facts),
        result(ns) {}

  const Keys& keys;
  const std::string ns;
  Facts& facts;
  const TicketOffice& tickets;
  const HmacKey& payload_key;
  const HmacKey& replay_key;
  Policy policy;
  const archive::Key* archive_key = nullptr;
  bool keep_dead_letters = true;  ///< false: the queue refused one, so letters are only audited
  bool keep_unproven = true;
  bool keep_held = true;  ///< false: the stream of held messages refused one

  std::vector<Partition*> partitions;  ///< by number; nullptr: another gateway's
  WallMicros now = 0;
  MonoTime mono{};
  Lookups lookups;
  Circuits circuits;
  TurnResult result;
  std::string scratch;

  bool in_its_partition(const FrameInTurn& frame) const {
    return partition_of(frame.header.sender, partitions.size()) == frame.partition;
  }
  bool letters_kept() const { return !policy.dead_letters_closed && keep_dead_letters; }
  void add_letter(DeadLetter letter) {
    if (letters_kept())
      result.add_letter(std::move(letter));
    else
      ++result.counts().not_kept;
  }
};

}  // namespace mas::gateway
