// Removes the streams of agents that stopped long ago and for which nothing waits, so that agents which come and go
// leave nothing for ever.
//
//     idle ──time──▶ walking ──page──▶ asking ──last answer──▶ walking … ──end──▶ idle
//                                        │ a page waits for its answers
//
// Happy path: look() starts a walk over the agents' streams every quarter of the time that they are kept, at most once
// an hour; each agent of a page is looked at by one script (proto/wire/forget_agent.h), which also removes. Gentle: see
// KeyScanOp. Who decides partition 0 does it, so one gateway at a time; two at once do no harm.
// On a cluster a page is dealt with agent by agent, each by a ForgetOp; a lost link or a time-out ends the walk.
// Failure modes: Redis does not answer or refuses: said in the log, and tried again with the next walk.
// Threading: loop thread. Ownership: may be destroyed at any time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "daemons/common/key_scan.h"
#include "daemons/common/service.h"
#include "daemons/gatewayd/forget_op.h"

namespace mas::gateway {

class AgentSweep final : public common::KeyScanReceiver {
 public:
  explicit AgentSweep(common::Frame& frame);
  ~AgentSweep() override { frame_.redis().forget(this); }
  AgentSweep(const AgentSweep&) = delete;
  AgentSweep& operator=(const AgentSweep&) = delete;

  /// No effect before it is time again. @param kept how long an agent's streams stay after it stopped; 0: for ever.
  /// @param partitions how many there are.
  void look(bool mine, Duration kept, size_t partitions, MonoTime now);

 private:
  void on_scan_page(const std::vector<std::string_view>& names) override;
  void on_scan_left_out(const Error&) override {}
  void on_scan_end(const Status& status) override;
  void on_reply(uint64_t tag, const redis::Answer& answer);
  bool on_cluster() const { return frame_.keys().layout() == KeyLayout::kCluster; }
  void forget_next();
  static bool is_of_one_agent(const Error& error);
  void on_forgotten(const Result<ForgetState>& state);
  void count_gone();
  void stop();
  void tell_failure(std::string_view why);

  common::Frame& frame_;
  common::KeyScanOp scan_;
  ForgetOp forget_;
  Duration kept_{};
  size_t partitions_ = 0;
  MonoTime next_{};
  size_t due_ = 0;                     // answers of the page
  uint64_t gone_ = 0;                  // of this walk
  std::vector<std::string> ids_;       // on a cluster: of the page, still to be looked at
  std::unordered_set<uint64_t> seen_;  // on a cluster: hashes of ids that this walk has looked at
  common::RepeatFilter repeat_;
  common::Counter& forgotten_;
};

}  // namespace mas::gateway
