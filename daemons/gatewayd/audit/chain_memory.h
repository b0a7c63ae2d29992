// What this process has seen of the audit's chains, for the case that Redis goes back in time: the last block of each,
// as its own commits wrote it or as it was read. Redis's own memory of that (the chains, the signed heads) goes back
// with the data.
//
// Happy path: committed() and saw() as blocks are written and read; tips() is kept when Redis is asked, and missing()
// compares it with the answer. note() takes what is missing, and it is told three times: in the log (take_untold()),
// in the chain (to_record()), in a signed head (to_sign()).
// Failure modes: a gateway that has never seen a block does not miss it. It may have seen it in a file of heads.
// Pure. Threading: loop thread.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "daemons/gatewayd/audit/lost_blocks.h"

namespace mas::gateway::audit {

class ChainMemory {
 public:
  using Tips = std::map<uint32_t, BlockHead>;  ///< by partition

  /// A commit of this gateway wrote the block, and with it what was to be recorded.
  void committed(const BlockHead& block) {
    tips_[block.partition] = block;
    to_record_.erase(block.partition);
  }
  /// The block is the last one of its partition, or was at some time.
  void saw(const BlockHead& block) {
    BlockHead& tip = tips_[block.partition];
    if (block.number > tip.number) tip = block;
  }
  /// What heads named that this gateway had signed before it was restarted. What it has seen since counts for more.
  void recall(const Tips& signed_tips) { tips_.insert(signed_tips.begin(), signed_tips.end()); }
  /// The chain was cut, which is told otherwise.
  void give_up(const BlockHead& found) { tips_[found.partition] = found; }
  const Tips& tips() const { return tips_; }

  /// Heads by rising time, one after the other. @param ret_tips what a chain had when the last of them was signed.
  static void follow(const std::vector<BlockHead>& heads, const std::vector<LostBlocks>& lost, Tips& ret_tips) {
    // A chain of which nothing is left has no tip in its head.
    for (const LostBlocks& gone : lost) ret_tips[gone.partition] = {gone.partition, gone.first - 1, gone.kept};
    for (const BlockHead& tip : heads) ret_tips[tip.partition] = tip;
  }

  /// @param before tips() when Redis was asked: what was written since may be missing in its answer.
  /// @param found the last block that is there now; number 0: there is none.
  static std::optional<LostBlocks> missing(const Tips& before, const BlockHead& found, WallMicros now) {
    auto known = before.find(found.partition);
    if (known == before.end() || known->second == found) return std::nullopt;
    const BlockHead& tip = known->second;
    if (found.number > tip.number) return std::nullopt;  // others have written since; whether over it is not seen here
    const bool replaced = found.number == tip.number;
    return LostBlocks{found.partition, replaced ? tip.number : found.number + 1, tip.number,
                      tip.hash,        replaced ? Digest{} : found.hash,         now};
  }

  /// They are gone, and are told of once. @param found the last block that is there now.
  void note(const LostBlocks& lost, const BlockHead& found) {
    tips_[lost.partition] = found;
    auto told = told_.find(lost.partition);
    if (told != told_.end() && told->second.last == lost.last && told->second.hash == lost.hash) return;
    told_[lost.partition] = lost;
    ++times_noted_[lost.partition];
    to_record_[lost.partition] = lost;
    untold_.push_back(lost);
    unsigned_.push_back(lost);
  }

  /// @param found the last block that is there, of a partition that was fenced. @return what the next block has to
  /// record; nullopt: nothing, or the next one is not the first that was lost.
  std::optional<LostBlocks> to_record(const BlockHead& found) {
    auto lost = to_record_.find(found.partition);
    if (lost == to_record_.end()) return std::nullopt;
    if (lost->second.first == found.number + 1) return lost->second;
    to_record_.erase(lost);
    return std::nullopt;
  }
  /// How often something of the partition was noted.
  unsigned times_noted(uint32_t partition) const {
    auto noted = times_noted_.find(partition);
    return noted == times_noted_.end() ? 0 : noted->second;
  }
  /// @param before times_noted() when the block was seen. @return whether it belongs to what was noted since.
  bool noted(const BlockHead& block, unsigned before) const {
    auto told = told_.find(block.partition);
    return times_noted(block.partition) != before && told->second.first <= block.number &&
           block.number <= told->second.last;
  }
  /// What operators have not heard of yet.
  std::vector<LostBlocks> take_untold() { return std::exchange(untold_, {}); }
  /// What no signed head names yet; at most one of each partition.
  std::vector<LostBlocks> to_sign() const {
    std::map<uint32_t, LostBlocks> first;
    for (const LostBlocks& lost : unsigned_) first.try_emplace(lost.partition, lost);
    std::vector<LostBlocks> list;
    for (const auto& [partition, lost] : first) list.push_back(lost);
    return list;
  }
  bool any_to_sign() const { return !unsigned_.empty(); }
  /// A signed head names them.
  void signed_in_head(const std::vector<LostBlocks>& lost) {
    std::erase_if(unsigned_, [&](const auto& one) { return std::find(lost.begin(), lost.end(), one) != lost.end(); });
  }

 private:
  Tips tips_;
  std::map<uint32_t, LostBlocks> told_, to_record_;
  std::map<uint32_t, unsigned> times_noted_;
  std::vector<LostBlocks> untold_, unsigned_;
};

}  // namespace mas::gateway::audit
