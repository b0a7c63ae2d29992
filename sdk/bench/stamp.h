// The payload of benchmark messages: round, number and time at fixed places, then padding.
//
//   {"r":"0003","n":"000000000000002a","t":"000003a1b2c3d4e5","p":"xxxx…"}
//
// Fixed places, so that reading them costs both sides of a comparison next to nothing. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mas::ctl {

inline constexpr size_t kStampBytes = 65;  ///< the smallest payload: everything but the padding

struct Stamp {
  uint32_t round = 0;
  uint64_t number = 0;
  uint64_t time = 0;  ///< nanoseconds, monotonic
};

/// @return a payload of `size` bytes (at least kStampBytes) that write_stamp can write into.
std::string stamped_payload(size_t size);

/// Writes a stamp over the one at `payload`, whose size is at least kStampBytes.
void write_stamp(char* payload, const Stamp& stamp);

/// @return the stamp at the beginning of `payload`; false in `ret_ok` when there is none.
Stamp read_stamp(std::string_view payload, bool& ret_ok);

/// @return where in an envelope the payload begins; npos when it has none.
size_t find_payload(std::string_view envelope);

/// The number that ends a round: its stamp's `time` is then how many messages the round had.
inline constexpr uint64_t kEndOfRound = UINT64_MAX;

}  // namespace mas::ctl
