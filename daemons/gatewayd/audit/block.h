// The audit block: what one commit of one partition decided, chained to the block before it by its hash.
//
//   u8 version (2) · u32 partition · u64 epoch · u64 number · u64 time (µs) · 32 hash of the previous block
//   · 32 policy digest · text16 namespace · u32 number of records · u16 number of texts · texts (text16 each) · records
//   · 32 hash: SHA-256 over "mas.audit.block.v2" and everything before
//
//   record   u8 flags · i32 time less the block's (µs) · 16 message id · u16 sender · u16 target · u16 type
//            · u8 decision · u16 reason · u16 instance · u64 sequence · 32 keyed hash of the payload
//            · u8 shadow decision · u16 shadow reason     (flag kShadow)
//            · u8 number of detectors · u16 each          (flag kDetectors)
//
// A u16 names a text: 0 the empty one, n the n-th of the block. A message id that is a UUID in its canonical form
// stands as its 16 bytes, another one (flag kTextId) as a u16 and 14 zero bytes. An instance is a text of 16 bytes. The
// first block of a partition has number 1 and 32 zero bytes for its previous hash.
// Happy path: one BlockBuilder per partition: begin(), add() per message, finish(); reused, it allocates nothing.
// Failure: decode_block answers kMalformed or kTooLarge with what is wrong; it takes no byte that the form does not
// explain, and does not compute the hash (block_hash does).
// Threading: none. Ownership: what is added is copied; a decoded block's views live as long as the bytes and the Block.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/audit/text_table.h"
#include "proto/base/clock.h"
#include "proto/base/decisions.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/wire/digest.h"

namespace mas::gateway::audit {

inline constexpr uint8_t kBlockVersion = 2;
inline constexpr std::string_view kBlockDomain = "mas.audit.block.v2";
inline constexpr Digest kGenesisPrevious{};
inline constexpr uint64_t kFirstBlock = 1;

inline constexpr size_t kBlockRecords = 8192;  ///< in one block
inline constexpr size_t kBlockBytes = 16 * 1024 * 1024;
inline constexpr size_t kAuditTextBytes = 1024;  ///< a longer text is cut to this
inline constexpr size_t kDetectorNames = 16;     ///< per record; further ones are left out

/// One message and what was decided about it.
struct AuditRecord {
  struct Shadow {
    Decision decision = Decision::kAllowed;
    std::string_view reason;
  };

  WallMicros time = 0;  ///< of the decision; kept exactly within 35 minutes of the block's time
  std::string_view message_id;
  std::string_view sender;
  std::string_view target;
  std::string_view type;
  Decision decision = Decision::kAllowed;
  std::string_view reason;  ///< one sentence, or empty; never payload
  Id128 instance;           ///< the sender's; zeros: unknown
  uint64_t sequence = 0;
  Digest payload{};                             ///< HMAC over the envelope's SHA-256
  std::span<const std::string_view> detectors;  ///< names, never what they found
  std::optional<Shadow> shadow;                 ///< what policies in shadow mode would have decided
};

/// What names a block: enough to chain to it and to anchor it.
struct BlockHead {
  uint32_t partition = 0;
  uint64_t number = 0;
  Digest hash{};

  bool operator==(const BlockHead&) const = default;
};

/// @return the epoch of a block that has a head.
uint64_t block_epoch(std::string_view bytes);

class BlockBuilder {
 public:
  struct Finished {
    std::string_view bytes;  ///< until the next begin()
    Digest hash{};
  };

  /// Starts a block; one that was not finished is forgotten. @param number the previous block's + 1, or kFirstBlock.
  /// @param previous hash of the previous block, or kGenesisPrevious. @param time of the turn.
  /// @param policy names the rules that decide in this block. @param ns the namespace, without '/'.
  void begin(uint32_t partition, uint64_t epoch, uint64_t number, const Digest& previous, WallMicros time,
             const Digest& policy, std::string_view ns);
  /// @param record views are used during the call only. Not after full(), which ends the process.
  void add(const AuditRecord& record);
  bool empty() const { return count_ == 0; }
  size_t count() const { return count_; }
  /// Whether the block takes no further record: finish it and begin another. Not before kBlockRecords records with
  /// fewer than 65,000 different texts.
  bool full() const;
  Finished finish();

 private:
  TextTable texts_;
  std::string header_;
  std::string records_;
  std::string out_;  // domain and block
  uint32_t count_ = 0;
  WallMicros time_ = 0;
};

/// A decoded block. Reused, it allocates little.
struct Block {
  BlockHead head;  ///< its hash as the block states it
  uint64_t epoch = 0;
  WallMicros time = 0;
  Digest previous{};
  Digest policy{};
  std::string_view ns;  ///< the namespace, without '/'
  std::vector<AuditRecord> records;

  std::vector<std::string_view> texts;      ///< by their number
  std::vector<std::string_view> detectors;  ///< of all records, one after another
  std::string uuids;                        ///< the message ids that are UUIDs, 36 characters each
};

/// @param ret_block undefined after an error.
Status decode_block(std::string_view bytes, Block& ret_block);

/// @param bytes a block that has a head. @return ok if it is of this namespace, else kMalformed that says of which it
/// is.
Status check_namespace_of(std::string_view bytes, std::string_view ns);

/// The head of a block without looking at its records. @return kMalformed when it is too short or of another version.
Result<BlockHead> block_head(std::string_view bytes);

/// What the hash of a block's bytes has to be. @param bytes at least 32.
Digest block_hash(std::string_view bytes);

/// @return the 16 bytes of a UUID in its canonical form (8-4-4-4-12, lower case); nullopt for any other text.
std::optional<Id128> parse_uuid(std::string_view text);

}  // namespace mas::gateway::audit
