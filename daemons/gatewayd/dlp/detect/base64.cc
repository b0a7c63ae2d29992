// The lenient decoder.
#include "daemons/gatewayd/dlp/detect/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "proto/base/utf8.h"

namespace mas::dlp {
namespace {

constexpr auto kValues = [] {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  int8_t next = 0;
  for (char c = 'A'; c <= 'Z'; ++c) values[static_cast<unsigned char>(c)] = next++;
  for (char c = 'a'; c <= 'z'; ++c) values[static_cast<unsigned char>(c)] = next++;
  for (char c = '0'; c <= '9'; ++c) values[static_cast<unsigned char>(c)] = next++;
  values['+'] = values['-'] = 62;
  values['/'] = values['_'] = 63;
  return values;
}();

}  // namespace

uint32_t base64_value(char digit) { return static_cast<uint8_t>(kValues[static_cast<unsigned char>(digit)]); }

bool decode_base64(std::string_view text, std::string& out) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  if (text.size() % 4 == 1) return false;
  uint32_t bits = 0;
  unsigned held = 0;
  for (char c : text) {
    int value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.push_back(static_cast<char>(bits >> held & 0xff));
  }
  return true;
}

bool decode_login(std::string_view text, std::string& ret_user, std::string& ret_password) {
  constexpr size_t kShortest = 8;
  std::string plain;
  if (text.size() < kShortest || !decode_base64(text, plain) || !is_valid_utf8(plain)) return false;
  bool printable = std::all_of(plain.begin(), plain.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte >= ' ' && byte != 0x7f;
  });
  size_t colon = plain.find(':');
  if (!printable || colon == std::string::npos || colon + 1 >= plain.size()) return false;
  ret_user = plain.substr(0, colon);
  ret_password = plain.substr(colon + 1);
  return true;
}

}  // namespace mas::dlp
