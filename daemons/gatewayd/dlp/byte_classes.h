// The prefilter: what kinds of bytes stand where in a text, sixty-four to a word, from one pass over it.
//
// Most of a message begins nothing: prose, keys, ids. Where there is no digit no number need be looked for, where fewer
// than twelve characters of base64 stand side by side nothing is encoded, and a seed phrase is a long run of small
// letters and spaces. The detectors find such places by counting bits instead of reading the text again, each for
// itself.
// Threading: none. Ownership: a scanner's, one for each reading; made to be used again and again.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

namespace mas::dlp {

class ByteClasses {
 public:
  static constexpr uint32_t kBits = 64;
  /// @param before the word before. @return bit i where bit i - `by` is set, counted from the word before on.
  static constexpr uint64_t behind(uint64_t bits, uint64_t before, unsigned by) {
    return bits << by | before >> (kBits - by);
  }
  /// Bit i for byte i of 64; 0 past the text.
  struct Word {
    uint64_t digits = 0;  ///< 0-9
    uint64_t alnum = 0;   ///< and letters of ASCII
    uint64_t base64 = 0;  ///< and + / - _
    uint64_t lower = 0;   ///< small letters of ASCII
    uint64_t words = 0;   ///< and white space, commas, and what ends a node
    uint64_t fields = 0;  ///< digits, and what stands between groups of them: space - . / ( ) _
    uint64_t sides = 0;   ///< signs that make something of few digits that they stand beside: space - : ,
  };
  using Class = uint64_t Word::*;

  /// What the pass is made with: the widest vectors of this machine, or what every machine has.
  enum class Vectors : uint8_t { kWidest, kPortable };
  void read(std::string_view text, Vectors vectors = Vectors::kWidest);

  uint32_t size() const { return size_; }
  /// Whether any byte is part of a character beyond ASCII.
  bool has_high() const { return found_.high; }
  /// Whether there is any of the signs that text within text is written with: " & % [ \ {
  bool has_signs() const { return found_.signs; }
  /// Whether there is any @.
  bool has_at() const { return found_.at; }
  uint32_t words() const { return static_cast<uint32_t>(words_.size()); }
  const Word& word(uint32_t number) const { return words_[number]; }
  /// @return which bytes of word `number` begin a group of digits that no three letters or digits stand before.
  uint64_t digit_starts(uint32_t number) const {
    const Word& word = words_[number];
    const Word before = number > 0 ? words_[number - 1] : Word();
    uint64_t starts = word.digits & ~behind(word.digits, before.digits, 1);
    uint64_t inside = behind(word.alnum, before.alnum, 1) & behind(word.alnum, before.alnum, 2);
    return starts & ~(inside & behind(word.alnum, before.alnum, 3));
  }
  /// @return the first byte of the class at or behind `from`; size() for none.
  uint32_t next(Class kind, uint32_t from) const {
    if (from >= size_) return size_;
    uint32_t word = from / kBits;
    uint64_t bits = words_[word].*kind & (~uint64_t{0} << from % kBits);
    while (bits == 0) {
      if (++word * kBits >= size_) return size_;
      bits = words_[word].*kind;
    }
    return word * kBits + static_cast<uint32_t>(std::countr_zero(bits));
  }
  /// @return where the run of the class that `from` is in ends; `from` where it is in none.
  uint32_t end(Class kind, uint32_t from) const {
    uint32_t word = from / kBits;
    uint64_t bits = ~(words_[word].*kind) & (~uint64_t{0} << from % kBits);
    while (bits == 0) bits = ~(words_[++word].*kind);
    return word * kBits + static_cast<uint32_t>(std::countr_zero(bits));
  }
  /// @return where the run of the class begins that ends at `end`; `end` where none does.
  uint32_t begin(Class kind, uint32_t end) const {
    if (end == 0) return 0;
    uint32_t word = (end - 1) / kBits;
    uint64_t bits = ~(words_[word].*kind) & (~uint64_t{0} >> (kBits - 1 - (end - 1) % kBits));
    while (bits == 0) {
      if (word == 0) return 0;
      bits = ~(words_[--word].*kind);
    }
    return (word + 1) * kBits - static_cast<uint32_t>(std::countl_zero(bits));
  }
  /// Calls `take(begin, end)` with each run of at least twelve characters of base64.
  template <typename Take>
  void for_each_base64(Take take) const;

 private:
  friend struct BytePass;
  uint32_t size_ = 0;
  struct Found {
    bool high = false, signs = false, at = false;
  } found_;
  std::vector<Word> words_;  // and one more, of zeros
};

template <typename Take>
void ByteClasses::for_each_base64(Take take) const {
  uint64_t before = 0, two_before = 0, four_before = 0, twelve_before = 0;
  for (uint32_t i = 0; i < words_.size(); ++i) {
    // Bytes that have one, three and eleven of the class before them.
    uint64_t bits = words_[i].base64, two = bits & behind(bits, before, 1), four = two & behind(two, two_before, 2);
    uint64_t twelve = four & behind(four, four_before, 4) & behind(four, four_before, 8);
    for (uint64_t ends = behind(twelve, twelve_before, 1) & ~bits; ends != 0; ends &= ends - 1) {
      uint32_t end = i * kBits + static_cast<uint32_t>(std::countr_zero(ends));
      take(begin(&Word::base64, end), end);
    }
    before = bits;
    two_before = two;
    four_before = four;
    twelve_before = twelve;
  }
}

}  // namespace mas::dlp
