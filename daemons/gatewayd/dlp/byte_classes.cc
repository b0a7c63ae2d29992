// The pass over the text: sixteen bytes at a time on any machine, thirty-two with AVX2.
#include "daemons/gatewayd/dlp/byte_classes.h"

#include <array>
#include <cstring>

#include "daemons/gatewayd/dlp/byte_block.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mas::dlp {

/// One way of looking at texts: whole words of sixty-four bytes.
struct BytePass {
  using Word = ByteClasses::Word;
  using Found = ByteClasses::Found;

  static void portable(const char* text, size_t count, Word* words, Found& found);
#if defined(__x86_64__)
  static void avx2(const char* text, size_t count, Word* words, Found& found);
#endif
};

namespace {

constexpr uint32_t kBlock = sizeof(ByteBlock);

/// Adds the classes of sixteen bytes at `shift`.
inline void classify(const char* text, uint32_t shift, ByteClasses::Word& word, ByteBlock& signs, ByteBlock& all) {
  ByteBlock bytes = load_block(text + shift);
  auto digit = (bytes - '0') < 10;
  auto lower = (bytes - 'a') < 26;
  auto alnum = digit | lower | ((bytes - 'A') < 26);
  auto base64 = alnum | (bytes == '+') | (bytes == '/') | (bytes == '-') | (bytes == '_');
  auto words =
      lower | (bytes == ' ') | (bytes == ',') | (bytes == '\0') | (bytes == '\t') | (bytes == '\n') | (bytes == '\r');
  auto fields = digit | (bytes == ' ') | (bytes == '-') | (bytes == '.') | (bytes == '/') | (bytes == '(') |
                (bytes == ')') | (bytes == '_');
  auto sides = (bytes == ' ') | (bytes == '-') | (bytes == ':') | (bytes == ',');
  auto sign = (bytes == '"') | (bytes == '&') | (bytes == '%') | (bytes == '[') | (bytes == '\\') | (bytes == '{');
  word.digits |= static_cast<uint64_t>(bits_of(digit)) << shift;
  word.alnum |= static_cast<uint64_t>(bits_of(alnum)) << shift;
  word.base64 |= static_cast<uint64_t>(bits_of(base64)) << shift;
  word.lower |= static_cast<uint64_t>(bits_of(lower)) << shift;
  word.words |= static_cast<uint64_t>(bits_of(words)) << shift;
  word.fields |= static_cast<uint64_t>(bits_of(fields)) << shift;
  word.sides |= static_cast<uint64_t>(bits_of(sides)) << shift;
  ByteBlock seen;
  std::memcpy(&seen, &sign, sizeof seen);
  signs |= seen;
  all |= bytes;
}

}  // namespace

void BytePass::portable(const char* text, size_t count, Word* words, Found& found) {
  ByteBlock signs{}, all{};
  for (size_t i = 0; i < count; ++i, text += ByteClasses::kBits) {
    Word word;
    for (uint32_t shift = 0; shift < ByteClasses::kBits; shift += kBlock) classify(text, shift, word, signs, all);
    words[i] = word;
  }
  found.signs = found.signs || bits_of(signs) != 0;
  found.high = found.high || bits_of(all) != 0;
}

#if defined(__x86_64__)
namespace {

// What a byte is, as bits that tables tell by either half of it: it is what both halves say. Bytes beyond ASCII are
// nothing.
constexpr char kDigit = 1, kLowerToO = 2, kLowerFromP = 4, kUpperToO = 8, kUpperFromP = 16, kJoint = 32, kLine = 64,
               kBlank = -128;
constexpr char kLower = kLowerToO | kLowerFromP, kLetter = kLower | kUpperToO | kUpperFromP;

/// By the lower half: 0-9 are digits, a-o and A-O end in 1-f, p-z and P-Z in 0-a; + - / in b d f, _ in f; space and
/// comma in 0 and c.
constexpr std::array<char, 16> kByLowHalf = [] {
  std::array<char, 16> by{};
  for (size_t low = 0; low < by.size(); ++low) {
    int bits = low < 10 ? kDigit : 0;
    if (low >= 1) bits |= kLowerToO | kUpperToO;
    if (low <= 10) bits |= kLowerFromP | kUpperFromP;
    if (low == 0xb || low == 0xd || low == 0xf) bits |= kJoint;
    if (low == 0xf) bits |= kLine;
    if (low == 0 || low == 0xc) bits |= kBlank;
    by[low] = static_cast<char>(bits);
  }
  return by;
}();
constexpr std::array<char, 16> kByHighHalf = {
    0, 0, kJoint | kBlank, kDigit, kUpperToO, kUpperFromP | kLine, kLowerToO, kLowerFromP, 0, 0, 0, 0, 0, 0, 0, 0};
/// What ends lines and nodes, each at its lower half; what stands elsewhere equals no byte that has that lower half.
constexpr std::array<char, 16> kEnds = {0,      1 << 4, 1 << 4, 1 << 4, 1 << 4, 1 << 4, 1 << 4, 1 << 4,
                                        1 << 4, '\t',   '\n',   1 << 4, 1 << 4, '\r',   1 << 4, 1 << 4};
/// The same for signs. Those that text within text is written with: " % & are 22 25 26, [ and backslash 5b 5c, { is 7b.
/// Those between groups of digits: space ( ) - . / are 20 28 29 2d 2e 2f, _ is 5f. Those beside groups: space , - are
/// 20 2c 2d, : is 3a.
constexpr char kQuote = 1, kBracket = 2, kBrace = 4, kGap = 8, kLineGap = 16, kSide = 32, kColon = 64;
constexpr std::array<char, 16> kSignsByLowHalf = {kGap | kSide,
                                                  0,
                                                  kQuote,
                                                  0,
                                                  0,
                                                  kQuote,
                                                  kQuote,
                                                  0,
                                                  kGap,
                                                  kGap,
                                                  kColon,
                                                  kBracket | kBrace,
                                                  kBracket | kSide,
                                                  kGap | kSide,
                                                  kGap,
                                                  kGap | kLineGap};
constexpr std::array<char, 16> kSignsByHighHalf = {
    0, 0, kQuote | kGap | kSide, kColon, 0, kBracket | kLineGap, 0, kBrace, 0, 0, 0, 0, 0, 0, 0, 0};

#define MAS_AVX2 __attribute__((target("avx2"), always_inline)) inline

MAS_AVX2 __m256i twice(const std::array<char, 16>& table) {
  __m128i half;
  std::memcpy(&half, table.data(), sizeof half);
  return _mm256_broadcastsi128_si256(half);
}
/// @param marks each byte 0 or 0xff.
MAS_AVX2 uint64_t bits_of_marks(__m256i marks) { return static_cast<uint32_t>(_mm256_movemask_epi8(marks)); }
/// @return marks of the bytes that have none of `bits`.
MAS_AVX2 __m256i none_of(__m256i kinds, int bits) {
  return _mm256_cmpeq_epi8(_mm256_and_si256(kinds, _mm256_set1_epi8(static_cast<char>(bits))), _mm256_setzero_si256());
}

}  // namespace

