// A reply of Redis as a tree of views, and the arena it lives in.
//
// Hiredis's reader calls back for every node; the nodes and their bytes go into one bump arena that is
// rewound after each reply has been handed out, so that a steady stream of replies allocates nothing.
// Ownership: a Reply is valid during the callback that receives it. Copy what must stay.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"

struct redisReader;

namespace mas::redis {

struct Reply {
  enum class Type : uint8_t { kNil, kInteger, kString, kStatus, kError, kArray };
  Type type = Type::kNil;
  int64_t integer = 0;           ///< kInteger
  std::string_view text;         ///< kString, kStatus, kError (with its code, "READONLY You can't …")
  const Reply* first = nullptr;  ///< kArray: `count` replies
  size_t count = 0;

  bool is_nil() const { return type == Type::kNil; }
  bool is_error() const { return type == Type::kError; }
  bool is_integer() const { return type == Type::kInteger; }
  bool is_text() const { return type == Type::kString || type == Type::kStatus; }
  bool is_array() const { return type == Type::kArray; }
  const Reply* begin() const { return first; }
  const Reply* end() const { return first + count; }
  const Reply& operator[](size_t i) const { return first[i]; }

  /// The upper-case first word of an error, "READONLY"; empty for anything else.
  std::string_view error_code() const;
};

/// @return the error that an error reply means to a caller: kUnavailable (LOADING, READONLY, OOM, MASTERDOWN,
/// BUSY, TRYAGAIN, CLUSTERDOWN, NOREPLICAS, MISCONF), kAuthFailed (NOAUTH, WRONGPASS, NOPERM), else kRefused;
/// the message is Redis's own.
Error error_of(const Reply& reply);

/// What a reader may be made to hold.
struct ReplyLimits {
  size_t reply_bytes = 512u * 1024 * 1024;  ///< of one reply; past it, a protocol error
  size_t text_bytes = 512u * 1024 * 1024;   ///< of one text in it; past it, kTooLarge before its bytes have come
};

/// A text past its limit: how long it is, and how it begins.
struct OversizedText {
  static constexpr size_t kHeadBytes = 4096;
  uint64_t bytes = 0;
  std::string head;
};

/// Incremental RESP2 parser with bounded memory.
class ReplyReader {
 public:
  explicit ReplyReader(ReplyLimits limits = {});
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  /// From the next reply on: a longer text comes as an integer in its place, its length. Its bytes are dropped as they
  /// come.
  /// @param most bytes of a text; 0: no such bound.
  void bound_texts(size_t most);

  /// Appends bytes from the wire. @return kProtocol or kNoMemory; the reader is then unusable.
  Status feed(std::string_view bytes);

  /// @return the next complete reply, valid until the next call of any member; nullptr when more bytes are
  /// needed; kProtocol for bytes that are not RESP2 or exceed a limit; kTooLarge for a text past its limit, see
  /// oversized(). After an error the reader is unusable.
  Result<const Reply*> next();

  /// The text that next() refused with kTooLarge.
  const OversizedText& oversized() const { return oversized_; }
  /// Whether a part of a reply is held.
  bool in_reply() const;

  /// Overwrites the reply that was handed out, and every byte that is no longer needed.
  void wipe();

  class Arena;

 private:
  struct IncompleteText;
  std::optional<IncompleteText> incomplete_text() const;
  bool leave_out_text();
  bool text_too_large();

  std::unique_ptr<Arena> arena_;
  ReplyLimits limits_;
  OversizedText oversized_;
  redisReader* reader_;
  uint64_t dropping_ = 0;    // bytes still to come of a text that was left out
  bool handed_out_ = false;  // the arena holds a reply that the caller has seen
};

}  // namespace mas::redis
