// Watches the daemons: members of mas.daemons whose heartbeat is gone are removed and DAEMON_DOWN is published. (A
// daemon that stops properly does both itself.)
//
//     idle ──every 2 s──▶ walking ──page──▶ checking ──all exist──▶ walking … ──end──▶ idle
//                                              │ some are gone         ▲
//                                              └──▶ removing ──────────┘
//
// The removal is a script that looks at the heartbeat again; on a cluster, where that is in another slot, it does not.
// After an absence of Redis, or when its clock was set forward, the daemons have one time-to-live of their heartbeat to
// beat again; until then nobody is removed.
// Failure: the pass ends, is logged, and the next one comes by itself.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside its own callbacks.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "daemons/common/key_scan.h"
#include "daemons/healthd/agent_watch.h"

namespace mas::health {

class DaemonWatch : common::KeyScanReceiver {
 public:
  enum class State : uint8_t { kIdle, kWalking, kChecking, kRemoving };

  explicit DaemonWatch(const WatchContext& context);
  ~DaemonWatch() override { context_.redis.forget(this); }
  DaemonWatch(const DaemonWatch&) = delete;
  DaemonWatch& operator=(const DaemonWatch&) = delete;

  void run();
  void rest();
  /// Redis is there again since `since`.
  void redis_returned(MonoTime since);

 private:
  struct Member {
    std::string text;  // "name:instance" as it stands in the set
    std::string name, instance;
    bool gone = false;
  };
  static constexpr size_t kNames = 3;

  void start();
  void on_scan_page(const std::vector<std::string_view>& names) override;
  void on_scan_left_out(const Error& why) override;
  void on_scan_end(const Status& status) override;
  void on_exists(uint64_t tag, const redis::Answer& answer);
  void remove();
  void add_removal(redis::Command& batch, const Member& member) const;
  void on_removed(uint64_t tag, const redis::Answer& answer);
  void fail(const Error& why);
  void count(const Member& member);

  WatchContext context_;
  StateMachine<State> state_;
  common::KeyScanOp scan_;
  common::RepeatFilter problem_;
  common::RepeatFilter left_out_;
  std::vector<Member> members_;  // of the page
  size_t answered_ = 0;
  std::array<size_t, kNames> up_{};
  MonoTime not_before_{};
  redis::Timer timer_;
};

}  // namespace mas::health
