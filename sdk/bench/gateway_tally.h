// The ledger of `bench gateway`: what senders and receivers count, and what it comes to. Pure.
//
// Each sender numbers its messages to each receiver from 0; the number in a payload's stamp is that together with the
// sender's index, so a receiver can tell what is missing, doubled or out of order without being told what was sent.
// A tally travels between processes as one line of text.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proto/base/decisions.h"
#include "proto/base/histogram.h"
#include "proto/base/result.h"
#include "sdk/bench/stats.h"

namespace mas::ctl {

inline constexpr unsigned kPairNumberBits = 40;

constexpr uint64_t stamp_number(uint64_t sender, uint64_t number) { return sender << kPairNumberBits | number; }
constexpr uint64_t sender_of_stamp(uint64_t stamp) { return stamp >> kPairNumberBits; }
constexpr uint64_t number_of_stamp(uint64_t stamp) { return stamp & ((uint64_t{1} << kPairNumberBits) - 1); }

/// @return a number that adds up over a set of message ids: equal sums of two sets mean equal sets, in any order.
uint64_t id_weight(std::string_view message_id);

/// What senders saw of a round. Times in nanoseconds.
struct SentTally {
  uint64_t sent = 0;
  uint64_t accepted = 0;  ///< receipts that say it is in the target's stream
  uint64_t unknown = 0;   ///< no receipt at the end
  uint64_t ids = 0;       ///< sum of id_weight() of the accepted ones
  std::map<Decision, uint64_t> refused;
  uint64_t cpu = 0;

  uint64_t refusals() const;
  void add(const SentTally& other);
  std::string to_line() const;
  static Result<SentTally> from_line(std::string_view line);
};

/// What receivers saw of a round.
struct ReceivedTally {
  uint64_t arrivals = 0;  ///< with those that are doubled
  uint64_t doubled = 0;
  uint64_t reordered = 0;
  uint64_t ids = 0;  ///< sum of id_weight(), doubled ones once
  uint64_t first = 0, last = 0;
  uint64_t cpu = 0;
  Histogram latency;

  void add(const ReceivedTally& other);
  std::string to_line() const;
  static Result<ReceivedTally> from_line(std::string_view line);
};

/// Counts what one receiver hears, by sender.
class PairCheck {
 public:
  /// @return whether it is the first time that this message arrives.
  bool arrived(uint64_t stamp_number);
  uint64_t doubled() const;
  uint64_t reordered() const;

 private:
  std::unordered_map<uint64_t, SequenceCheck> by_sender_;
};

/// What a round came to.
struct Ledger {
  uint64_t sent = 0, accepted = 0, refused = 0, unknown = 0, delivered = 0;
  uint64_t lost = 0;       ///< accepted and not delivered
  uint64_t stray = 0;      ///< delivered and not accepted
  uint64_t doubled = 0;    ///< delivered more than once
  uint64_t reordered = 0;  ///< after a later one of the same sender to the same target
  uint64_t unaudited = 0;  ///< delivered without exactly one record in the audit

  void add(const Ledger& other);
  bool intact() const { return lost + stray + doubled + reordered + unaudited + unknown == 0; }
};
Ledger ledger_of(const SentTally& sent, const ReceivedTally& received);

}  // namespace mas::ctl
