// Hexadecimal digits at fixed places.
#include "sdk/bench/stamp.h"

#include <algorithm>
#include <cstring>

namespace mas::ctl {

namespace {

constexpr std::string_view kTemplate = R"({"r":"0000","n":"0000000000000000","t":"0000000000000000","p":""})";
static_assert(kTemplate.size() == kStampBytes);
constexpr size_t kRoundAt = 6, kNumberAt = 17, kTimeAt = 40;

void write_hex(char* at, uint64_t value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value >>= 4) at[i] = "0123456789abcdef"[value & 15];
}

/// @return false for anything but lower-case hexadecimal digits.
bool read_hex(const char* at, int digits, uint64_t& ret_value) {
  uint64_t value = 0;
  for (int i = 0; i < digits; ++i) {
    char c = at[i];
    unsigned digit = c >= '0' && c <= '9' ? unsigned(c - '0') : c >= 'a' && c <= 'f' ? unsigned(c - 'a' + 10) : 16;
    if (digit == 16) return false;
    value = value << 4 | digit;
  }
  ret_value = value;
  return true;
}

}  // namespace

std::string stamped_payload(size_t size) {
  std::string payload(kTemplate);
  payload.insert(payload.size() - 2, std::max(size, kStampBytes) - kStampBytes, 'x');
  return payload;
}

void write_stamp(char* payload, const Stamp& stamp) {
  write_hex(payload + kRoundAt, stamp.round, 4);
  write_hex(payload + kNumberAt, stamp.number, 16);
  write_hex(payload + kTimeAt, stamp.time, 16);
}

Stamp read_stamp(std::string_view payload, bool& ret_ok) {
  Stamp stamp;
  uint64_t round = 0;
  ret_ok = payload.size() >= kStampBytes && read_hex(payload.data() + kRoundAt, 4, round) &&
           read_hex(payload.data() + kNumberAt, 16, stamp.number) && read_hex(payload.data() + kTimeAt, 16, stamp.time);
  stamp.round = static_cast<uint32_t>(round);
  return stamp;
}

size_t find_payload(std::string_view envelope) { return envelope.find(kTemplate.substr(0, kRoundAt)); }

}  // namespace mas::ctl
