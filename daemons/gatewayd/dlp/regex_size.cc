// Counts atoms, and multiplies by repeats.
#include "daemons/gatewayd/dlp/regex_size.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

constexpr size_t kDeepest = 32, kMax = 1u << 30;

/// @return where the class that begins at `at` ends.
size_t past_class(std::string_view pattern, size_t at) {
  ++at;
  if (at < pattern.size() && pattern[at] == '^') ++at;
  if (at < pattern.size() && pattern[at] == ']') ++at;
  for (; at < pattern.size() && pattern[at] != ']'; ++at)
    if (pattern[at] == '\\') ++at;
  return at + 1;
}

/// `{3}`, `{3,}`, `{3,5}`. @return the larger of its numbers and where it ends; 0 where there is none.
size_t counted(std::string_view pattern, size_t at, size_t& ret_end) {
  size_t most = 0, number = 0;
  for (size_t i = at + 1; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (is_digit(c)) {
      number = std::min(number * 10 + static_cast<size_t>(c - '0'), kMax);
    } else if (c == ',' || c == '}') {
      most = std::max(most, number);
      number = 0;
      if (c == ',') continue;
      ret_end = i + 1;
      return most;
    } else {
      return 0;
    }
  }
  return 0;
}

}  // namespace

size_t regex_size(std::string_view pattern) {
  std::vector<size_t> sums = {0};  // by open groups
  size_t last = 0;                 // the atom that a repeat would repeat, already in its sum
  for (size_t at = 0; at < pattern.size();) {
    size_t end = at + 1;
    switch (pattern[at]) {
      case '(':
        if (sums.size() > kDeepest) return SIZE_MAX;
        sums.push_back(0);
        last = 0;
        break;
      case ')':
        if (sums.size() > 1) {
          last = sums.back();
          sums.pop_back();
          sums.back() = std::min(sums.back() + last, kMax);
        }
        break;
      case '{':
        if (size_t times = counted(pattern, at, end); times > 1)
          sums.back() = std::min(sums.back() + std::min(last, kMax) * (times - 1), kMax);
        break;
      case '[':
        end = past_class(pattern, at);
        [[fallthrough]];
      default:
        if (pattern[at] == '\\') end = at + 2;
        last = 1;
        sums.back() += 1;
    }
    at = end;
  }
  size_t all = 0;
  for (size_t sum : sums) all = std::min(all + sum, kMax);
  return all;
}

}  // namespace mas::dlp
