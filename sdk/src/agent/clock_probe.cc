// TIME, and what its answer changes.
#include "sdk/src/agent/clock_probe.h"

#include <cstdlib>
#include <utility>

#include "proto/redis/reply_values.h"

namespace mas::sdk {
namespace {

constexpr WallMicros kSkewWorthTelling = 2'000'000;

/// @param reply of TIME.
Result<WallMicros> time_from_reply(const redis::Reply& reply) {
  if (reply.is_error()) return redis::error_of(reply);
  if (auto time = redis::time_of(reply)) return *time;
  return Error{Errc::kProtocol, "unexpected answer to TIME; expected two numbers"};
}

}  // namespace

void ClockProbe::ask(redis::Client& redis) {
  if (asked_ || refused_) return;
  asked_ = mono_now();
  auto status = redis.send(redis::Command("TIME"), redis::reply_to<&ClockProbe::on_time>(this));
  if (!status) asked_.reset();
}

void ClockProbe::on_time(uint64_t, const redis::Answer& answer) {
  const Duration round_trip = mono_now() - *std::exchange(asked_, std::nullopt);
  if (!answer) return;
  auto theirs = time_from_reply(**answer);
  if (!theirs) {
    refused_ = true;  // asked again with the next link, not with each beat: Redis would log every refusal
    return agent_.debug("Redis's clock cannot be read: " + theirs.error().message);
  }
  const WallMicros before = agent_.clock->ahead();
  agent_.clock->measured(*theirs, wall_now(), round_trip);
  const WallMicros ahead = agent_.clock->ahead();
  if (std::abs(ahead - before) >= kSkewWorthTelling) stepped_();
  if (std::abs(ahead - told_ahead_) < kSkewWorthTelling) return;
  told_ahead_ = ahead;
  const bool wrong = std::abs(ahead) >= kSkewWorthTelling;
  agent_.debug(wrong ? describe_ahead(ahead) + "; messages carry Redis's time"
                     : "this host's clock agrees with Redis's again");
}

}  // namespace mas::sdk
