// Retired blocks: audit blocks in a file, which retention removes from Redis.
//
//   file    "mas-audit-1\n", frames
//   frame   u32 size of what follows · text16 entry id · block
//
// A file holds consecutive blocks of one partition; retired_file_name() says which. Integers are little-endian.
// Failure: a reader stops at a frame that is cut; good_bytes() says where the last whole one ends, where an
// interrupted writer continues.
// Threading: none. Ownership: a reader's views live as long as the bytes. Pure: reads and writes no files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/bytes.h"
#include "proto/base/result.h"

namespace mas::gateway::audit {

inline constexpr std::string_view kRetiredBlocksMagic = "mas-audit-1\n";

struct RetiredBlockFrame {
  std::string_view entry;  ///< the id it had in the stream
  std::string_view block;
};

void append_retired_block(std::string& out, const RetiredBlockFrame& frame);

class RetiredBlockReader {
 public:
  explicit RetiredBlockReader(std::string_view bytes);

  /// @return whether there was another whole frame.
  bool next(RetiredBlockFrame& ret_frame);
  /// @return kMalformed when next() ended before the end, or the bytes are not such a file.
  const Status& status() const { return status_; }
  /// Bytes up to the end of the last whole frame; 0: not such a file.
  size_t good_bytes() const { return good_; }

 private:
  std::string_view bytes_;
  size_t good_ = 0;
  Status status_;
};

/// "audit-0003-00000000000000000042.mas": partition and first block, so that names sort by both.
std::string retired_file_name(uint32_t partition, uint64_t first_block);

struct RetiredFileName {
  uint32_t partition = 0;
  uint64_t first_block = 0;
};
/// @return what such a name says; nullopt for any other name.
std::optional<RetiredFileName> parse_retired_file_name(std::string_view name);

}  // namespace mas::gateway::audit
