// The frame that runs a service: the order in which its parts start, reload, drain and stop.
// The parts: daemon_pages.h, live_configuration.h, redis_gate.h, heartbeat.h, agent_library.h, signals.h, systemd.h.
//
//     starting ──HTTP is up──▶ running ──TERM, INT──▶ draining ──service drained──▶ leaving ──▶ stopped
//                                 ▲ │                    │ time-out, second signal              ▲
//                                 └─┘ HUP                └──────────────────────────────────────┘
//
// systemd hears READY when HTTP is up and the configuration loaded; Redis is not waited for, so that a boot without it
// does not hang. `leaving` takes the heartbeat out of Redis, after the service has given up what it owns.
// Threading: everything runs on the one loop.
#pragma once

#include <uv.h>

#include <memory>
#include <string>

#include "daemons/common/agent_library.h"
#include "daemons/common/certificates.h"
#include "daemons/common/daemon_pages.h"
#include "daemons/common/exit_code.h"
#include "daemons/common/heartbeat.h"
#include "daemons/common/live_configuration.h"
#include "daemons/common/redis_gate.h"
#include "daemons/common/sentinel_log.h"
#include "daemons/common/service.h"
#include "daemons/common/signals.h"
#include "daemons/common/systemd.h"

namespace mas::common {

class Daemon final : Frame, RedisGateListener, SignalListener {
 public:
  /// @param endpoint of `config`. @param sources what a reload reads again.
  Daemon(uv_loop_t* loop, const DaemonKind& kind, ConfigSources sources, Configuration config,
         redis::Endpoint endpoint);
  ~Daemon() override;

  /// Starts, runs the loop until the daemon has stopped. @return the exit code.
  int run();

  enum class State : uint8_t { kStarting, kRunning, kDraining, kLeaving, kStopped };

 private:
  // Frame
  uv_loop_t* loop() override { return loop_; }
  Log& log() override { return log_; }
  Metrics& metrics() override { return metrics_; }
  const Keys& keys() const override { return keys_; }
  const std::string& instance() const override { return instance_; }
  redis::Client& redis() override { return gate_->client(); }
  bool redis_up() const override { return gate_->up(); }
  redis::ConnectionOptions redis_options(std::string_view purpose) const override;
  void drained() override;
  void beat() override { heartbeat_.beat(); }

  void on_gate_up() override;
  void on_gate_down() override;
  void on_gate_reason() override;

  void on_stop_signal(int number) override;
  void on_reload_signal() override;

  void watch_certificates();
  void leave();
  void stop(int exit_code);

  uv_loop_t* loop_;
  const DaemonKind& kind_;
  LiveConfiguration config_;
  redis::Endpoint endpoint_;
  StateMachine<State> state_;
  int exit_code_ = kExitOk;
  std::string instance_;
  Log log_;
  Metrics metrics_;
  Keys keys_;
  Systemd systemd_;
  SentinelLog sentinel_log_{log_};
  std::shared_ptr<redis::Sentinels> sentinels_;  // null: a single server
  std::unique_ptr<RedisGate> gate_;
  DaemonPages pages_;
  Certificates certificates_;
  Heartbeat heartbeat_;
  AgentLibrary agent_library_;
  std::unique_ptr<Signals> signals_;
  redis::Timer drain_timer_;
  std::unique_ptr<Service> service_;
};

}  // namespace mas::common
