// The hash slot of a key: CRC16 of its hash tag, modulo 16384. Pure; threading: none.
//
// Source: the Redis Cluster specification, "Key distribution model" and "Hash tags",
// https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/.
#pragma once

#include <cstdint>
#include <string_view>

namespace mas::redis {

inline constexpr unsigned kHashSlots = 16384;

/// CRC-16/XMODEM: polynomial 0x1021, initial value 0, neither input nor output reflected.
uint16_t crc16(std::string_view bytes);

/// @return the part of a key that its slot depends on: what stands between the first '{' and the next '}', unless that
/// is empty; else the whole key.
std::string_view hash_tag(std::string_view key);

inline unsigned hash_slot(std::string_view key) { return crc16(hash_tag(key)) % kHashSlots; }

}  // namespace mas::redis
