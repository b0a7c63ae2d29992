// Sixteen bytes at once, whatever the machine has for it: what the scanners of the engine look at text with.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace mas::dlp {

using ByteBlock = unsigned char __attribute__((vector_size(16)));

inline ByteBlock load_block(const char* at) {
  ByteBlock bytes;
  std::memcpy(&bytes, at, sizeof bytes);
  return bytes;
}

/// @param marks the result of comparing blocks: each byte 0 or 0xff. @return bit i for byte i.
template <typename Marks>
inline uint32_t bits_of(const Marks& marks) {
  static_assert(sizeof(Marks) == 16 && std::endian::native == std::endian::little);
#if defined(__SSE2__)  // one instruction, on every amd64 machine
  __m128i bytes;
  std::memcpy(&bytes, &marks, sizeof bytes);
  return static_cast<uint32_t>(_mm_movemask_epi8(bytes));
#else
  // The multiplication moves bit 7 of each byte to a place of its own in the highest byte.
  constexpr uint64_t kHighest = 0x8080808080808080, kGather = 0x0002040810204081;
  std::array<uint64_t, 2> halves;
  std::memcpy(&halves, &marks, sizeof halves);
  auto low = static_cast<uint32_t>((halves[0] & kHighest) * kGather >> 56);
  auto high = static_cast<uint32_t>((halves[1] & kHighest) * kGather >> 56);
  return low | high << 8;
#endif
}

}  // namespace mas::dlp
