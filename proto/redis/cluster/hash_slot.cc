// CRC16 by a table of the 256 values of a byte.
#include "proto/redis/cluster/hash_slot.h"

#include <array>

namespace mas::redis {
namespace {

constexpr std::array<uint16_t, 256> kTable = [] {
  std::array<uint16_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000u) != 0 ? (crc << 1) ^ 0x1021u : crc << 1;
    table[byte] = static_cast<uint16_t>(crc);
  }
  return table;
}();

}  // namespace

uint16_t crc16(std::string_view bytes) {
  unsigned crc = 0;
  for (char c : bytes) crc = ((crc << 8) & 0xffffu) ^ kTable[(crc >> 8) ^ static_cast<unsigned char>(c)];
  return static_cast<uint16_t>(crc);
}

std::string_view hash_tag(std::string_view key) {
  const auto open = key.find('{');
  if (open == std::string_view::npos) return key;
  const auto close = key.find('}', open + 1);
  if (close == std::string_view::npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

}  // namespace mas::redis
