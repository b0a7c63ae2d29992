// A set of fixed words in groups: one look tells which groups a word of a text is in, however many words there are.
//
// Threading: none; a table is read only once it is made. Ownership: the table keeps its own copy of the words.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace mas::dlp {

class WordTable {
 public:
  static constexpr size_t kLongest = 23;  ///< bytes of a word

  struct Group {
    uint32_t bits;
    std::string_view words;  ///< in lower case, with '|' between two, each of at most kLongest bytes
  };
  explicit WordTable(const std::vector<Group>& groups);

  /// @return the bits of all groups that hold this word, without regard to the case of ASCII letters; 0: none does.
  uint32_t of(std::string_view word) const;

 private:
  /// A word as numbers: its bytes, zeros behind them, and in the last byte its length.
  using Bytes = std::array<uint64_t, (kLongest + 1) / sizeof(uint64_t)>;
  struct Slot {
    Bytes word{};
    uint32_t bits = 0;  // 0: empty
  };
  static Bytes bytes_of(std::string_view word);
  /// The slot of a word, or the empty one where it would be.
  size_t slot_of(const Bytes& word) const;

  std::array<uint32_t, 256> lengths_{};  // by first byte: bit n where a word of n bytes begins with it
  std::vector<Slot> slots_;              // a power of two, at most half of them taken
};

}  // namespace mas::dlp
