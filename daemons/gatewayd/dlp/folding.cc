// The folding table.
#include "daemons/gatewayd/dlp/folding.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace mas::dlp {
namespace {

/// First code points of the decimal digits of scripts in use (Unicode, general category Nd).
constexpr uint32_t kZeros[] = {0x0660, 0x06f0, 0x07c0, 0x0966,  0x09e6,  0x0a66,  0x0ae6,  0x0b66,
                               0x0be6, 0x0c66, 0x0ce6, 0x0d66,  0x0e50,  0x0ed0,  0x0f20,  0x1040,
                               0x17e0, 0x1810, 0xff10, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6};

/// Letters of other scripts that look like Latin ones (Unicode TR 39, confusables).
struct Lookalike {
  uint32_t code_point;
  char letter;
};
constexpr Lookalike kLookalikes[] = {
    {0x0430, 'a'}, {0x0435, 'e'}, {0x043e, 'o'}, {0x0440, 'p'}, {0x0441, 'c'}, {0x0443, 'y'}, {0x0445, 'x'},
    {0x0455, 's'}, {0x0456, 'i'}, {0x0458, 'j'}, {0x04bb, 'h'}, {0x0501, 'd'}, {0x051b, 'q'}, {0x051d, 'w'},
    {0x0410, 'A'}, {0x0412, 'B'}, {0x0415, 'E'}, {0x041a, 'K'}, {0x041c, 'M'}, {0x041d, 'H'}, {0x041e, 'O'},
    {0x0420, 'P'}, {0x0421, 'C'}, {0x0422, 'T'}, {0x0425, 'X'}, {0x0405, 'S'}, {0x0406, 'I'}, {0x0391, 'A'},
    {0x0392, 'B'}, {0x0395, 'E'}, {0x0396, 'Z'}, {0x0397, 'H'}, {0x0399, 'I'}, {0x039a, 'K'}, {0x039c, 'M'},
    {0x039d, 'N'}, {0x039f, 'O'}, {0x03a1, 'P'}, {0x03a4, 'T'}, {0x03a5, 'Y'}, {0x03a7, 'X'}, {0x03bf, 'o'},
    {0x03bd, 'v'}, {0x0131, 'i'}};

}  // namespace

CodePoint code_point(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  uint32_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (size == 0 || size > text.size()) return {};
  uint32_t value = first & (0xffu >> (size + 1));
  for (uint32_t i = 1; i < size; ++i) value = value << 6 | (byte(i) & 0x3f);
  return {value, size};
}

char folded(uint32_t c) {
  if (c == 0x00ad || (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x2064) ||
      c == 0xfeff || c == 0x180e || c == 0x034f || (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0x0300 && c <= 0x036f) ||
      (c >= 0xe0000 && c <= 0xe007f))
    return kNothing;
  if (c == 0x00a0 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f || c == 0x3000 || c == 0x1680)
    return ' ';
  if ((c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xfe58 || c == 0xfe63 || c == 0x2043 || c == 0x058a ||
      c == 0x30fc)
    return '-';
  if (c == 0x2024 || c == 0xfe52 || c == 0x3002 || c == 0xff61 || c == 0x00b7 || c == 0x2022) return '.';
  if (c == 0x2018 || c == 0x2019 || c == 0x02bc) return '\'';
  if (c == 0x201c || c == 0x201d) return '"';
  if (c == 0xfe55 || c == 0x2236 || c == 0x02d0) return ':';
  if (c == 0x2044 || c == 0x2215) return '/';
  if (c == 0xfe6b) return '@';
  if (c >= 0xff01 && c <= 0xff5e) return static_cast<char>(c - 0xff01 + 0x21);
  for (uint32_t zero : kZeros)
    if (c >= zero && c < zero + 10) return static_cast<char>('0' + (c - zero));
  if (c >= 0x1d400 && c < 0x1d6a4) {  // mathematical letters: alphabets of 52
    uint32_t n = (c - 0x1d400) % 52;
    return static_cast<char>(n < 26 ? 'A' + n : 'a' + (n - 26));
  }
  if (c >= 0x2460 && c <= 0x2468) return static_cast<char>('1' + (c - 0x2460));                   // circled
  if (c >= 0x2080 && c <= 0x2089) return static_cast<char>('0' + (c - 0x2080));                   // subscripts
  if (c == 0x2070 || (c >= 0x2074 && c <= 0x2079)) return static_cast<char>('0' + (c - 0x2070));  // superscripts
  if (c == 0x00b9) return '1';
  if (c == 0x00b2 || c == 0x00b3) return static_cast<char>('0' + (c - 0x00b0));
  if (c >= 0x24b6 && c <= 0x24cf) return static_cast<char>('A' + (c - 0x24b6));
  if (c >= 0x24d0 && c <= 0x24e9) return static_cast<char>('a' + (c - 0x24d0));
  if (c >= 0x0391 && c <= 0x051d) {
    auto found =
        std::find_if(std::begin(kLookalikes), std::end(kLookalikes), [c](auto& one) { return one.code_point == c; });
    if (found != std::end(kLookalikes)) return found->letter;
  }
  return kAsItIs;
}

bool has_high_bytes(std::string_view text) {
  uint64_t all = 0;
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    all |= word;
  }
  unsigned char rest = 0;
  for (; i < text.size(); ++i) rest |= static_cast<unsigned char>(text[i]);
  return (all & 0x8080808080808080u) != 0 || (rest & 0x80) != 0;
}

uint32_t find_high_byte(std::string_view text, uint32_t from) {
  auto size = static_cast<uint32_t>(text.size());
  for (; from + 8 <= size; from += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + from, 8);
    word &= 0x8080808080808080u;
    if (word != 0) return from + static_cast<uint32_t>(std::countr_zero(word)) / 8;
  }
  while (from < size && (text[from] & 0x80) == 0) ++from;
  return from;
}

bool needs_folding(std::string_view text) {
  for (uint32_t i = find_high_byte(text, 0); i < text.size(); i = find_high_byte(text, i)) {
    CodePoint c = code_point(text.substr(i));
    if (c.size > 1 && folded(c.value) != kAsItIs) return true;
    i += std::max(c.size, 1u);
  }
  return false;
}

std::string fold_text(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    CodePoint c = code_point(text.substr(i));
    size_t size = std::max(c.size, 1u);
    char ascii = c.size <= 1 ? kAsItIs : folded(c.value);
    if (ascii == kAsItIs)
      out.append(text.substr(i, size));
    else if (ascii != kNothing)
      out.push_back(ascii);
    i += size;
  }
  return out;
}

}  // namespace mas::dlp
