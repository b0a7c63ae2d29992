// SipHash-2-4: a keyed hash of short texts, for tables whose keys others choose.
//
// J.-P. Aumasson, D. Bernstein, "SipHash: a fast short-input PRF" (INDOCRYPT 2012). Who does not know the key cannot choose
// texts that share a slot, or a counter. Not for signatures: it has 64 bits.
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

class SipHash {
 public:
  explicit SipHash(const SipKey& key)
      : v0_(key.k0 ^ 0x736f6d6570736575),
        v1_(key.k1 ^ 0x646f72616e646f6d),
        v2_(key.k0 ^ 0x6c7967656e657261),
        v3_(key.k1 ^ 0x7465646279746573) {}

  SipHash& add(std::string_view bytes) {
    for (char c : bytes) add_byte(static_cast<unsigned char>(c));
    return *this;
  }
  SipHash& add_byte(unsigned char byte) {
    word_ |= uint64_t{byte} << (8 * (size_ % 8));
    if (++size_ % 8 != 0) return *this;
    absorb(word_);
    word_ = 0;
    return *this;
  }
  uint64_t finish() {
    absorb(word_ | uint64_t{size_ & 0xff} << 56);
    v2_ ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void absorb(uint64_t word) {
    v3_ ^= word;
    round();
    round();
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

}  // namespace mas
