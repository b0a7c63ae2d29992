// What this process has seen of the audit's chains, for the case that Redis goes back in time: the last block of each,
// as its own commits wrote it or as it was read. Redis's own memory of that (the chains, the signed heads) goes back
// with the data.
//
// Happy path: committed() and saw() as blocks are written and read; tips() is kept when Redis is asked, and missing()
// compares it with the answer. report() takes what is missing, and it is told three times: in the log
// (take_unreported()), in the chain (to_record()), in a signed head (to_sign()).
// Failure modes: a gateway that has never seen a block does not miss it. It may have seen it in a file of heads.
// Pure. Threading: loop thread.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "daemons/gatewayd/audit/lost_blocks.h"

namespace mas::gateway::audit {

class ChainMemory {
 public:
  using Tips = std::map<uint32_t, BlockHead>;  ///< by partition

  /// A commit of this gateway wrote the block, and with it what was to be recorded.
  void committed(const BlockHead& block);
  /// The block is the last one of its partition, or was at some time.
  void saw(const BlockHead& block);
  /// What heads named that this gateway had signed before it was restarted. What it has seen since counts for more.
  void recall(const Tips& signed_tips) { tips_.insert(signed_tips.begin(), signed_tips.end()); }
  /// The chain was cut, which is told otherwise.
  void give_up(const BlockHead& found) { tips_[found.partition] = found; }
  const Tips& tips() const { return tips_; }

  /// Heads by rising time, one after the other. @param ret_tips what a chain had when the last of them was signed.
  static void follow(const std::vector<BlockHead>& heads, const std::vector<LostBlocks>& lost, Tips& ret_tips);

  /// @param before tips() when Redis was asked: what was written since may be missing in its answer.
  /// @param found the last block that is there now; number 0: there is none.
  static std::optional<LostBlocks> missing(const Tips& before, const BlockHead& found, WallMicros now);

  /// They are gone, and are told of once. @param found the last block that is there now.
  void report(const LostBlocks& lost, const BlockHead& found);

  /// @param found the last block that is there, of a partition that was fenced. @return what the next block has to
  /// record; nullopt: nothing, or the next one is not the first that was lost.
  std::optional<LostBlocks> to_record(const BlockHead& found);
  /// How often something of the partition was reported.
  unsigned times_reported(uint32_t partition) const;
  /// @param before times_reported() when the block was seen. @return whether it belongs to what was reported since.
  bool reported_since(const BlockHead& block, unsigned before) const;
  /// What operators have not heard of yet.
  std::vector<LostBlocks> take_unreported();
  /// What no signed head names yet; at most one of each partition.
  std::vector<LostBlocks> to_sign() const;
  bool any_to_sign() const { return !unsigned_.empty(); }
  /// A signed head names them.
  void signed_in_head(const std::vector<LostBlocks>& lost);

 private:
  Tips tips_;
  std::map<uint32_t, LostBlocks> reported_;   // the last of each partition
  std::map<uint32_t, LostBlocks> to_record_;  // in the chain
  std::map<uint32_t, unsigned> times_reported_;
  std::vector<LostBlocks> unreported_;  // to operators
  std::vector<LostBlocks> unsigned_;
};

}  // namespace mas::gateway::audit
