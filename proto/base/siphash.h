// SipHash-2-4, and the faster SipHash-1-3: keyed hashes of short texts, for tables whose keys others choose.
//
// J.-P. Aumasson, D. Bernstein, "SipHash: a fast short-input PRF" (INDOCRYPT 2012). Without the key, nobody can choose
// texts that share a slot or a counter. Not for signatures: it has 64 bits.
// Threading: pure; no allocation.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace mas {

struct SipKey {
  uint64_t k0 = 0;
  uint64_t k1 = 0;
};

/// @tparam kRounds per word of the text. @tparam kLastRounds at its end.
template <int kRounds, int kLastRounds>
class BasicSipHash {
 public:
  explicit BasicSipHash(const SipKey& key)
      : v0_(key.k0 ^ 0x736f6d6570736575),
        v1_(key.k1 ^ 0x646f72616e646f6d),
        v2_(key.k0 ^ 0x6c7967656e657261),
        v3_(key.k1 ^ 0x7465646279746573) {}

  BasicSipHash& add(std::string_view bytes) {
    while (size_ % 8 != 0 && !bytes.empty()) {
      add_byte(static_cast<unsigned char>(bytes.front()));
      bytes.remove_prefix(1);
    }
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
      absorb(first_word(bytes));
      size_ += 8;
    }
    for (char c : bytes) add_byte(static_cast<unsigned char>(c));
    return *this;
  }
  BasicSipHash& add_byte(unsigned char byte) {
    word_ |= uint64_t{byte} << (8 * (size_ % 8));
    if (++size_ % 8 != 0) return *this;
    absorb(word_);
    word_ = 0;
    return *this;
  }
  uint64_t finish() {
    absorb(word_ | uint64_t{size_ & 0xff} << 56);
    v2_ ^= 0xff;
    for (int i = 0; i < kLastRounds; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  /// Little-endian, as the hash is defined.
  static uint64_t first_word(std::string_view bytes) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    return word;
  }
  void absorb(uint64_t word) {
    v3_ ^= word;
    for (int i = 0; i < kRounds; ++i) round();
    v0_ ^= word;
  }
  void round() {
    v0_ += v1_, v1_ = std::rotl(v1_, 13), v1_ ^= v0_, v0_ = std::rotl(v0_, 32);
    v2_ += v3_, v3_ = std::rotl(v3_, 16), v3_ ^= v2_;
    v0_ += v3_, v3_ = std::rotl(v3_, 21), v3_ ^= v0_;
    v2_ += v1_, v1_ = std::rotl(v1_, 17), v1_ ^= v2_, v2_ = std::rotl(v2_, 32);
  }

  uint64_t v0_, v1_, v2_, v3_;
  uint64_t word_ = 0;
  size_t size_ = 0;
};

using SipHash = BasicSipHash<2, 4>;

/// What hash tables take: enough against who does not see the hashes, and about half the work.
inline uint64_t siphash13(const SipKey& key, std::string_view text) {
  return BasicSipHash<1, 3>(key).add(text).finish();
}

}  // namespace mas
