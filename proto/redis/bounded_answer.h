// Reads whose answer is bounded, whatever the stored value: a text over the bound is answered by its length.
//
// Happy path: add_bounded() appends any reading command as a script; its reply is that of the command.
// Failure modes:
// - a text over `text` bytes, at any depth of the reply: an integer in its place, its length; with `refuse`, the whole
//   reply
//   is the error `TOOLARGE …`, which names the key and says how many bytes there are and may be;
// - a reply that still has more than `whole` bytes: that error;
// - an error of the command: as Redis words it.
// A value that is too large is copied once inside Redis and never leaves it. A frequent reader should ask for sizes
// first, where Redis has a command for that (HSTRLEN): hash_reads.h.
// Threading: none; appends commands.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

#include "proto/base/result.h"
#include "proto/redis/command.h"
#include "proto/redis/reply.h"

namespace mas::redis {

struct AnswerBounds {
  size_t text = 0;                   ///< bytes of one text
  size_t whole = 64u * 1024 * 1024;  ///< bytes of all texts together
  bool refuse = false;               ///< for readers to whom one text that is too large spoils the reply
};

/// Appends one command.
/// @param words a command that only reads, its key second; or SCAN, which has none.
void add_bounded(Command& batch, AnswerBounds bounds, std::span<const std::string_view> words);
void add_bounded(Command& batch, AnswerBounds bounds, std::initializer_list<std::string_view> words);

/// The same as a command of its own.
Command bounded(AnswerBounds bounds, std::initializer_list<std::string_view> words);

/// @return kTooLarge with the sentence "WHAT has N bytes; expected at most M".
Error too_large(std::string_view what, uint64_t bytes, size_t most);

/// For a reply that should be a text or nil. @return too_large() if it is a length instead.
Status check_text(std::string_view what, const Reply& reply, size_t most);

}  // namespace mas::redis
