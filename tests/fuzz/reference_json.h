// A second opinion on JSON: RFC 8259 read byte by byte, slow and plain, sharing no code with what it checks.
#pragma once

#include <cstdint>
#include <string_view>

namespace mas::fuzz {

class ReferenceJson {
 public:
  /// @return whether `text` is one JSON value of valid UTF-8, without lone surrogates, nested at most `max_depth`.
  static bool accepts(std::string_view text, unsigned max_depth) {
    ReferenceJson json(text, max_depth);
    json.space();
    if (!json.value(1)) return false;
    json.space();
    return json.rest_.empty();
  }

 private:
  ReferenceJson(std::string_view text, unsigned max_depth) : rest_(text), max_depth_(max_depth) {}

  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  void space() {
    while (take(' ') || take('\t') || take('\n') || take('\r')) continue;
  }

  bool value(unsigned depth) {
    if (take('{')) return depth <= max_depth_ && list('}', depth, true);
    if (take('[')) return depth <= max_depth_ && list(']', depth, false);
    if (take('"')) return string();
    return take("true") || take("false") || take("null") || number();
  }

  bool list(char close, unsigned depth, bool keys) {
    space();
    if (take(close)) return true;
    do {
      space();
      if (keys) {
        if (!take('"') || !string()) return false;
        space();
        if (!take(':')) return false;
        space();
      }
      if (!value(depth + 1)) return false;
      space();
    } while (take(','));
    return take(close);
  }

  bool digits() {
    size_t before = rest_.size();
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') rest_.remove_prefix(1);
    return rest_.size() < before;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }

  bool string() {
    while (!rest_.empty()) {
      if (take('"')) return true;
      if (take('\\') ? !escape() : !character()) return false;
    }
    return false;
  }

  bool escape() {
    if (take('u')) {
      uint32_t unit = 0;
      if (!hex4(unit)) return false;
      if (unit < 0xd800 || unit > 0xdfff) return true;
      uint32_t low = 0;
      return unit < 0xdc00 && take("\\u") && hex4(low) && low >= 0xdc00 && low <= 0xdfff;
    }
    bool known = !rest_.empty() && std::string_view("\"\\/bfnrt").find(rest_[0]) != std::string_view::npos;
    if (known) rest_.remove_prefix(1);
    return known;
  }

  bool hex4(uint32_t& unit) {
    constexpr std::string_view kDigits = "0123456789abcdef0123456789ABCDEF";
    for (int i = 0; i < 4; ++i) {
      size_t digit = rest_.empty() ? std::string_view::npos : kDigits.find(rest_[0]);
      if (digit == std::string_view::npos) return false;
      unit = unit * 16 + static_cast<uint32_t>(digit % 16);
      rest_.remove_prefix(1);
    }
    return true;
  }

  /// One character that needs no escape, as UTF-8.
  bool character() {
    auto lead = static_cast<unsigned char>(rest_[0]);
    size_t size = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (lead < 0x20 || size == 0 || size > rest_.size()) return false;
    uint32_t code_point = size == 1 ? lead : lead & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; ++i) {
      auto next = static_cast<unsigned char>(rest_[i]);
      if ((next & 0xc0) != 0x80) return false;
      code_point = code_point << 6 | (next & 0x3f);
    }
    rest_.remove_prefix(size);
    if (size == 3) return code_point >= 0x800 && (code_point < 0xd800 || code_point > 0xdfff);
    return size != 4 || (code_point >= 0x10000 && code_point <= 0x10ffff);
  }

  std::string_view rest_;
  unsigned max_depth_;
};

}  // namespace mas::fuzz
