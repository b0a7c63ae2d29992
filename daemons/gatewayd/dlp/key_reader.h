// What keys say (context.h), remembered for the keys that were asked for last: agents send the same keys again and
// again.
//
// Happy path: read_padded() for each key of a document. A key of up to sixteen bytes is one block of bytes: it is found
// by a hash and one comparison; a longer one is told by its first and last eight bytes, and then compared whole.
// Failure: none; what is not known is read from the vocabulary.
// Threading: none. Ownership: nothing that is handed in is kept.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/dlp/byte_block.h"
#include "daemons/gatewayd/dlp/context.h"
#include "daemons/gatewayd/dlp/literal_text.h"

namespace mas::dlp {

class KeyReader {
 public:
  /// Which literals (matcher.h) stand in a key, whatever digits it ends in.
  enum class Literals : uint8_t {
    kUnknown,  ///< it was met for the first time
    kSome,     ///< several, or it depends on the digits
    kNone,
    kOne,
  };
  struct Says {
    ContextMask mask = 0;  ///< of all its words
    uint8_t roles = kNoRole;
    Literals literals = Literals::kUnknown;
    uint16_t literal = 0;  ///< of kOne: its number, and where it ends in the key
    uint32_t literal_end = 0;
  };
  /// @param ret_matches the literals in a key. @return whether they are the same with digits behind it.
  using FindLiterals = std::function<bool(std::string_view key, std::vector<Match>& ret_matches)>;

  /// Knows of no literals.
  KeyReader() = default;
  /// @param find_literals is called for a key that is met again, once: where all keys of a message are new, none is
  /// worth the call.
  explicit KeyReader(FindLiterals find_literals) : find_literals_(std::move(find_literals)) {}

  /// @param key unescaped. @return what it says without its last digits: note_1 and note_2 have the same words.
  Says read(std::string_view key);
  /// The same of a key of which at least a block can be read, whatever stands behind it.
  [[gnu::always_inline]] Says read_padded(const char* key, size_t size) {
    return size <= kBlock ? read_block(load_block(key), key, size) : read_long({key, size});
  }

 private:
  static constexpr size_t kBlock = sizeof(ByteBlock);
  static constexpr unsigned kPlaceBits = 10;
  static constexpr size_t kPlaces = size_t{2} << kPlaceBits;
  struct Known {
    ByteBlock bytes{};  // the key, and zeros; of a long one its first and last eight bytes
    Says says;
    uint32_t size = 0;

    bool is(const ByteBlock& other, size_t other_size) const {
      constexpr uint32_t kAll = 0xffff;
      return bits_of(bytes == other) == kAll && size == other_size;
    }
  };

  /// @return the first of the two places of a key.
  static size_t place_of(const ByteBlock& bytes) {
    std::array<uint64_t, 2> halves;
    std::memcpy(&halves, &bytes, sizeof halves);
    // All bytes have a part in the highest bits.
    uint64_t mixed = halves[0] * 0x9e3779b97f4a7c15U + halves[1] * 0xc2b2ae3d27d4eb4fU;
    return static_cast<size_t>(mixed >> (64 - kPlaceBits)) * 2;
  }
  Says read_block(ByteBlock bytes, const char* key, size_t size);
  Says read_long(std::string_view key);
  Says read_new(std::string_view key, const ByteBlock& bytes, size_t place);
  Says read_known(Known& known, std::string_view key) {
    if (known.says.literals == Literals::kUnknown) [[unlikely]]
      look_for_literals(known, key);
    return known.says;
  }
  void look_for_literals(Known& known, std::string_view key);

  FindLiterals find_literals_;
  std::vector<Match> matches_;
  // Each key has two places; the last that came takes the first.
  std::vector<Known> known_ = std::vector<Known>(kPlaces);
  std::vector<std::string> long_keys_ = std::vector<std::string>(kPlaces);  // those that are longer than a block
};

[[gnu::always_inline]] inline KeyReader::Says KeyReader::read_block(ByteBlock bytes, const char* key, size_t size) {
  uint32_t words = ~bits_of((bytes - '0') < 10) & ((uint32_t{1} << size) - 1);  // where no digit stands
  if (words == 0) return {};
  size = static_cast<size_t>(std::bit_width(words));
  static constexpr std::array<char, 2 * kBlock> kKept = [] {
    std::array<char, 2 * kBlock> made{};
    for (size_t i = 0; i < kBlock; ++i) made[i] = '\xff';
    return made;
  }();
  bytes &= load_block(kKept.data() + kBlock - size);
  const size_t place = place_of(bytes);
  Known* known = &known_[place];
  if (!known->is(bytes, size) && !(++known)->is(bytes, size)) return read_new({key, size}, bytes, place);
  return read_known(*known, {key, size});
}

}  // namespace mas::dlp
