// Brings the whole index in line with the whole registry, without trusting anything that was heard before.
//
//     idle ──start──▶ scanning       every hash under agent:* is looked at and asserted in the index
//                        ▼
//                     revisiting     agents that are known but were not met: their entries went, or came meanwhile
//                        ▼
//                     sweeping agents     members of mas.agents that no entry backs are removed
//                        ▼
//                     finding sets ⇄ sweeping set     the same for every capability set that exists in Redis
//                        ▼
//                     idle, on_reconciled(ok)         an error anywhere: idle, on_reconciled(error)
//
// The walks are paced and bounded (KeyScanOp); entries are looked at by the host in batches, one at a time.
// What events say meanwhile may be carried out between the batches.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside on_reconciled's caller's callbacks;
// the owner defers that to a timer.
#pragma once

#include <string>
#include <vector>

#include "daemons/common/key_scan.h"
#include "daemons/registryd/index_write_op.h"
#include "daemons/registryd/registry.h"
#include "proto/base/state_machine.h"

namespace mas::registry {

class ReconcileHost {
 public:
  virtual ~ReconcileHost() = default;
  /// Looks at these entries and asserts them in the index, then calls looked_up(), never from inside.
  virtual void look_up(std::vector<std::string> ids) = 0;
  virtual void on_not_indexed(std::string_view id, const std::string& why) = 0;
  /// @return whether an entry of this name is an agent's.
  virtual bool counts(std::string_view id) const = 0;
  virtual void on_reconciled(const Status& status) = 0;
};

class ReconcileOp : private common::KeyScanReceiver {
 public:
  enum class State : uint8_t { kIdle, kScanning, kRevisiting, kSweepingAgents, kFindingSets, kSweepingSet };

  ReconcileOp(uv_loop_t* loop, redis::Client& redis, const Keys& keys, Registry& registry, ReconcileHost& host);

  /// @param pace quick while clients wait for the index.
  void start(common::KeyScanOp::Pace pace);
  /// The answer to ReconcileHost::look_up.
  void looked_up(const Status& status);
  bool idle() const { return state_.is(State::kIdle); }
  uint64_t write_commands() const { return writer_.commands(); }

 private:
  void on_scan_page(const std::vector<std::string_view>& names) override;
  void on_scan_left_out(const Error& why) override;
  void on_scan_end(const Status& status) override;
  bool is_sub_key(std::string_view id) const;
  void take_agent_keys(const std::vector<std::string_view>& names);
  void take_set_keys(const std::vector<std::string_view>& names);
  void sweep(const std::vector<std::string_view>& members);
  void on_swept(const Status& status);
  void advance();
  void look_at_next_batch();
  void sweep_next_set();
  void finish(const Status& status);

  redis::Client& redis_;
  const Keys& keys_;
  Registry& registry_;
  ReconcileHost& host_;
  StateMachine<State> state_;
  common::KeyScanOp key_walk_;     // over agent:*, then over the names of capability sets
  common::KeyScanOp member_walk_;  // over one index set
  IndexWriteOp writer_;
  std::vector<std::string> ids_;   // still to be looked at
  std::vector<std::string> sets_;  // capabilities whose sets are still to be swept
  common::KeyScanOp::Pace pace_ = common::KeyScanOp::Pace::kGentle;
  std::string swept_;  // the capability of the set that is being swept; empty: all agents
};

}  // namespace mas::registry
