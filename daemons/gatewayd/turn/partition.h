// A partition as its owner holds it between turns: the fence, the chain of its audit, what is known of its senders.
//
// All of it is read from Redis when the partition is fenced, changed by deciding, and written by the commit. After a
// commit that failed, or whose outcome is unknown, it is forgotten and read again: memory never runs ahead of Redis.
// Threading: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemons/gatewayd/audit/block.h"
#include "daemons/gatewayd/audit/lost_blocks.h"
#include "daemons/gatewayd/limits/limiter.h"
#include "daemons/gatewayd/turn/list_weight.h"
#include "daemons/gatewayd/turn/refusals.h"
#include "daemons/gatewayd/turn/report_memory.h"
#include "daemons/gatewayd/turn/sender_state.h"
#include "proto/base/keyed_map.h"
#include "proto/wire/keys.h"

namespace mas::gateway {

/// What is remembered of one sender: of all its instances together, and of each.
struct Sender {
  LimiterState limiter;
  bool limiter_changed = false;
  Refusals refusals;
  struct Instance {
    SenderState state;
    bool changed = false;
    Sender* owner = nullptr;
    size_t bytes = 0;      ///< of its state, as it was written last
    std::string field;     ///< its field of mas.sender:{p}: `sender/instance`
    std::string receipts;  ///< the channel of its receipts
  };
  size_t state_bytes = 0;  ///< of all its instances
  /// The instance's state was written, or read, or (0) forgotten.
  void wrote(Instance& instance, size_t bytes) {
    state_bytes += bytes - instance.bytes;
    instance.bytes = bytes;
  }
  KeyedMap<Instance> instances;  ///< by the 16 bytes of the instance
};

struct Partition {
  Partition(unsigned p, const Keys& keys);

  /// Takes the answer to HGETALL of mas.sender:{p}. @return kMalformed that names the field.
  Status load_senders(const std::vector<std::pair<std::string_view, std::string_view>>& fields, const Keys& keys);
  /// Takes the newest audit block; empty: there is none.
  Status load_audit_head(std::string_view block, std::string_view ns = {});
  void forget();
  /// @return what is expected at a key of the partition, for people; empty: it is none of its keys.
  std::string_view expected_at(std::string_view key) const;

  /// @param field of mas.sender:{p}. @return the last number of that instance; nullopt: it is not known.
  std::optional<uint64_t> last_of(std::string_view field) const;
  Sender::Instance& instance(Sender& sender, std::string_view id, const Id128& instance, const Keys& keys);
  Sender& sender(std::string_view id);

  const unsigned number;
  const std::string epoch_key, ingress_key, senders_key, audit_key, retries_key, archive_key, trial_key;
  std::string epoch;  ///< as Redis counts it; empty: not fenced
  uint64_t epoch_number = 0;
  uint64_t next_block = audit::kFirstBlock;
  Digest previous_hash = audit::kGenesisPrevious;
  uint64_t block_epoch = 0;               ///< of the newest audit block, when it was fenced
  std::optional<audit::LostBlocks> lost;  ///< what the next block has to record
  uint64_t retries = 0;                   ///< messages that wait to be delivered again, about
  WallMicros next_retry = kNoRetry;       ///< when the first of them is due, at the latest
  static constexpr WallMicros kNoRetry = INT64_MAX;
  bool retries_moved = false;       ///< what is being read of them may be from before
  std::optional<WallMicros> steps;  ///< of Redis's clock that the retries have followed; nullopt: not looked at yet
  ReportMemory reports;

  KeyedMap<Sender> senders;

  Refusals strangers;  ///< refusals of frames whose sender is not proven
  struct Counting {
    std::string_view id;  ///< the key in `senders`
    Sender* sender;
  };
  std::vector<Counting> counting;        ///< senders whose refusals are counted at the moment
  WallMicros next_summary = kNoSummary;  ///< when the first summary of refusals is due
  static constexpr WallMicros kNoSummary = INT64_MAX;
  static constexpr WallMicros kSummaryNow = 0;
  /// Also when the clock was set to before what the first summary counts.
  bool summary_due(WallMicros now) const {
    return next_summary != kNoSummary && (now >= next_summary || now < next_summary - Refusals::kSummaryEvery);
  }

  /// What a sweep found to be forgotten: an instance, or (no instance) a sender without any.
  struct Forgettable {
    std::string sender, instance;
  };
  std::vector<Forgettable> forgettable;
  /// Forgets what is still silent of it. @return the fields of mas.sender:{p} to be removed.
  std::vector<std::string> take_forgettable(WallMicros silent_since);

  // Whether its head may be what ends turns, or gateways (trials.h).
  unsigned dropped = 0;       ///< turns that took long over one of its elements and were dropped, one after another
  bool beyond_doubt = false;  ///< a turn since it was fenced was committed, or it had no element then
  bool void_trial = false;    ///< the last trial was dropped for another reason

  // How large its list is, and for one read: how much of it was found to fit.
  uint64_t list_bytes = 0;
  ListWeight weight;
  static constexpr size_t kAnyNumber = SIZE_MAX;
  size_t fits = kAnyNumber;  ///< elements

  // How large its elements are, for how many to read.
  double mean_element_bytes = 1024;
  double mean_element_records = 1;
};

/// The field of mas.sender:{p} that holds a sender's limiter.
inline std::string_view limiter_field(std::string_view sender) { return sender; }

}  // namespace mas::gateway
