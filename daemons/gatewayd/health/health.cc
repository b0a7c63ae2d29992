// What a look says, and what follows from it.
#include "daemons/gatewayd/health/health.h"

#include <algorithm>
#include <utility>

namespace mas::gateway {
namespace {

constexpr std::string_view kNotLookedAt = "Redis's settings have not been checked yet";

}  // namespace

Health::Health(common::Frame& frame, const HealthBounds& bounds, std::function<void()> looked)
    : frame_(frame),
      bounds_(bounds),
      looked_(std::move(looked)),
      watch_(frame.redis(), frame.keys(), [this](const RedisHealth& health) { take(health); }),
      alarm_(frame),
      obstacle_(bounds.production ? kNotLookedAt : ""),
      waiting_elements_(
          frame.metrics().gauge("waiting_elements", "Frames that wait in the lists of the partitions owned.")),
      memory_low_(frame.metrics().gauge("memory_low", "1 while frames are refused for lack of memory in Redis.")),
      held_messages_(
          frame.metrics().gauge("held_messages", "Messages that wait until a person grants or denies them.")) {}

void Health::look(size_t partitions, bool speaks) {
  speaks_ = speaks;
  watch_.look(partitions);
}

void Health::on_redis_down() {
  watch_.cancel();
  if (bounds_.production) obstacle_ = kNotLookedAt;
}

void Health::take(const RedisHealth& health) {
  waiting_ = health.waiting;
  take_memory(health);
  held_ = health.held_known ? std::optional(health.held) : std::nullopt;
  if (held_) held_messages_.set(static_cast<double>(held_->messages));
  if (health.dead_letters_known) take_dead_letters(health);
  looked_();
  if (!obstacle_.empty() && unsafe_repeat_.should_log(obstacle_, mono_now()))
    frame_.log().error("redis_unsafe", {{"why", obstacle_}});
}

void Health::take_memory(const RedisHealth& health) {
  if (!health.info_problem.empty()) {
    if (info_repeat_.should_log(health.info_problem, mono_now()))
      frame_.log().error("redis_tells_nothing", {{"why", health.info_problem}});
    return;
  }
  obstacle_ = unsafe(health);
  shortages_.memory_low = health.memory_percent() >= bounds_.memory_percent;
  memory_low_.set(shortages_.memory_low ? 1 : 0);
  if (shortages_.memory_low && memory_repeat_.should_log("memory", mono_now()))
    frame_.log().error("redis_memory_low", {{"used", health.used_memory}, {"maxmemory", health.max_memory}});
}

void Health::take_dead_letters(const RedisHealth& health) {
  alarm_.look(health, bounds_.dead_letters, speaks_);
  shortages_.dead_letters_full = bounds_.dead_letters.percent(health) >= 100;
  shortages_.dead_letters_closed = shortages_.dead_letters_full || !health.dead_letters_problem.empty();
  if (!health.dead_letters_problem.empty() && letters_repeat_.should_log(health.dead_letters_problem, mono_now()))
    frame_.log().error("dead_letters_unusable", {{"why", frame_.keys().dead_letters() + ": " +
                                                             health.dead_letters_problem + "; expected a stream"}});
}

/// What production does not accept: accepted messages that Redis drops, or forgets when it stops.
std::string Health::unsafe(const RedisHealth& health) const {
  if (!bounds_.production) return {};
  if (health.max_memory > 0 && health.eviction != "noeviction")
    return "Redis has maxmemory-policy " + health.eviction + "; profile production needs noeviction";
  if (!health.append_only) return "Redis has no append-only file; profile production needs appendonly yes";
  return {};
}

void Health::collect(const std::vector<bool>& owned) {
  uint64_t waiting = 0;
  for (size_t p = 0; p < std::min(waiting_.size(), owned.size()); ++p)
    if (owned[p]) waiting += waiting_[p];
  waiting_elements_.set(static_cast<double>(waiting));
}

}  // namespace mas::gateway
