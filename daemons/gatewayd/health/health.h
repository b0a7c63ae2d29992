// What Redis's state forbids: deciding at all on a Redis that loses data, or keeping more where there is no room.
//
// Happy path: look() once a second; when Redis has answered, the callback is called, and obstacle() and shortages() are
// new.
// Failure modes:
// - Redis does not answer, or says nothing of a value: what was known stays. It is said in the log.
// - The link was lost: in production nothing is known to be safe until the next look, since what comes back may be
//   another Redis.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside its callback.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemons/common/service.h"
#include "daemons/gatewayd/health/dead_letter_alarm.h"
#include "daemons/gatewayd/health/redis_watch.h"

namespace mas::gateway {

struct HealthBounds {
  bool production = false;      ///< Redis must neither evict nor forget
  unsigned memory_percent = 0;  ///< of Redis's limit, from which on memory is low
  DeadLetterBounds dead_letters;
};

/// What there is no room for.
struct Shortages {
  bool memory_low = false;           ///< Redis is near its limit
  bool dead_letters_full = false;    ///< the dead-letter queue is at its bound
  bool dead_letters_closed = false;  ///< it is at its bound, or no stream
  bool operator==(const Shortages&) const = default;
};

class Health {
 public:
  Health(common::Frame& frame, const HealthBounds& bounds, std::function<void()> looked);

  void set_bounds(const HealthBounds& bounds) { bounds_ = bounds; }
  /// No effect while a look is under way. @param partitions how many there are. @param speaks whether this gateway
  /// alerts operators for all.
  void look(size_t partitions, bool speaks);
  void on_redis_down();
  /// Ends a look that is under way.
  void cancel() { watch_.cancel(); }

  /// Why this Redis will not do, or is not known to do, in production; empty: it does.
  const std::string& obstacle() const { return obstacle_; }
  const Shortages& shortages() const { return shortages_; }
  /// Messages that wait for a person; nullopt: the last look does not say.
  std::optional<HeldAmount> held() const { return held_; }
  /// Sets the gauges. @param owned by partition.
  void collect(const std::vector<bool>& owned);

 private:
  void take(const RedisHealth& health);
  void take_memory(const RedisHealth& health);
  void take_dead_letters(const RedisHealth& health);
  std::string unsafe(const RedisHealth& health) const;

  common::Frame& frame_;
  HealthBounds bounds_;
  std::function<void()> looked_;
  RedisWatch watch_;
  DeadLetterAlarm alarm_;
  bool speaks_ = false;
  std::string obstacle_;
  Shortages shortages_;
  std::optional<HeldAmount> held_;
  std::vector<uint64_t> waiting_;  // by partition
  common::RepeatFilter unsafe_repeat_, info_repeat_, memory_repeat_, letters_repeat_;
  common::Gauge& waiting_elements_;
  common::Gauge& memory_low_;
  common::Gauge& held_messages_;
};

}  // namespace mas::gateway
