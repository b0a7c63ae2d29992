// What servers that a test plays say, in RESP.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mas::test {

inline std::string resp_text(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

/// @param items each in RESP.
inline std::string resp_list(const std::vector<std::string>& items) {
  std::string reply = "*" + std::to_string(items.size()) + "\r\n";
  for (const auto& item : items) reply += item;
  return reply;
}

}  // namespace mas::test
