// The runaway guard: stops agents that answer each other, or pass the same work on, without end. Pure.
//
// The first of these limits that is exceeded refuses the message:
//
//     hops            the message was passed on more often than max_hops: `meta.hops`, or the length of its chain
//                     (as Max-Forwards in SIP, RFC 3261 §8.1.1.6)
//     chain           its target stands in its chain, or is its sender, more than max_visits times: the work goes round
//                     in a circle (as RFC 7332 and RFC 8586 look for themselves in the path). A reply is not asked: it
//                     goes back
//     conversation    as many messages with its `conversation_id` as the budget allows came from its sender in the last
//                     window
//     pair            as many from this sender to this target
//
// Hops and chain are the senders' word and need no memory; agents that leave them out meet the budgets, which are the
// gateway's own count. A refused message is not counted, so a conversation at its budget goes on at the budget's pace.
// A message of a turn whose commit failed is judged, and counted, again.
// What is counted is kept in memory by the gateway that owns the sender's partition (window_table.h): it begins anew
// when the partition moves. The budget of a conversation is its sender's own: others, who may name any conversation,
// cannot use it up.
// Failure: it can always decide; where its memory is full, the least used counter is forgotten, and its messages pass.
// Threading: none. No allocation but for the table at the first count, and append_to().
#pragma once

#include <string>
#include <string_view>

#include "daemons/gatewayd/guard/guard_settings.h"
#include "daemons/gatewayd/guard/window_table.h"
#include "proto/base/siphash.h"

namespace mas::gateway {

enum class GuardRule : uint8_t { kNone, kHops, kChain, kConversation, kPair };

/// What of a message the guard looks at.
struct GuardQuestion {
  std::string_view sender, target;
  std::string_view conversation;  ///< empty: it belongs to none
  std::string_view chain;         ///< raw array as chain.h has it, or empty
  int64_t hops = 0;
  bool answers = false;  ///< a reply that its ticket lets through
};

struct GuardVerdict {
  GuardRule rule = GuardRule::kNone;
  int64_t count = 0;  ///< kHops: how often it was passed on; kChain: how often the target stands there

  bool allowed() const { return rule == GuardRule::kNone; }
  /// Appends the rule as it stands in the audit log: "hops: 33, at most 32".
  void append_to(std::string& out, const GuardSettings& settings) const;
  std::string describe(const GuardSettings& settings) const;
};

class Guard {
 public:
  /// @param key that the senders do not know: they choose what is hashed.
  explicit Guard(const SipKey& key);

  /// Settings that change hold from the next message on; other sizes or another window forget what was counted.
  void configure(const GuardSettings& settings);
  const GuardSettings& settings() const { return settings_; }

  /// Judges a message and, when it is allowed, counts it.
  GuardVerdict judge(const GuardQuestion& asked, WallMicros now);

 private:
  void begin_anew();
  GuardVerdict judge_path(const GuardQuestion& asked) const;
  GuardVerdict judge_budgets(const GuardQuestion& asked, WallMicros now);

  const SipKey key_;
  GuardSettings settings_;
  WindowTable table_;
};

}  // namespace mas::gateway
