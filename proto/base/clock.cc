// Times as text.
#include "proto/base/clock.h"

#include <charconv>
#include <ctime>

namespace mas {
namespace {

void append_padded(std::string& out, int64_t value, int width) {
  char digits[20];
  for (int i = width - 1; i >= 0; --i, value /= 10) digits[i] = static_cast<char>('0' + value % 10);
  out.append(digits, static_cast<size_t>(width));
}

}  // namespace

void append_seconds(std::string& out, WallMicros t) {
  if (t < 0) t = 0;
  char digits[24];
  auto end = std::to_chars(digits, digits + sizeof digits, t / 1'000'000).ptr;
  out.append(digits, end);
  out.push_back('.');
  append_padded(out, t % 1'000'000, 6);
}

void append_rfc3339(std::string& out, WallMicros t) {
  if (t < 0) t = 0;
  std::time_t seconds = t / 1'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  append_padded(out, parts.tm_year + 1900, 4);
  out.push_back('-');
  append_padded(out, parts.tm_mon + 1, 2);
  out.push_back('-');
  append_padded(out, parts.tm_mday, 2);
  out.push_back('T');
  append_padded(out, parts.tm_hour, 2);
  out.push_back(':');
  append_padded(out, parts.tm_min, 2);
  out.push_back(':');
  append_padded(out, parts.tm_sec, 2);
  out.push_back('.');
  append_padded(out, t % 1'000'000, 6);
  out.push_back('Z');
}

}  // namespace mas
