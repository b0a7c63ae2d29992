// JSON string escapes: one reader of escapes serves the check and the unescaping.
#include "proto/wire/json_string.h"

#include <cstdint>
#include <optional>

namespace mas {
namespace {

std::optional<uint32_t> hex4(std::string_view digits) {
  if (digits.size() < 4) return std::nullopt;
  uint32_t value = 0;
  for (char c : digits.substr(0, 4)) {
    uint32_t digit;
    if (c >= '0' && c <= '9')
      digit = static_cast<uint32_t>(c - '0');
    else if (c >= 'a' && c <= 'f')
      digit = static_cast<uint32_t>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F')
      digit = static_cast<uint32_t>(c - 'A' + 10);
    else
      return std::nullopt;
    value = value * 16 + digit;
  }
  return value;
}

/// What an escape says and how many bytes it took, the backslash included.
struct Escape {
  uint32_t code_point;
  size_t size;
};

std::optional<Escape> read_unicode_escape(std::string_view text) {
  auto unit = hex4(text.substr(2));
  if (!unit) return std::nullopt;
  if (*unit < 0xd800 || *unit > 0xdfff) return Escape{*unit, 6};
  if (*unit >= 0xdc00 || text.substr(6, 2) != "\\u") return std::nullopt;
  auto low = hex4(text.substr(8));
  if (!low || *low < 0xdc00 || *low > 0xdfff) return std::nullopt;
  return Escape{0x10000 + ((*unit - 0xd800) << 10) + (*low - 0xdc00), 12};
}

/// @param text starts with a backslash. @return nullopt for anything RFC 8259 does not know.
std::optional<Escape> read_escape(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  switch (text[1]) {
    case '"':
    case '\\':
    case '/':
      return Escape{static_cast<unsigned char>(text[1]), 2};
    case 'b':
      return Escape{'\b', 2};
    case 'f':
      return Escape{'\f', 2};
    case 'n':
      return Escape{'\n', 2};
    case 'r':
      return Escape{'\r', 2};
    case 't':
      return Escape{'\t', 2};
    case 'u':
      return read_unicode_escape(text);
    default:
      return std::nullopt;
  }
}

void append_utf8(std::string& out, uint32_t code_point) {
  auto put = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xc0 | code_point >> 6);
    put(0x80 | (code_point & 0x3f));
  } else if (code_point < 0x10000) {
    put(0xe0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3f));
    put(0x80 | (code_point & 0x3f));
  } else {
    put(0xf0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3f));
    put(0x80 | (code_point >> 6 & 0x3f));
    put(0x80 | (code_point & 0x3f));
  }
}

}  // namespace

bool json_escapes_are_valid(std::string_view body) {
  for (size_t at = body.find('\\'); at != std::string_view::npos; at = body.find('\\', at)) {
    auto escape = read_escape(body.substr(at));
    if (!escape) return false;
    at += escape->size;
  }
  return true;
}

namespace {

/// @param mark is told where each escape stands in `body`, how long it is, and how long the text was before and after.
template <typename Mark>
void unescape(std::string& out, std::string_view body, Mark mark) {
  size_t copied = 0;
  for (size_t at = body.find('\\'); at != std::string_view::npos; at = body.find('\\', at)) {
    auto escape = read_escape(body.substr(at));
    if (!escape) break;
    out.append(body, copied, at - copied);
    size_t before = out.size();
    append_utf8(out, escape->code_point);
    mark(at, escape->size, before, out.size());
    at += escape->size;
    copied = at;
  }
  out.append(body, copied, std::string_view::npos);
}

}  // namespace

void append_unescaped(std::string& out, std::string_view body) {
  unescape(out, body, [](size_t, size_t, size_t, size_t) {});
}

void append_unescaped(std::string& out, std::string_view body, std::vector<EscapeMark>& marks) {
  size_t start = out.size();
  unescape(out, body, [&](size_t at, size_t size, size_t before, size_t after) {
    marks.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(before - start), static_cast<uint8_t>(size),
                     static_cast<uint8_t>(after - before)});
  });
}

}  // namespace mas
