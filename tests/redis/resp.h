// What servers that a test plays say, in RESP.
#pragma once

#include <string>
#include <string_view>

namespace mas::test {

inline std::string resp_text(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

}  // namespace mas::test
