// The runs of one slot: where they are in flight, which wait, and until when. Pure.
//
// Invariant: runs are in flight at one node only, and none is sent before one that waits and came earlier.
// Threading: none.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

#include "proto/base/backoff.h"
#include "proto/base/clock.h"

namespace mas::redis {

class SlotQueue {
 public:
  static constexpr Duration kBackoffBase = std::chrono::milliseconds(20), kBackoffCap = std::chrono::milliseconds(500);
  using RunId = uint32_t;

  /// Nothing would be lost with the queue.
  bool idle() const { return waiting_.empty() && in_flight_ == 0 && backoff_.attempts() == 0; }
  bool any_waits() const { return !waiting_.empty(); }
  size_t in_flight() const { return in_flight_; }
  /// @return the run that is to be sent next; none may be sent before it.
  RunId first() const { return waiting_.begin()->second; }

  /// @return whether a run may be sent to `node` now; the next one, if some wait.
  bool may_send(const void* node, MonoTime now) const {
    return now >= not_before_ && (in_flight_ == 0 || node == node_);
  }
  /// @param sequence the order of the runs' calls; parts of one run share it.
  void wait(uint64_t sequence, RunId run, MonoTime deadline) {
    waiting_.emplace(sequence, run);
    earliest_ = std::min(earliest_, deadline);
  }
  void pop_first() { waiting_.erase(waiting_.begin()); }
  void sent(const void* node) {
    node_ = node;
    ++in_flight_;
  }
  void left() { --in_flight_; }

  /// A node cannot run commands of the slot for now. @param random any 64 random bits.
  void hold(MonoTime now, uint64_t random) {
    if (now >= not_before_) not_before_ = now + backoff_.next(random);
  }
  /// A node ran a command of the slot.
  void served() {
    if (backoff_.attempts() > 0) backoff_.reset();
  }

  /// Deadlines of waiting runs have become earlier.
  void look_at_deadlines() { earliest_ = MonoTime::min(); }
  /// Removes the waiting runs whose time is over. @param deadline_of tells a run's. @return them.
  template <typename DeadlineOf>
  std::vector<RunId> take_late(MonoTime now, const DeadlineOf& deadline_of) {
    std::vector<RunId> late;
    if (now < earliest_) return late;
    earliest_ = MonoTime::max();
    std::erase_if(waiting_, [&](const auto& entry) {
      const MonoTime deadline = deadline_of(entry.second);
      if (deadline <= now) return late.push_back(entry.second), true;
      earliest_ = std::min(earliest_, deadline);
      return false;
    });
    return late;
  }
  /// Removes all waiting runs. @return them.
  std::vector<RunId> take_all() {
    return take_late(MonoTime::max(), [](RunId) { return MonoTime::min(); });
  }

 private:
  std::multimap<uint64_t, RunId> waiting_;  // by sequence
  MonoTime earliest_ = MonoTime::max();     // no waiting run's deadline is before it
  const void* node_ = nullptr;              // that has the runs in flight
  size_t in_flight_ = 0;
  MonoTime not_before_{};
  Backoff backoff_{kBackoffBase, kBackoffCap};
};

}  // namespace mas::redis
