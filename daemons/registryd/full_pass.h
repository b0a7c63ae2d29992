// The full passes of the active registryd: when the next one is due, and what the one under way has met.
// A pass comes every interval, and sooner when events were dropped; passes that a flood of events asks for take a tenth
// of the time at most.
//
// Failure modes: none of its own.
// Pure. Threading: none.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "daemons/common/cost_spacing.h"

namespace mas::registry {

class FullPass {
 public:
  explicit FullPass(Duration interval) : interval_(interval) {}

  void set_interval(Duration interval) { interval_ = interval; }
  void begin(MonoTime now) {
    flooded_ = false;
    began_ = now;
    spacing_.begin(now);
    invalid_ = 0;
    overfull_ = false;
  }
  /// @return how long it took.
  Duration end(MonoTime now) {
    built_ = true;
    spacing_.end(now);
    return now - began_;
  }

  /// The next pass begins after `rest`. @return `rest`.
  Duration plan(Duration rest, MonoTime now) {
    due_ = now + rest;
    return rest;
  }
  /// How long to rest after a pass that ended.
  Duration rest(MonoTime now) const { return flooded_ ? std::min(spacing_.wait(now), interval_) : interval_; }

  /// An event was dropped. @return whether it is the first since the pass began.
  bool flooded() { return !std::exchange(flooded_, true); }
  /// With no pass under way, after a drop. @return how soon the next one is to begin; nullopt: it does anyway.
  std::optional<Duration> sooner(MonoTime now) const {
    const Duration rest = spacing_.wait(now);
    return now + rest < due_ ? std::optional(rest) : std::nullopt;
  }

  /// An entry was not indexed.
  void met_invalid() { ++invalid_; }
  uint64_t invalid() const { return invalid_; }
  /// There are more agents than may be indexed. @return whether that is new in this pass.
  bool met_overfull() { return !std::exchange(overfull_, true); }
  bool overfull() const { return overfull_; }
  /// Whether a pass has ended.
  bool built() const { return built_; }

 private:
  Duration interval_;
  MonoTime began_{}, due_{};
  bool flooded_ = false;  // events were dropped since the pass began
  uint64_t invalid_ = 0;
  bool overfull_ = false;
  bool built_ = false;
  common::CostSpacing spacing_{9, std::chrono::seconds(1)};
};

}  // namespace mas::registry
