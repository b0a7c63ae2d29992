// Finds what need not be remembered of senders any more: instances whose lease is gone and that were silent for twice
// the drift window (an older frame of theirs is REPLAYED anyway), and limiters that are full again by now.
//
// Happy path: start() names the silent ones, EXISTS asks for their leases, and those that had none for kSure are put on
// their partition's list; the next commit of that partition removes them, under its fence like everything else.
// Why kSure: where Redis's clock was set forward, all leases ended and everybody seems to have been silent for long.
// Who lives renews its lease every 5 s.
// Failure: a sweep that fails is forgotten; the next one comes with the next period.
// Threading: loop thread. Ownership: may be destroyed at any time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemons/gatewayd/turn/partition.h"
#include "proto/base/clock.h"
#include "proto/base/keyed_map.h"
#include "proto/redis/client.h"

namespace mas::gateway {

class SenderSweep {
 public:
  static constexpr Duration kSure = std::chrono::seconds(10);

  SenderSweep(redis::Client& redis, const Keys& keys) : redis_(redis), keys_(keys) {}
  ~SenderSweep() { redis_.forget(this); }
  SenderSweep(const SenderSweep&) = delete;
  SenderSweep& operator=(const SenderSweep&) = delete;

  /// @param partitions by number; those that this gateway decides. @param silence how long is long enough.
  void start(const std::vector<std::unique_ptr<Partition>>& partitions, WallMicros now, Duration silence);
  /// The partitions' memory is gone or not to be touched: what is under way is forgotten.
  void cancel();

 private:
  struct Candidate {
    unsigned partition;
    std::string sender, instance;
    std::string lease;  // its key
  };
  void on_reply(uint64_t tag, const redis::Answer& answer);

  redis::Client& redis_;
  const Keys& keys_;
  const std::vector<std::unique_ptr<Partition>>* partitions_ = nullptr;
  WallMicros silent_since_ = 0;
  size_t first_ = 0;
  std::vector<Candidate> candidates_;
  size_t left_ = 0;  // that were not answered yet
  using Gone = KeyedMap<MonoTime>;
  Gone gone_, still_gone_;  // leases, since when: by the sweeps before, and by the one under way
};

}  // namespace mas::gateway
