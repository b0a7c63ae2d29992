// Blocks of one chain that a gateway had seen and that are gone: Redis lost data, or somebody removed them.
//
// The chain says so itself, in the block that took the number of the first lost one: its first record has no sender,
// the type kLostType, the number of the last lost block as its sequence and that block's hash in the place of the
// payload's. Signed heads name the same blocks (heads.h).
// Pure. Threading: none.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemons/gatewayd/audit/block.h"

namespace mas::gateway::audit {

inline constexpr std::string_view kLostType = "mas.audit.lost";

struct LostBlocks {
  uint32_t partition = 0;
  uint64_t first = 0, last = 0;
  Digest hash{};        ///< of the last one
  Digest kept{};        ///< of the block before the first, which is still there; zeros: there is none
  WallMicros time = 0;  ///< when the gateway noticed

  bool operator==(const LostBlocks&) const = default;
  uint64_t count() const { return last - first + 1; }
};

/// Such as "blocks 120 to 131 of partition 3".
inline std::string lost_blocks_text(const LostBlocks& lost) {
  const std::string partition = " of partition " + std::to_string(lost.partition);
  if (lost.first == lost.last) return "block " + std::to_string(lost.first) + partition;
  return "blocks " + std::to_string(lost.first) + " to " + std::to_string(lost.last) + partition;
}

/// @param reason lost_record_reason(), which the record views.
inline AuditRecord lost_record(const LostBlocks& lost, std::string_view reason) {
  AuditRecord record;
  record.time = lost.time;
  record.type = kLostType;
  record.decision = Decision::kUnavailable;
  record.reason = reason;
  record.sequence = lost.last;
  record.payload = lost.hash;
  return record;
}
inline std::string lost_record_reason(const LostBlocks& lost) {
  return lost_blocks_text(lost) + " had been written and are gone; the last one had the hash " + to_hex(lost.hash);
}

/// @return the lost blocks that a record of the block names; nullopt: it is about a message, or names none.
inline std::optional<LostBlocks> lost_of(const Block& block, const AuditRecord& record) {
  if (!record.sender.empty() || record.type != kLostType || record.sequence < block.head.number) return std::nullopt;
  return LostBlocks{block.head.partition, block.head.number, record.sequence,
                    record.payload,       block.previous,    record.time};
}

}  // namespace mas::gateway::audit