__attribute__((target("avx2"))) void BytePass::avx2(const char* text, size_t count, Word* words, Found& found) {
  constexpr uint32_t kWide = sizeof(__m256i);
  const __m256i by_low = twice(kByLowHalf), by_high = twice(kByHighHalf), ends = twice(kEnds);
  const __m256i signs_by_low = twice(kSignsByLowHalf), signs_by_high = twice(kSignsByHighHalf);
  const __m256i half = _mm256_set1_epi8(0xf);
  __m256i signs = _mm256_setzero_si256(), all = signs;
  for (size_t i = 0; i < count; ++i) {
    Word word;
    for (uint32_t shift = 0; shift < ByteClasses::kBits; shift += kWide) {
      __m256i bytes;
      std::memcpy(&bytes, text + i * ByteClasses::kBits + shift, sizeof bytes);
      __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half);
      __m256i kinds = _mm256_and_si256(_mm256_shuffle_epi8(by_low, bytes), _mm256_shuffle_epi8(by_high, high));
      __m256i end = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(ends, bytes), bytes);
      __m256i sign =
          _mm256_and_si256(_mm256_shuffle_epi8(signs_by_low, bytes), _mm256_shuffle_epi8(signs_by_high, high));
      signs = _mm256_or_si256(signs, sign);
      all = _mm256_or_si256(all, bytes);
      // A byte beyond ASCII equals what the tables have for it, 0, no more than any other does.
      word.digits |= bits_of_marks(_mm256_slli_epi16(kinds, 7)) << shift;
      word.lower |= (~bits_of_marks(none_of(kinds, kLower)) & UINT32_MAX) << shift;
      word.alnum |= (~bits_of_marks(none_of(kinds, kLetter | kDigit)) & UINT32_MAX) << shift;
      word.base64 |= (~bits_of_marks(none_of(kinds, kLetter | kDigit | kJoint | kLine)) & UINT32_MAX) << shift;
      word.words |= ((~bits_of_marks(none_of(kinds, kLower | kBlank)) & UINT32_MAX) | bits_of_marks(end)) << shift;
      word.fields |= (~bits_of_marks(none_of(sign, kGap | kLineGap)) & UINT32_MAX) << shift;
      word.sides |= (~bits_of_marks(none_of(sign, kSide | kColon)) & UINT32_MAX) << shift;
    }
    word.fields |= word.digits;
    words[i] = word;
  }
  found.signs = found.signs || _mm256_testz_si256(signs, _mm256_set1_epi8(kQuote | kBracket | kBrace)) == 0;
  found.high = found.high || _mm256_movemask_epi8(all) != 0;
}
#endif

void ByteClasses::read(std::string_view text, Vectors vectors) {
  auto* pass = &BytePass::portable;
#if defined(__x86_64__)
  if (vectors == Vectors::kWidest && __builtin_cpu_supports("avx2")) pass = &BytePass::avx2;
#endif
  size_ = static_cast<uint32_t>(text.size());
  found_ = {};
  words_.resize(text.size() / kBits + 2);
  size_t whole = text.size() / kBits;
  pass(text.data(), whole, words_.data(), found_);
  // What is left is looked at among bytes that are in no class.
  std::array<char, kBits> rest;
  rest.fill('~');
  std::memcpy(rest.data(), text.data() + whole * kBits, text.size() - whole * kBits);
  pass(rest.data(), 1, &words_[whole], found_);
  words_[whole + 1] = {};
}

}  // namespace mas::dlp
