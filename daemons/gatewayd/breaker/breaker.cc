// The moves between the states of a circuit.
#include "daemons/gatewayd/breaker/breaker.h"

#include <algorithm>

namespace mas::gateway {
namespace {

WallMicros micros(Duration time) { return std::chrono::duration_cast<std::chrono::microseconds>(time).count(); }

/// The first open time, doubled for every time in a row.
WallMicros open_time(const BreakerSettings& settings, uint32_t opens) {
  const WallMicros longest = std::max(micros(settings.max_open), micros(settings.open));
  WallMicros time = micros(settings.open);
  for (uint32_t i = 1; i < opens && time < longest; ++i) time = time > longest / 2 ? longest : 2 * time;
  return time;
}

}  // namespace

void Breaker::learn(const Circuit& held, const BreakerSettings& settings) {
  changed_ = false;
  written_from_ = held.generation;
  if (held == circuit_) return;  // what is counted of it goes on
  circuit_ = held;
  outcomes_.clear();
  if (circuit_.state == CircuitState::kHalfOpen) begin_trials(settings);
}

bool Breaker::take_change(uint64_t& ret_from) {
  if (!std::exchange(changed_, false)) return false;
  ret_from = std::exchange(written_from_, circuit_.generation);
  return true;
}

void Breaker::change(CircuitState state, CircuitCause cause, WallMicros until, WallMicros now) {
  circuit_.state = state;
  circuit_.cause = cause;
  circuit_.until = until;
  circuit_.since = now;
  if (!std::exchange(changed_, true)) ++circuit_.generation;
  outcomes_.clear();
}

void Breaker::open(CircuitCause cause, const BreakerSettings& settings, WallMicros now) {
  if (cause != CircuitCause::kFailures) return change(CircuitState::kOpen, cause, 0, now);
  bool calm = circuit_.state == CircuitState::kClosed && now - circuit_.since >= micros(settings.max_open);
  if (calm) circuit_.opens = 0;
  if (circuit_.opens < UINT32_MAX) ++circuit_.opens;
  change(CircuitState::kOpen, cause, now + open_time(settings, circuit_.opens), now);
}

void Breaker::close(WallMicros now) { change(CircuitState::kClosed, circuit_.cause, 0, now); }

void Breaker::begin_trials(const BreakerSettings& settings) {
  trials_left_ = trials_due_ = std::max<int64_t>(settings.trials, 1);
}

bool Breaker::open_time_over(const BreakerSettings& settings, WallMicros now) const {
  if (circuit_.until == 0) return false;
  return now >= circuit_.until || circuit_.until - now > open_time(settings, UINT32_MAX);
}

Admission Breaker::admit(const BreakerSettings& settings, WallMicros now) {
  if (circuit_.state == CircuitState::kClosed) return Admission::kPass;
  if (circuit_.state == CircuitState::kForcedOpen) return Admission::kRefuse;
  if (circuit_.state == CircuitState::kOpen) {
    if (!open_time_over(settings, now)) return Admission::kRefuse;
    change(CircuitState::kHalfOpen, circuit_.cause, now + micros(settings.patience), now);
    begin_trials(settings);
  }
  if (trials_left_ > 0) {
    --trials_left_;
    return Admission::kTrial;
  }
  if (now >= circuit_.until) open(CircuitCause::kFailures, settings, now);
  return Admission::kRefuse;
}

void Breaker::succeeded(const BreakerSettings& settings, WallMicros now, uint64_t count) {
  if (circuit_.state == CircuitState::kClosed) return outcomes_.add(false, count, settings.window, now);
  if (circuit_.state != CircuitState::kHalfOpen) return;  // of what was let through before it opened
  trials_due_ -= static_cast<int64_t>(std::min<uint64_t>(count, INT32_MAX));
  if (trials_due_ <= 0) close(now);
}

void Breaker::failed(const BreakerSettings& settings, WallMicros now, uint64_t count) {
  if (circuit_.state == CircuitState::kHalfOpen) return open(CircuitCause::kFailures, settings, now);
  if (circuit_.state != CircuitState::kClosed) return;
  outcomes_.add(true, count, settings.window, now);
  auto [failures, all] = outcomes_.totals(settings.window, now);
  bool enough = failures >= static_cast<uint64_t>(std::max<int64_t>(settings.failures, 1)) &&
                all >= static_cast<uint64_t>(std::max<int64_t>(settings.volume, 1)) &&
                failures * 100 >= all * static_cast<uint64_t>(std::max<int64_t>(settings.ratio, 0));
  if (enough) open(CircuitCause::kFailures, settings, now);
}

void Breaker::seen(bool active, const BreakerSettings& settings, WallMicros now) {
  const bool opened_for_it = circuit_.state == CircuitState::kOpen && circuit_.cause == CircuitCause::kInactive;
  if (active) {
    inactive_since_ = 0;
    if (opened_for_it) close(now);
    return;
  }
  if (inactive_since_ == 0 || now < inactive_since_) inactive_since_ = std::max<WallMicros>(now, 1);
  if (opened_for_it || circuit_.state == CircuitState::kForcedOpen || settings.grace == Duration::zero()) return;
  if (now - inactive_since_ >= micros(settings.grace)) open(CircuitCause::kInactive, settings, now);
}

void Breaker::force_open(WallMicros now) {
  if (circuit_.state != CircuitState::kForcedOpen) change(CircuitState::kForcedOpen, CircuitCause::kOperator, 0, now);
}

void Breaker::reset(WallMicros now) {
  circuit_.opens = 0;
  inactive_since_ = 0;
  change(CircuitState::kClosed, CircuitCause::kOperator, 0, now);
}

uint32_t Breaker::retry_after_ms(WallMicros now) const {
  if (circuit_.until <= now) return 0;
  auto wait = static_cast<uint64_t>(circuit_.until - now + 999) / 1000;
  return static_cast<uint32_t>(std::min<uint64_t>(wait, UINT32_MAX));
}

std::string Breaker::describe() const {
  std::string text = "circuit ";
  text += circuit_.state == CircuitState::kHalfOpen ? "half-open"
          : circuit_.state == CircuitState::kClosed ? "closed"
                                                    : "open";
  return text.append(": ").append(kCircuitCauseNames[static_cast<size_t>(circuit_.cause)]);
}

}  // namespace mas::gateway
