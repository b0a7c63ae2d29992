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
inline void classify(const char* text, uint32_t shift, ByteClasses::Word& word, ByteBlock& signs, ByteBlock& ats,
                     ByteBlock& all) {
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
  auto add = [](ByteBlock& to, const auto& marks) {
    ByteBlock seen;
    std::memcpy(&seen, &marks, sizeof seen);
    to |= seen;
  };
  add(signs, sign);
  add(ats, bytes == '@');
  all |= bytes;
}

}  // namespace

void BytePass::portable(const char* text, size_t count, Word* words, Found& found) {
  ByteBlock signs{}, ats{}, all{};
  for (size_t i = 0; i < count; ++i, text += ByteClasses::kBits) {
    Word word;
    for (uint32_t shift = 0; shift < ByteClasses::kBits; shift += kBlock) classify(text, shift, word, signs, ats, all);
    words[i] = word;
  }
  found.signs = found.signs || bits_of(signs) != 0;
  found.at = found.at || bits_of(ats) != 0;
  found.high = found.high || bits_of(all) != 0;
}

#if defined(__x86_64__)
namespace {

// What a byte is, as bits that tables tell by either half of it: it is what both halves say. Bytes beyond ASCII are
// nothing.
constexpr char kBlank = 1, kLowerToO = 2, kLowerFromP = 4, kUpperToO = 8, kUpperFromP = 16, kJoint = 32, kLine = 64,
               kDigit = -128;  // the bit that movemask takes
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
/// 20 2c 2d, : is 3a. The @ is 40.
constexpr char kQuote = 1, kBracket = 2, kBrace = 4, kGap = 8, kLineGap = 16, kSide = 32, kColon = 64, kAt = -128;
constexpr std::array<char, 16> kSignsByLowHalf = {kGap | kSide | kAt,
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
    0, 0, kQuote | kGap | kSide, kColon, kAt, kBracket | kLineGap, 0, kBrace, 0, 0, 0, 0, 0, 0, 0, 0};

#define MAS_AVX2 __attribute__((target("avx2"), always_inline)) inline

MAS_AVX2 __m256i twice(const std::array<char, 16>& table) {
  __m128i half;
  std::memcpy(&half, table.data(), sizeof half);
  return _mm256_broadcastsi128_si256(half);
}
/// @return the highest bits of sixty-four bytes.
MAS_AVX2 uint64_t highest_bits(__m256i first, __m256i second) {
  return static_cast<uint32_t>(_mm256_movemask_epi8(first)) |
         static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(second))) << 32;
}
/// @return marks of the bytes that have none of `bits`.
MAS_AVX2 __m256i none_of(__m256i kinds, int bits) {
  return _mm256_cmpeq_epi8(_mm256_and_si256(kinds, _mm256_set1_epi8(static_cast<char>(bits))), _mm256_setzero_si256());
}
/// @return which of sixty-four bytes have any of `bits`.
MAS_AVX2 uint64_t any_of(__m256i first, __m256i second, int bits) {
  return ~highest_bits(none_of(first, bits), none_of(second, bits));
}

}  // namespace

__attribute__((target("avx2"))) void BytePass::avx2(const char* text, size_t count, Word* words, Found& found) {
  constexpr uint32_t kWide = sizeof(__m256i), kHalves = ByteClasses::kBits / kWide;
  static_assert(kHalves == 2);
  const __m256i by_low = twice(kByLowHalf), by_high = twice(kByHighHalf), ends = twice(kEnds);
  const __m256i signs_by_low = twice(kSignsByLowHalf), signs_by_high = twice(kSignsByHighHalf);
  const __m256i half = _mm256_set1_epi8(0xf);
  __m256i signs = _mm256_setzero_si256(), all = signs;
  for (size_t i = 0; i < count; ++i) {
    __m256i kinds[kHalves], sign[kHalves], end[kHalves];
    for (uint32_t k = 0; k < kHalves; ++k) {
      __m256i bytes;
      std::memcpy(&bytes, text + i * ByteClasses::kBits + k * kWide, sizeof bytes);
      __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half);
      kinds[k] = _mm256_and_si256(_mm256_shuffle_epi8(by_low, bytes), _mm256_shuffle_epi8(by_high, high));
      sign[k] = _mm256_and_si256(_mm256_shuffle_epi8(signs_by_low, bytes), _mm256_shuffle_epi8(signs_by_high, high));
      // A byte beyond ASCII equals what the tables have for it, 0, no more than any other does.
      end[k] = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(ends, bytes), bytes);
      signs = _mm256_or_si256(signs, sign[k]);
      all = _mm256_or_si256(all, bytes);
    }
    Word& word = words[i];
    word.digits = highest_bits(kinds[0], kinds[1]);
    word.lower = any_of(kinds[0], kinds[1], kLower);
    word.alnum = any_of(kinds[0], kinds[1], kLetter | kDigit);
    word.base64 = any_of(kinds[0], kinds[1], kLetter | kDigit | kJoint | kLine);
    word.words = ~highest_bits(_mm256_andnot_si256(end[0], none_of(kinds[0], kLower | kBlank)),
                               _mm256_andnot_si256(end[1], none_of(kinds[1], kLower | kBlank)));
    word.fields = any_of(sign[0], sign[1], kGap | kLineGap) | word.digits;
    word.sides = any_of(sign[0], sign[1], kSide | kColon);
  }
  found.signs = found.signs || _mm256_testz_si256(signs, _mm256_set1_epi8(kQuote | kBracket | kBrace)) == 0;
  found.at = found.at || _mm256_movemask_epi8(signs) != 0;  // kAt is the highest bit
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
