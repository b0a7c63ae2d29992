// Flap damping after RFC 2439 (BGP route flap damping): every flap adds to a penalty that decays exponentially; above
// one threshold the agent is suppressed, below a lower one it is used again. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>

#include "proto/base/clock.h"

namespace mas::health {

struct DampingOptions {
  double per_flap = 1000;  ///< what one flap costs; the thresholds are in the same unit
  double suppress = 2500;  ///< suppressed once the penalty reaches this
  double reuse = 1000;     ///< used again once it fell to this
  Duration half_life = std::chrono::seconds(60);
  Duration max_hold = std::chrono::minutes(5);  ///< longest suppression after the last flap
};

/// What one agent's coming and going has cost it.
class Penalty {
 public:
  /// @return the penalty as it has decayed until `now`.
  double at(MonoTime now, const DampingOptions& options) const {
    if (value_ <= 0) return 0;
    return static_cast<double>(value_) * std::exp2(-seconds(now - since_) / seconds(options.half_life));
  }

  void add_flap(MonoTime now, const DampingOptions& options) {
    double ceiling = options.reuse * std::exp2(seconds(options.max_hold) / seconds(options.half_life));
    value_ = static_cast<float>(std::min(at(now, options) + options.per_flap, std::max(ceiling, options.suppress)));
    since_ = now;
  }

  /// @return when the penalty will have fallen to `reuse`.
  MonoTime reuse_time(MonoTime now, const DampingOptions& options) const {
    double penalty = at(now, options);
    if (penalty <= options.reuse) return now;
    double wait = seconds(options.half_life) * std::log2(penalty / options.reuse);
    return now + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(wait));
  }

 private:
  static double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

  MonoTime since_{};
  float value_ = 0;
};

}  // namespace mas::health
