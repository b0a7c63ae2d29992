// The daemon's heartbeat: `mas.daemon:{name}:{instance}` with a TTL, its place in `mas.daemons`, DAEMON_UP and DOWN.
//
// Happy path: every period PEXPIRE and SET of the key, and SADD. The PEXPIRE comes first because Redis takes it also
// when it is out of memory. SADD tells whether the daemon was known: if not, it is new, was given up by healthd, or
// Redis lost its data, and in each case DAEMON_UP is published. stop() deletes, removes and publishes DAEMON_DOWN.
// Failure: a beat that fails is logged (RepeatFilter) and the next one comes by itself.
//
//     idle ──resume──▶ beating ──stop──▶ leaving ──answered or time-out──▶ done
//       ▲                │ pause
//       └────────────────┘
#pragma once

#include <functional>
#include <string>

#include "daemons/common/log.h"
#include "proto/base/state_machine.h"
#include "proto/redis/client.h"
#include "proto/redis/loop.h"
#include "proto/wire/keys.h"

namespace mas::common {

inline constexpr Duration kDaemonHeartbeatPeriod = std::chrono::seconds(5);
inline constexpr Duration kDaemonHeartbeatTtl = std::chrono::seconds(15);

class HeartbeatSource {
 public:
  virtual ~HeartbeatSource() = default;
  /// @return the heartbeat's value: one JSON object.
  virtual std::string heartbeat_snapshot() = 0;
};

class Heartbeat {
 public:
  /// @param daemon "registryd". The references must outlive the heartbeat.
  Heartbeat(uv_loop_t* loop, redis::Client& redis, const Keys& keys, std::string daemon, std::string instance, Log& log,
            HeartbeatSource& source);
  ~Heartbeat();

  /// Redis is up: beats now and from now on.
  void resume();
  void pause();
  /// Writes a beat now, if it is beating.
  void beat();
  /// Takes the daemon out of Redis. @param done called once, also from inside when there is nothing to undo.
  void stop(std::function<void()> done);

  enum class State : uint8_t { kIdle, kBeating, kLeaving, kDone };

 private:
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void on_left(uint64_t tag, const redis::Answer& answer);
  void announce();
  void finish();

  redis::Client& redis_;
  const Keys& keys_;
  std::string daemon_, instance_, key_, member_;
  Log& log_;
  HeartbeatSource& source_;
  StateMachine<State> state_;
  RepeatFilter repeat_;
  std::function<void()> done_;
  size_t goodbyes_due_ = 0;
  redis::Timer timer_;
};

}  // namespace mas::common
