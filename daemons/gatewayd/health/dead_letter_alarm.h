// Tells operators that the dead-letter queue nears its bounds, before anything is refused.
//
// Happy path: look() once a second. From 80 % of a bound on: a line in the log, again and again, a gauge, and once an
// ALERT on mas.system from the gateway that speaks for all; another one at the bound.
// Failure modes:
// - Redis takes no PUBLISH: the alert is tried again with the next look.
// Threading: loop thread. Ownership: none; may be destroyed at any time.
#pragma once

#include "daemons/common/service.h"
#include "daemons/gatewayd/health/redis_watch.h"

namespace mas::gateway {

struct DeadLetterBounds {
  int64_t letters = 0;
  uint64_t bytes = 0;

  /// @return percent of the bound that is nearer.
  uint64_t percent(const RedisHealth& health) const;
};

class DeadLetterAlarm {
 public:
  explicit DeadLetterAlarm(common::Frame& frame);

  /// @param health that knows of the queue. @param speaks whether this gateway alerts for all.
  void look(const RedisHealth& health, const DeadLetterBounds& bounds, bool speaks);

 private:
  void alert(const RedisHealth& health, const DeadLetterBounds& bounds, unsigned reached);

  common::Frame& frame_;
  unsigned alerted_ = 0;  // percent of the bound that operators were told of
  common::RepeatFilter repeat_;
  common::Gauge& letters_;
  common::Gauge& near_full_;
};

}  // namespace mas::gateway
