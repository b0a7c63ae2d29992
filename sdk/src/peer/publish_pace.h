// How fast a publisher may send long messages. Pure: the time is an argument.
//
// Why: Redis takes a long message from its sender's socket as fast as it comes, and writes 64 KiB to each subscriber
// per turn of its event loop. What it has not written counts against `client-output-buffer-limit pubsub` (32 MiB by
// default), and a subscriber past that is cut off, however fast it reads. A sender cannot see how much that is. Short
// messages cannot run ahead so: Redis reads less of them per turn than it writes.
// Happy path: a bucket of bytes bounds the rate, so that a reader that stands still for most of a second falls behind
// by less than Redis keeps for it; and little is written that Redis has not answered, so that what has gathered while
// Redis stood still does not come to it at once.
// Limits: the rate is a sender's. A reader that is slower, or many senders of long messages to one, still reach Redis's
// limit.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "proto/base/clock.h"

namespace mas::sdk {

class PublishPace {
 public:
  /// A larger message is refused: half of what Redis keeps for a subscriber by default, so that two may come at once.
  static constexpr size_t kLargest = 16 * 1024 * 1024;
  static constexpr size_t kLong = 32 * 1024;         ///< shorter messages are not charged
  static constexpr size_t kBurst = 4 * 1024 * 1024;  ///< may go at once, and may be without an answer
  static constexpr size_t kPerSecond = 32 * 1024 * 1024;

  static size_t charge_of(size_t bytes) { return bytes < kLong ? 0 : bytes; }

  /// @return whether a write of this charge may go out now. One that is larger than the burst goes alone, and those
  /// behind it wait the longer.
  bool may_go(size_t charge, MonoTime now) const {
    return charge == 0 || (room_for(charge) && level_at(now) >= std::min<int64_t>(kMax, static_cast<int64_t>(charge)));
  }
  /// @return how long it has to wait for its rate; 0: for an answer, or not at all.
  Duration wait_for(size_t charge, MonoTime now) const {
    const int64_t missing = std::min<int64_t>(kMax, static_cast<int64_t>(charge)) - level_at(now);
    if (missing <= 0 || !room_for(charge)) return Duration::zero();
    return Duration(missing * kNanosPerSecond / static_cast<int64_t>(kPerSecond)) + std::chrono::milliseconds(1);
  }
  void on_write(size_t charge, MonoTime now) {
    if (charge == 0) return;
    level_ = level_at(now) - static_cast<int64_t>(charge);
    filled_at_ = now;
    unanswered_ += charge;
  }
  void on_answer(size_t charge) { unanswered_ -= charge; }

 private:
  static constexpr int64_t kMax = kBurst;
  static constexpr int64_t kNanosPerSecond = 1'000'000'000;

  bool room_for(size_t charge) const { return unanswered_ == 0 || unanswered_ + charge <= kBurst; }
  int64_t level_at(MonoTime now) const {
    const int64_t most_nanos = 2 * kNanosPerSecond;  // fills it from any debt of one message
    const int64_t nanos = std::clamp<int64_t>((now - filled_at_).count(), 0, most_nanos);
    return std::min(kMax, level_ + nanos / 1000 * static_cast<int64_t>(kPerSecond) / (kNanosPerSecond / 1000));
  }

  int64_t level_ = kMax;  // bytes that may go; negative after a message larger than the burst
  MonoTime filled_at_{};
  size_t unanswered_ = 0;
};

}  // namespace mas::sdk
