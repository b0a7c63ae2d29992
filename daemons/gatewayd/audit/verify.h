// The verifier of one partition's chain: recomputes every hash, follows the chain, compares it with signed heads.
//
// Happy path: add() every block in the order of the stream (retired ones first, next_source() in between); finish()
// with what signed heads say; the report says what was there, where the chain begins, and up to which block a signed
// head holds it in place.
// Failure: the report names the first bad block, what is wrong with it and what that means. The rest of
// the chain is not trusted, but reading continues, to distinguish a block in another place from a missing one.
//
//   what was done to the chain                         what finds it
//   a block was edited                                 its own hash
//   a chain of another namespace was copied here       the namespace in each block
//   a block was edited and hashed again                the previous hash in the block behind it; for the last: a head
//   blocks were dropped, inserted, reordered           the numbers, the previous hash
//   the chain was hashed again to its end, or made up  a head that names a block with another hash
//   the tail was cut off                               a head that names a block that is not there
//   Redis lost blocks, and a gateway said so           the record of it in the chain, or in a signed head
//   the front was cut off                              no signed mark and no retired blocks show that it was trimmed
//
// Threading: none. Ownership: what is added is not kept, but for 32 bytes a block.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemons/gatewayd/audit/lost_blocks.h"

namespace mas::gateway::audit {

/// What one signed head says about one partition.
struct Anchor {
  uint64_t number = 0;
  Digest hash{};
  WallMicros time = 0;   ///< of the head
  bool trusted = false;  ///< its signature was checked; others can contradict a chain, not hold it in place
};

/// What a gateway said that is gone.
struct LostClaim {
  LostBlocks blocks;
  bool trusted = false;  ///< by a signed head, or in a block that one holds in place
};

/// What signed heads say about one partition.
struct Anchors {
  std::vector<Anchor> heads;    ///< blocks that were the last ones at a time
  std::vector<Anchor> trimmed;  ///< blocks up to which retention has retired, and may have trimmed
  std::vector<LostClaim> lost;
};

enum class Fault : uint8_t {
  kNone,
  kUnreadable,  ///< not a block of this partition and namespace
  kEdited,      ///< its own hash is wrong
  kRehashed,    ///< its hash fits, but the next block, or a signed head, was made over another one
  kMissing,     ///< dropped: the next number is not there
  kReordered,   ///< it stands, but elsewhere
  kInserted,    ///< a number that was there before
  kEpoch,       ///< its epoch is lower than the one before
  kNoFront,     ///< what came before the first block is not there, and nothing says that it was retired
  kTruncated,   ///< signed heads name blocks behind the last one
};

std::string_view fault_text(Fault fault);

struct ChainReport {
  uint32_t partition = 0;
  uint64_t blocks = 0;           ///< read
  uint64_t records = 0;          ///< in the blocks that could be read
  uint64_t first = 0, last = 0;  ///< numbers of the chain up to the fault; 0: none

  Fault fault = Fault::kNone;
  uint64_t bad_block = 0;  ///< the first bad block
  std::string bad_entry;   ///< the entry that showed it; empty: none
  std::string why;         ///< a sentence

  /// What gateways said that is gone, by rising time: their numbers were given again. Heads that name these blocks are
  /// no fault.
  std::vector<LostBlocks> lost;

  uint64_t anchored = 0;  ///< the last block that a trusted head holds in place; 0: none
  std::string front;      ///< how the chain begins, for people

  bool ok() const { return fault == Fault::kNone; }
  /// Since which block nothing anchors the chain; 0: the last block is anchored, or there is none.
  uint64_t unanchored_since() const { return anchored < last ? (anchored < first ? first : anchored + 1) : 0; }
};

class ChainVerifier {
 public:
  /// @param ns of the chain, without '/': a block of another namespace is none of it.
  explicit ChainVerifier(uint32_t partition, std::string ns = {}) : ns_(std::move(ns)) {
    report_.partition = partition;
  }

  /// @param entry names the place, such as the stream id. @param bytes the entry's field `b`.
  void add(std::string_view entry, std::string_view bytes);
  /// What follows comes from elsewhere and may begin with blocks that were there already (retired, not yet trimmed).
  void next_source() { overlap_ = true; }
  /// An entry without a block.
  void add_unreadable(std::string_view entry, std::string_view why);

  /// @param to_end whether the blocks go to the end of the chain, so that a head behind it means a loss; false for
  /// files. Call once.
  ChainReport finish(const Anchors& anchors, bool to_end);

 private:
  void follow(std::string_view entry, std::string_view bytes);
  void repeat(std::string_view entry);
  void fail(Fault fault, uint64_t block, std::string_view entry, std::string why);
  const Digest* hash_of(uint64_t number) const;
  bool held(uint64_t number, const Anchors& anchors) const;
  void check_front(const Anchors& anchors);
  void collect_lost(const Anchors& anchors);
  bool was_lost(const Anchor& head);
  void check_heads(const Anchors& anchors, bool to_end);

  const std::string ns_;
  ChainReport report_;
  Block block_;
  std::vector<Digest> hashes_;     // of blocks first …
  std::vector<LostBlocks> said_;   // by the chain
  std::vector<LostClaim> claims_;  // by the chain and by heads, of those that are told
  Digest front_previous_{};
  uint64_t epoch_ = 0;
  bool overlap_ = false;
  bool previous_differs_ = false;  // the fault is that bad_block + 1 was made over another bad_block
};

}  // namespace mas::gateway::audit
