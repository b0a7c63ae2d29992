// What is missing, and what of it is told already.
#include "daemons/gatewayd/audit/chain_memory.h"

#include <algorithm>
#include <utility>

namespace mas::gateway::audit {

void ChainMemory::committed(const BlockHead& block) {
  tips_[block.partition] = block;
  to_record_.erase(block.partition);
}

void ChainMemory::saw(const BlockHead& block) {
  BlockHead& tip = tips_[block.partition];
  if (block.number > tip.number) tip = block;
}

void ChainMemory::follow(const std::vector<BlockHead>& heads, const std::vector<LostBlocks>& lost, Tips& ret_tips) {
  // A chain of which nothing is left has no tip in its head.
  for (const LostBlocks& gone : lost) ret_tips[gone.partition] = {gone.partition, gone.first - 1, gone.kept};
  for (const BlockHead& tip : heads) ret_tips[tip.partition] = tip;
}

std::optional<LostBlocks> ChainMemory::missing(const Tips& before, const BlockHead& found, WallMicros now) {
  auto known = before.find(found.partition);
  if (known == before.end() || known->second == found) return std::nullopt;
  const BlockHead& tip = known->second;
  if (found.number > tip.number) return std::nullopt;  // others have written since; whether over it is not seen here
  const bool replaced = found.number == tip.number;
  return LostBlocks{found.partition, replaced ? tip.number : found.number + 1, tip.number,
                    tip.hash,        replaced ? Digest{} : found.hash,         now};
}

void ChainMemory::report(const LostBlocks& lost, const BlockHead& found) {
  tips_[lost.partition] = found;
  auto last = reported_.find(lost.partition);
  if (last != reported_.end() && last->second.last == lost.last && last->second.hash == lost.hash) return;
  reported_[lost.partition] = lost;
  ++times_reported_[lost.partition];
  to_record_[lost.partition] = lost;
  unreported_.push_back(lost);
  unsigned_.push_back(lost);
}

std::optional<LostBlocks> ChainMemory::to_record(const BlockHead& found) {
  auto lost = to_record_.find(found.partition);
  if (lost == to_record_.end()) return std::nullopt;
  if (lost->second.first == found.number + 1) return lost->second;
  to_record_.erase(lost);
  return std::nullopt;
}

unsigned ChainMemory::times_reported(uint32_t partition) const {
  auto times = times_reported_.find(partition);
  return times == times_reported_.end() ? 0 : times->second;
}

bool ChainMemory::reported_since(const BlockHead& block, unsigned before) const {
  auto last = reported_.find(block.partition);
  return times_reported(block.partition) != before && last->second.first <= block.number &&
         block.number <= last->second.last;
}

std::vector<LostBlocks> ChainMemory::take_unreported() { return std::exchange(unreported_, {}); }

std::vector<LostBlocks> ChainMemory::to_sign() const {
  std::map<uint32_t, LostBlocks> first;
  for (const LostBlocks& lost : unsigned_) first.try_emplace(lost.partition, lost);
  std::vector<LostBlocks> list;
  for (const auto& [partition, lost] : first) list.push_back(lost);
  return list;
}

void ChainMemory::signed_in_head(const std::vector<LostBlocks>& lost) {
  std::erase_if(unsigned_, [&](const auto& one) { return std::find(lost.begin(), lost.end(), one) != lost.end(); });
}

}  // namespace mas::gateway::audit
