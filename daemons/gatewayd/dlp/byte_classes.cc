// The pass over the text.
#include "daemons/gatewayd/dlp/byte_classes.h"

#include <array>
#include <cstring>

#include "daemons/gatewayd/dlp/byte_block.h"

namespace mas::dlp {
namespace {

constexpr uint32_t kBlock = sizeof(ByteBlock);

/// The classes of sixty-four bytes.
inline ByteClasses::Word classify(const char* text) {
  ByteClasses::Word word;
  for (uint32_t shift = 0; shift < ByteClasses::kBits; shift += kBlock) {
    ByteBlock bytes = load_block(text + shift);
    auto digit = (bytes - '0') < 10;
    auto lower = (bytes - 'a') < 26;
    auto alnum = digit | lower | ((bytes - 'A') < 26);
    auto base64 = alnum | (bytes == '+') | (bytes == '/') | (bytes == '-') | (bytes == '_');
    auto words =
        lower | (bytes == ' ') | (bytes == ',') | (bytes == '\0') | (bytes == '\t') | (bytes == '\n') | (bytes == '\r');
    word.digits |= static_cast<uint64_t>(bits_of(digit)) << shift;
    word.alnum |= static_cast<uint64_t>(bits_of(alnum)) << shift;
    word.base64 |= static_cast<uint64_t>(bits_of(base64)) << shift;
    word.lower |= static_cast<uint64_t>(bits_of(lower)) << shift;
    word.words |= static_cast<uint64_t>(bits_of(words)) << shift;
  }
  return word;
}

}  // namespace

void ByteClasses::read(std::string_view text) {
  size_ = static_cast<uint32_t>(text.size());
  words_.resize(text.size() / kBits + 2);
  size_t whole = text.size() / kBits;
  for (size_t i = 0; i < whole; ++i) words_[i] = classify(text.data() + i * kBits);
  // What is left is looked at among bytes that are in no class.
  std::array<char, kBits> rest;
  rest.fill('~');
  std::memcpy(rest.data(), text.data() + whole * kBits, text.size() - whole * kBits);
  words_[whole] = classify(rest.data());
  words_[whole + 1] = {};
}

}  // namespace mas::dlp
