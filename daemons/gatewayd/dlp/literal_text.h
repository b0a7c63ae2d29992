// The parts of a document that literals (matcher.h) are searched in, put together, and those that need no search.
//
// Half of a JSON message of an agent is numbers, in which no literal can stand, and keys that were met before, of which
// is known what stands in them (key_reader.h). Searching a byte costs several times as much as copying it.
//
//     \0 order_id_2 \0 452426864 \0 note_3 \0 call me \0     →     \0 call me \0      and `order_id`, at its place
//
// Happy path: add() and add_known() for the nodes of a document in their order; text() is searched; complete() turns
// places in it into places in the document. A document that is not read in this way is searched as a whole.
// Threading: none. Ownership: its buffers'; text() ends with the next change.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/dlp/buffer.h"

namespace mas::dlp {

/// A literal that stands in a text.
struct Match {
  uint32_t literal;
  uint32_t end;
};

class LiteralText {
 public:
  void clear();
  /// Bytes behind a text that add() may read.
  static constexpr size_t kPadding = 64;
  /// Adds a node's text. @param text with kPadding behind it. @param begin where it stands in the document.
  void add(const char* text, uint32_t size, uint32_t begin) {
    copy_.reserve(size + 1 + kPadding);
    char* to = copy_.end();
    parts_.add() = {static_cast<uint32_t>(copy_.size()), begin};
    std::memcpy(to, text, kPadding);  // most are no longer, and a copy of a fixed size is a few instructions
    if (size > kPadding) [[unlikely]]
      std::memcpy(to + kPadding, text + kPadding, size - kPadding);
    to[size] = '\0';
    copy_.advance(size + 1);
  }
  /// Adds a literal of which it is known where it stands in the document.
  void add_known(Match match) { known_.add() = match; }

  std::string_view text() const { return {copy_.view().data(), copy_.size()}; }
  /// @param matches in text(), by growing ends; gets all of the document, by growing ends.
  void complete(std::vector<Match>& matches);

 private:
  struct Part {
    uint32_t begin;  // in text()
    uint32_t place;  // in the document
  };

  Buffer<char> copy_;
  Buffer<Part> parts_;
  Buffer<Match> known_;
  Buffer<Match> merged_;
};

}  // namespace mas::dlp
