// A lease: a key with a TTL that at most one process believes to hold.
//
// Happy path: a script takes it where it is free, or is there under this owner's name; another that compares the owner
// renews it (PEXPIRE, which Redis takes even when it is out of memory), a third that compares gives it back.
//
//     idle ──start──▶ standby ─────taken───────▶ active ──renewal says not ours──▶ standby
//                        ▲                          │ own clock: not renewed in time
//                        └──────────────────────────┘
//     standby, active ──release──▶ releasing ──answered, or no answer in time──▶ idle
//
// Safety: a holder stops believing by its own clock. The belief ends a margin (a tenth of the TTL) before
// Redis lets the key go, counted from when the renewal was *sent*; so between processes whose clocks run at
// about the same rate there are never two believers. A process that was stopped sees at its next look that
// the time is over: ask active() before acting. What must never be done twice needs a fence besides (an
// epoch); a lease only says who may try. Timing: renewals and attempts every third of the TTL; a crashed
// holder is replaced within 4/3 TTL, a released lease within 1/3. Threading: loop thread. Ownership: may be
// destroyed at any time but from inside its listener.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/clock.h"
#include "proto/base/state_machine.h"
#include "proto/redis/client.h"
#include "proto/redis/loop.h"

namespace mas::common {

/// The belief in a lease, pure: when it ends, when to renew.
class LeaseClock {
 public:
  explicit LeaseClock(Duration ttl) : ttl_(ttl) {}
  Duration ttl() const { return ttl_; }
  /// How often to renew, and to try.
  Duration period() const { return ttl_ / 3; }
  Duration margin() const { return ttl_ / 10; }

  /// Redis confirmed that it was taken or renewed, by what was sent at `sent`.
  void confirmed(MonoTime sent) { until_ = sent + ttl_ - margin(); }
  void lost() { until_ = MonoTime::min(); }
  bool held(MonoTime now) const { return now < until_; }
  /// When the belief ends; MonoTime::min() when there is none.
  MonoTime until() const { return until_; }

 private:
  Duration ttl_;
  MonoTime until_ = MonoTime::min();
};

/// Why a lease was lost: its own clock ran out; Redis names another owner, or none; it was given up.
inline constexpr std::string_view kLeaseExpired = "expired";
inline constexpr std::string_view kLeaseTaken = "taken";
inline constexpr std::string_view kLeaseReleased = "released";

class Lease;

class LeaseListener {
 public:
  virtual ~LeaseListener() = default;
  virtual void on_lease_gained(Lease& lease) = 0;
  /// @param why one of the texts above.
  virtual void on_lease_lost(Lease& lease, std::string_view why) = 0;
  /// Redis refused to write the lease, and refuses it to everybody. It is asked again.
  virtual void on_lease_refused(Lease& /*lease*/, const Error& /*why*/) {}
  /// Redis took a write of the lease, or had no need to, for the first time after on_lease_refused.
  virtual void on_lease_accepted(Lease& /*lease*/) {}
};

class Lease {
 public:
  enum class State : uint8_t { kIdle, kStandby, kActive, kReleasing };

  /// @param redis must outlive the lease. @param owner this process's instance id.
  Lease(uv_loop_t* loop, redis::Client& redis, std::string key, std::string owner, Duration ttl,
        LeaseListener& listener);
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  /// Tries to take the lease, now and until it has it or release() is called. No effect when it tries
  /// already.
  void start();
  /// Gives the lease up (on_lease_lost first, if it was active) and stops trying. @param done called once
  /// when Redis has answered, could not be reached, or did not answer within a third of the TTL; may be
  /// empty; also from inside.
  void release(std::function<void()> done = {});
  /// Tries or renews at once: for when a link became ready.
  void renew_now();

  State state() const { return state_.get(); }
  /// Whether this process may act as the holder at this moment.
  bool active() const { return state_.is(State::kActive) && clock_.held(mono_now()); }
  const std::string& key() const { return key_; }

 private:
  void tick();
  void ask();
  void on_answer(uint64_t tag, const redis::Answer& answer);
  void on_released(uint64_t tag, const redis::Answer& answer);
  void lose(std::string_view why);
  void finish_release();

  redis::Client& redis_;
  std::string key_, owner_;
  LeaseListener& listener_;
  LeaseClock clock_;
  StateMachine<State> state_;
  bool refused_ = false;
  bool asking_ = false;  // one attempt or renewal in flight at a time
  MonoTime asked_{};
  uint64_t round_ = 0;  // answers to an earlier start() are ignored
  std::vector<std::function<void()>> done_;
  redis::Timer timer_;
};

}  // namespace mas::common
