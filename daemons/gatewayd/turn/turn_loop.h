// The owner's loop: its turns read the partitions' lists, decide what is there, and commit.
//
//              ┌────── link lost, changes not heard, fenced, failed ─────┐
//              ▼                                                         │
//   down ──▶ fencing ──epochs raised, memory loaded──▶ working ◀──a peek saw an element── waiting
//              ▲                                        │   └──── nothing is there ────────▶ │
//              └────────── a partition was gained ──────┴────────────────────────────────────┘
//
// Each step is an operation of its own: fence_op.h, read_op.h, decide_op.h with fetch_op.h, commit_op.h. The loop
// starts them, one after another; turn_pipeline.h says which turns may be where at the same time. Between turns it
// takes over what was set meanwhile (turn_settings.h). While nothing is there, blocking peeks wait, one per partition
// (peeks.h). Receipts go out in the write of the next commit where that is ready.
// Fence: INCR of the epoch when a partition is gained, and of every partition after a lost link or a commit that was
// not done; the commit script compares. So a commit that arrives late, from this process or another, changes nothing.
// Failure modes:
// - Whatever fails, all turns and the memory of the partitions are dropped and read again. Nothing was trimmed that is
//   not decided, so nothing is lost, and sequence numbers keep anything from being decided twice.
// - A key that cannot be worked with puts its partition to rest (resting.h), and a target's stream fails its messages;
//   the others go on.
// Threading: loop thread. Ownership: the service's; drain() before it goes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemons/gatewayd/turn/commit_op.h"
#include "daemons/gatewayd/turn/decide_op.h"
#include "daemons/gatewayd/turn/fence_op.h"
#include "daemons/gatewayd/turn/fetch_op.h"
#include "daemons/gatewayd/turn/peeks.h"
#include "daemons/gatewayd/turn/read_op.h"
#include "daemons/gatewayd/turn/sender_sweep.h"
#include "daemons/gatewayd/turn/turn_link.h"
#include "daemons/gatewayd/turn/turn_listener.h"
#include "daemons/gatewayd/turn/turn_parts.h"
#include "daemons/gatewayd/turn/turn_settings.h"
#include "proto/base/state_machine.h"
#include "proto/redis/loop.h"

namespace mas::gateway {

class TurnLoop final : TurnLinkListener, PeekListener, TurnListener {
 public:
  /// @param chains what is known of the audit, here and to whoever signs heads. @param master nullptr: no sealed keys.
  TurnLoop(common::Frame& frame, audit::ChainMemory& chains, TurnOptions options, const MasterKey* master,
           const TurnKeys& keys);
  ~TurnLoop() override;

  void start();
  /// Policy and limits from the next turn on. What is under way is finished first.
  void set_policy(const Policy& policy, const LimitSettings& default_limits);
  /// What looks at payloads from the next turn on; nullptr: nobody.
  void set_dlp(std::unique_ptr<dlp::ContentStage> stage);
  /// @param key that deliveries are archived under from the next turn on; nullptr: they are not.
  void set_archive(std::shared_ptr<const archive::Key> key);
  /// What waits for a person, as Redis says now.
  void held_seen(const HeldAmount& amount) { parts_.decider.held_seen(amount); }
  /// How many partitions there are; before the first set_owned().
  void set_partitions(size_t count) { parts_.partitions.resize(count); }
  /// Which of them this gateway may decide now. Takes effect at the end of the turns under way.
  void set_owned(const std::vector<bool>& owned);
  /// The daemon's main link was made anew, perhaps to another server: so are this one and what depends on it.
  void renew_link();
  /// Finishes the turns under way and takes no other. @param done called once.
  void drain(std::function<void()> done);

  /// Partitions that are fenced: decided here.
  std::vector<unsigned> deciding() const { return parts_.partitions.deciding(); }
  /// Why nothing is decided though partitions are owned; empty: all is well.
  const std::string& obstacle() const { return obstacle_; }
  /// Why receipts are withheld though messages are decided; empty: they are not.
  std::string replicas_problem() const { return commit_.replicas_problem(); }
  const Resting& resting() const { return parts_.partitions.resting(); }
  /// Messages that wait to be delivered again, of the partitions that are decided here.
  uint64_t waiting_retries() const;
  TurnStats& stats() { return parts_.stats; }
  size_t cached_agents() const { return parts_.facts.size(); }
  const FenceOp::Lost& lost() const { return fence_.lost(); }
  auto known_circuits() const { return parts_.facts.circuits(); }

  enum class State : uint8_t { kDown, kFencing, kWorking, kWaiting, kDrained };

 private:
  void on_link_up(bool again) override;
  void on_link_down(const Error& why) override;
  void on_moved() override;
  void on_tracking() override;
  void on_changed(std::string_view key) override { parts_.facts.changed(key); }
  void on_all_changed() override { parts_.facts.forget_all(); }
  void on_tracking_lost(const Error& why) override;
  void on_work(unsigned partition, uint64_t list_bytes, bool too_large) override;
  void on_fenced() override { advance(); }
  void on_read() override { go_on(); }
  void on_decoded() override;
  void on_fetched() override { decide_.decide(); }
  void on_decided() override { go_on(); }
  void on_committed() override;
  void on_commit_over() override;
  void on_failed(const TurnFailure& failure) override;

  void change();
  void track();
  void advance();
  bool turn_over() const;
  void go_on();
  void commit();
  void end_trial();
  void wait_for_work();
  void sweep();

  const std::unique_ptr<TurnLink> link_;
  TurnParts parts_;
  StateMachine<State> state_;
  FenceOp fence_;
  ReadOp read_;
  DecideOp decide_;
  FetchOp fetch_;
  TurnSettings settings_;
  CommitOp commit_;
  Peeks peeks_;
  SenderSweep sweep_;
  redis::Timer again_, sweep_timer_;
  bool link_given_up_ = false;       // for a reply that was too large: what comes back is the same Redis
  std::optional<std::string> deaf_;  // why changes are not heard; what is being committed is waited for
  std::string obstacle_;
  common::RepeatFilter repeat_;
  std::function<void()> drained_;
};

}  // namespace mas::gateway
