// The alarm's steps: none, near the bound, at the bound.
#include "daemons/gatewayd/health/dead_letter_alarm.h"

#include <algorithm>
#include <string>

#include "proto/wire/events.h"

namespace mas::gateway {
namespace {

constexpr unsigned kNearFull = 80, kFull = 100;  // percent of the bound

}  // namespace

uint64_t DeadLetterBounds::percent(const RedisHealth& health) const {
  return std::max(100 * health.dead_letters / static_cast<uint64_t>(letters), 100 * health.dead_letter_bytes / bytes);
}

DeadLetterAlarm::DeadLetterAlarm(common::Frame& frame)
    : frame_(frame),
      letters_(frame.metrics().gauge("dead_letters", "Entries of the dead-letter queue.")),
      near_full_(
          frame.metrics().gauge("dead_letters_near_full", "1 while the dead-letter queue is at 80 % of its bound.")) {}

void DeadLetterAlarm::look(const RedisHealth& health, const DeadLetterBounds& bounds, bool speaks) {
  const uint64_t percent = bounds.percent(health);
  const unsigned reached = percent >= kFull ? kFull : percent >= kNearFull ? kNearFull : 0;
  letters_.set(static_cast<double>(health.dead_letters));
  near_full_.set(reached > 0 ? 1 : 0);
  alerted_ = std::min(alerted_, reached);
  if (reached == 0) return;
  const std::string_view event = reached == kFull ? "dead_letters_full" : "dead_letters_near_full";
  if (repeat_.should_log(event, mono_now()))
    frame_.log().error(event, {{"entries", health.dead_letters},
                               {"bound", bounds.letters},
                               {"bytes", health.dead_letter_bytes},
                               {"bytes_bound", bounds.bytes}});
  if (speaks && reached > alerted_) alert(health, bounds, reached);
}

void DeadLetterAlarm::alert(const RedisHealth& health, const DeadLetterBounds& bounds, unsigned reached) {
  std::string text = "the dead-letter queue has " + std::to_string(health.dead_letters) + " of " +
                     std::to_string(bounds.letters) + " letters and " + std::to_string(health.dead_letter_bytes) +
                     " of " + std::to_string(bounds.bytes) + " bytes" +
                     (reached == kFull ? "; messages that would be kept there are refused (DLQ_FULL)" : "");
  redis::Command command("PUBLISH", frame_.keys().system_channel(), alert_event("gatewayd", text, wall_now()));
  if (frame_.redis().send(command, redis::ReplyTo{})) alerted_ = reached;
}

}  // namespace mas::gateway
