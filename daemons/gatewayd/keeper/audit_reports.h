// What operators learn of keeping the audit: lines in the log, metrics, and alerts on mas.system where something is
// gone.
//
// Failure modes: an alert that Redis does not take is lost; the log has it, too.
// Threading: loop thread. Ownership: the keeper's.
#pragma once

#include <string>
#include <string_view>

#include "daemons/common/service.h"
#include "daemons/gatewayd/audit/lost_blocks.h"
#include "daemons/gatewayd/keeper/head_op.h"

namespace mas::gateway {

class AuditReports {
 public:
  explicit AuditReports(common::Frame& frame);

  /// The same failure is logged seldom, and counted each time.
  void failed(std::string_view event, const Error& error);
  /// A head was written. What it found cut off is told once: the next head compares with this one.
  void head_written(const HeadResult& head);
  /// Blocks that this gateway has seen are gone.
  void blocks_lost(const audit::LostBlocks& lost);
  void retired(uint64_t blocks) { retired_blocks_.add(blocks); }
  void trimmed(uint64_t blocks);

 private:
  void chain_cut(const ChainLoss& loss);
  void alert(const std::string& text);

  common::Frame& frame_;
  common::RepeatFilter repeat_;
  common::Counter& heads_;
  common::Counter& failures_;
  common::Counter& lost_blocks_;
  common::Counter& retired_blocks_;
  common::Counter& trimmed_blocks_;
};

}  // namespace mas::gateway
