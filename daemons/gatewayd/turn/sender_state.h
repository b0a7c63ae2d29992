// What a partition's owner remembers of one sender instance: the last sequence number it decided, and the refusals
// among the numbers that the sender may still ask about.
//
// The rule is that of idempotent producers (Kafka KIP-98): only the number after the last is decided; a number that was
// decided gets its decision again; a gap decides nothing. Refusals are remembered as runs of numbers for the last
// limits::kSenderWindow numbers, everything else in it was allowed; a sender has no more than that without receipt.
// Pure. The encoded form is a field of `mas.sender:{p}`, written with every turn that has a frame of the instance:
//
//   u8 version (2) · u64 last · u64 active (µs) · u32 runs · runs
//   run: varint (count - 1) · 128 + min(gap, 3) · 32 + decision - 16 · varint gap - 3, when the gap is 3 or more
//
// The gap is the numbers between the end of the run before (0 for the first) and this one. A varint is LEB128 without
// needless bytes. So what refusals take is at most a byte for each number of the window and some for the first run:
// kMaxBytes, however they alternate. Version 1 (u64 first, u32 count, u8 decision per run) is read, too.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "proto/base/bytes.h"
#include "proto/base/clock.h"
#include "proto/base/decisions.h"
#include "proto/base/result.h"
#include "proto/wire/limits.h"

namespace mas::gateway {

enum class Standing : uint8_t {
  kNext,     ///< the number to decide now
  kDecided,  ///< was decided before
  kGap,      ///< numbers before it are missing
};

class SenderState {
 public:
  static constexpr size_t kMaxBytes = 64 + limits::kSenderWindow;  ///< of the encoded form

  uint64_t last() const { return last_; }
  WallMicros active() const { return active_; }

  Standing standing(uint64_t sequence) const {
    if (sequence <= last_) return Standing::kDecided;
    return sequence == last_ + 1 ? Standing::kNext : Standing::kGap;
  }
  /// @return what was decided about a number that was decided.
  Decision decision(uint64_t sequence) const;
  /// Decides the next number.
  void decide(Decision decision);
  void touch(WallMicros now) { active_ = now; }

  void append_to(std::string& out) const;
  /// @return kMalformed for bytes that append_to, or that of version 1, did not write.
  static Result<SenderState> decode(std::string_view bytes);

 private:
  struct Run {
    uint64_t first;
    uint32_t count;
    Decision decision;
  };
  void forget_old();
  Status take_runs(ByteReader& in, uint8_t version, uint32_t runs);

  uint64_t last_ = 0;
  WallMicros active_ = 0;
  std::deque<Run> refusals_;  // by rising number
};

}  // namespace mas::gateway
