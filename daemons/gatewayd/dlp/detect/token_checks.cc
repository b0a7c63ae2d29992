// Check digits of tokens.
#include "daemons/gatewayd/dlp/detect/token_checks.h"

#include <array>

namespace mas::dlp {
namespace {

constexpr auto kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? 0xEDB88320 ^ crc >> 1 : crc >> 1;
    table[i] = crc;
  }
  return table;
}();

std::string in_base(uint32_t value, std::string_view digits, size_t width) {
  std::string text(width, digits[0]);
  for (size_t i = width; i > 0 && value != 0; --i, value /= static_cast<uint32_t>(digits.size()))
    text[i - 1] = digits[value % digits.size()];
  return text;
}

}  // namespace

uint32_t crc32(std::string_view bytes) {
  uint32_t crc = ~uint32_t{0};
  for (char c : bytes) crc = kCrcTable[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ crc >> 8;
  return ~crc;
}

std::string crc62(std::string_view bytes) {
  return in_base(crc32(bytes), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 6);
}

std::string crc36(std::string_view bytes) { return in_base(crc32(bytes), "0123456789abcdefghijklmnopqrstuvwxyz", 7); }

bool ends_in_crc62(std::string_view body) {
  constexpr size_t kCheck = 6;
  return body.size() > kCheck && crc62(body.substr(0, body.size() - kCheck)) == body.substr(body.size() - kCheck);
}

bool ends_in_gitlab_crc(std::string_view token) {
  constexpr size_t kCheck = 7, kLength = 2;
  if (token.size() <= kCheck + kLength || token[token.size() - kCheck - kLength - 1] != '.') return false;
  return crc36(token.substr(0, token.size() - kCheck)) == token.substr(token.size() - kCheck);
}

}  // namespace mas::dlp
