// Keeps the audit: signs heads, retires what is old, trims what is retired.
//
//     idle ──head is due────────────────▶ heading ──────────────────────────▶ idle
//          ──retention is due──▶ retiring ──▶ marking ──▶ trimming ────────▶ idle
//          ──shutdown, anything new─────▶ heading ──▶ done
//
// marking: a signed head that says what was retired, before it leaves Redis; without a signing key it is left out.
// Every gateway signs heads of all partitions; it leaves out its own when another's is fresh. It retires blocks of the
// partitions that it owns.
// Failure: logged, counted, tried again at the next occasion; nothing is trimmed that is not on disk. While Redis is
// away it does nothing. Blocks that are gone are told about at once, and make a head due.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside `done`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "daemons/common/service.h"
#include "daemons/gatewayd/keeper/audit_reports.h"
#include "daemons/gatewayd/keeper/head_op.h"
#include "daemons/gatewayd/keeper/retire_op.h"
#include "daemons/gatewayd/settings/audit_settings.h"

namespace mas::gateway {

class AuditKeeper {
 public:
  enum class State : uint8_t { kIdle, kHeading, kRetiring, kMarking, kTrimming };

  /// Reads the signing key, and what the file of heads says about the chains. A key that cannot be read is logged: no
  /// heads are signed.
  /// @param chains what this process has seen of them.
  AuditKeeper(common::Frame& frame, audit::ChainMemory& chains, const AuditSettings& settings);

  /// @param owned partitions whose old blocks this gateway retires. @param partitions of the whole system.
  void set_owned(std::vector<unsigned> owned, unsigned partitions);
  /// Blocks of this gateway were committed; enough of them make a head due.
  void committed(uint64_t blocks) { blocks_ += blocks; }
  /// Does what is due; to be called about every second, and more often for intervals below that.
  void tick(MonoTime now);
  /// The link is gone: what is under way is forgotten, and begun again later.
  void on_redis_down();
  void reload(const AuditSettings& settings);
  /// Writes a last head if anything is new. @param done called once, also from inside.
  void shutdown(std::function<void()> done);

  bool idle() const { return state_.is(State::kIdle); }

 private:
  void read_key();
  void recall_heads(const VerifyKey& key);
  bool signs() const { return heads_ != nullptr; }
  void start_head(State state, Duration fresh);
  void on_head(const Result<HeadResult>& result);
  void start_retiring();
  void on_retired(const RetireRound& round);
  void on_trimmed(const Result<uint64_t>& count);
  void trim();
  void rest();
  void continue_shutdown();

  common::Frame& frame_;
  audit::ChainMemory& chains_;
  AuditSettings settings_;
  AuditReports reports_;
  StateMachine<State> state_;
  std::shared_ptr<RetiredBlockStore> store_;
  std::unique_ptr<HeadOp> heads_;
  std::unique_ptr<RetireOp> retire_;
  std::vector<unsigned> owned_;
  unsigned partitions_ = 0;
  std::map<uint32_t, audit::BlockHead> marks_;
  uint64_t blocks_ = 0;
  MonoTime head_due_{}, retention_due_{};
  bool retired_last_ = false;  // where both are due at every tick, they take turns
  std::function<void()> shutdown_;
  bool leaving_ = false;  // the head of shutdown() is under way, or was
  int last_heads_ = 3;    // attempts at it that are left, should others' heads come between
};

}  // namespace mas::gateway
