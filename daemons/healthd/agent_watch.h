// Watches the agents while this process is the one that does: a tick takes who is due, a look sees them, walks and
// hints find new ones.
//
//     resting ──run──▶ watching: tick (50 ms) ─▶ LookOp ─▶ tick …
//        ▲                │      walk over agent:* ─▶ rest (scan_interval) ─▶ walk …
//        └───── rest ─────┘
//
// What was learned stays while resting, so that after a lost connection times-to-live and penalties are still known.
// Agents are found without registryd: by events, and by the walk.
// Anybody can publish events, so a backlog of looks takes a quarter of the time at most, and walks that events ask for
// a tenth.
// Failure: a failed look is tried again by the engine, a failed walk after the usual rest; both are logged.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside its own callbacks.
#pragma once

#include <string>
#include <string_view>

#include "daemons/common/complaints.h"
#include "daemons/common/cost_spacing.h"
#include "daemons/common/key_scan.h"
#include "daemons/common/log.h"
#include "daemons/common/settings.h"
#include "daemons/healthd/liveness.h"
#include "daemons/healthd/look_op.h"
#include "daemons/healthd/server_clock.h"
#include "daemons/healthd/stats.h"
#include "proto/wire/events.h"

namespace mas::health {

/// What the watches work with; all of it outlives them.
struct WatchContext {
  uv_loop_t* loop;
  redis::Client& redis;
  const Keys& keys;
  common::Log& log;
  Stats& stats;
  ServerClock& clock;
  common::Profile profile = common::Profile::kDevelopment;
};

class AgentWatch : common::KeyScanReceiver, LookListener {
 public:
  AgentWatch(const WatchContext& context, const LivenessOptions& options, Duration scan_interval);

  void set_options(const LivenessOptions& options, Duration scan_interval);

  void run();
  void rest();

  /// Redis is there again since `since`; see Liveness::resume.
  void redis_returned(MonoTime since) { liveness_.resume(since, mono_now()); }

  /// Redis takes no writes, so nobody can beat: as if it were away.
  void writes_refused() { liveness_.excuse(mono_now()); }

  /// Events may have been missed: walks again soon.
  void catch_up();
  void on_event(const Event& event);
  /// Redis says that something happened to a key.
  void on_key_event(std::string_view key, Hint hint);

  const Liveness& liveness() const { return liveness_; }
  /// Whether a walk over the registry was finished since run().
  bool complete() const { return walks_ > 0; }

 private:
  void tick();
  void walk();
  void plan_walk(Duration rest);
  void walk_soon();
  void learn(std::string_view id, MonoTime now);
  void on_scan_page(const std::vector<std::string_view>& names) override;
  void on_scan_left_out(const Error& why) override;
  void on_scan_end(const Status& status) override;
  void on_looked(const Status& status) override;
  void on_flapping(const std::string& id) override;
  void on_writes_refused() override { writes_refused(); }
  void on_unreadable(const std::string& id, const std::string& why) override;
  void hint(std::string_view id, Hint hint);

  WatchContext context_;
  Duration scan_interval_;
  Liveness liveness_;
  LookOp look_;
  common::KeyScanOp scan_;
  common::Complaints complaints_;
  common::RepeatFilter look_problem_;
  common::RepeatFilter walk_problem_;
  bool running_ = false;
  bool page_held_ = false;  // the walk waits until those it found were looked at
  bool dropped_ = false;    // hints were dropped since the last walk began
  uint64_t walks_ = 0;
  MonoTime walk_due_{};
  common::CostSpacing looks_{3};
  common::CostSpacing asked_walks_{9, std::chrono::seconds(1)};
  redis::Timer tick_timer_;
  redis::Timer more_timer_;  // the next batch of a backlog
  redis::Timer walk_timer_;
};

}  // namespace mas::health
