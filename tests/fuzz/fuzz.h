// What every fuzz target shares: the entry point that libFuzzer and the replay program call, and how a broken property
// is reported.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace mas::fuzz {

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Takes the first line off `text`. @return it, without its end.
inline std::string_view take_line(std::string_view& text) {
  auto line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

/// Ends the program when a property that must hold for every input does not.
inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "broken property: %s\n", property);
  std::abort();
}

/// `text` followed by bytes that a parser must not act on.
class Padded {
 public:
  Padded(std::string_view text, char padding) : size_(text.size()), buffer_(text) { buffer_.append(64, padding); }
  std::string_view text() const { return std::string_view(buffer_).substr(0, size_); }

 private:
  size_t size_;
  std::string buffer_;
};

/// The bytes that could complete a cut text.
inline constexpr char kPaddings[] = {'\0', ']', '}', '"', ',', '1'};

}  // namespace mas::fuzz
