// Kinds of bytes as bits: the same as looking at each byte, wherever runs begin and end.
#include "daemons/gatewayd/dlp/byte_classes.h"

#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "daemons/gatewayd/dlp/detect/values.h"
#include "tests/unit/catch.h"

using namespace mas::dlp;

namespace {

using Word = ByteClasses::Word;

bool is_base64(char c) { return is_alnum(c) || c == '+' || c == '/' || c == '-' || c == '_'; }
bool is_of_words(char c) { return is_lower(c) || is_space(c) || c == ',' || c == '\0'; }

bool is_of_fields(char c) { return is_digit(c) || std::string_view(" -./()_").find(c) != std::string_view::npos; }
bool is_side(char c) { return std::string_view(" -:,").find(c) != std::string_view::npos; }

constexpr std::pair<ByteClasses::Class, bool (*)(char)> kClasses[] = {
    {&Word::digits, is_digit},   {&Word::alnum, is_alnum},      {&Word::base64, is_base64}, {&Word::lower, is_lower},
    {&Word::words, is_of_words}, {&Word::fields, is_of_fields}, {&Word::sides, is_side},
};

/// Runs of all lengths to 200, with one byte of none of the classes between.
std::string runs_of(char c) {
  std::string text;
  for (size_t size = 1; size <= 200; ++size) text += std::string(size, c) + '~';
  return text;
}

}  // namespace

TEST_CASE("each byte is in the classes that its character is in, whatever the pass is made with") {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  auto vectors = GENERATE(ByteClasses::Vectors::kWidest, ByteClasses::Vectors::kPortable);
  ByteClasses classes;
  for (uint32_t skipped : {0U, 1U, 63U, 64U, 65U, 255U, 256U}) {
    std::string text = all.substr(skipped);
    classes.read(text, vectors);
    for (auto [kind, is_in] : kClasses)
      for (uint32_t i = 0; i < text.size(); ++i) {
        INFO(skipped << " " << i);
        CHECK((classes.next(kind, i) == i) == is_in(text[i]));
        CHECK((classes.end(kind, i) > i) == is_in(text[i]));
      }
    CHECK(classes.next(&Word::digits, static_cast<uint32_t>(text.size())) == text.size());
  }
}

TEST_CASE("signs of text within text, and characters beyond ASCII, are seen wherever one stands") {
  auto vectors = GENERATE(ByteClasses::Vectors::kWidest, ByteClasses::Vectors::kPortable);
  ByteClasses classes;
  for (uint32_t at : {0U, 15U, 31U, 63U, 64U, 99U})
    for (int i = 0; i < 256; ++i) {
      std::string text(100, 'a');
      text[at] = static_cast<char>(i);
      classes.read(text, vectors);
      INFO(at << " " << i);
      CHECK(classes.has_high() == (i >= 128));
      CHECK(classes.has_at() == (text[at] == '@'));
      CHECK(classes.has_signs() == (i != 0 && std::string("\"&%[\\{").find(text[at]) != std::string::npos));
    }
}

TEST_CASE("a group of digits begins where no three letters or digits stand before it, in whatever word of bits") {
  ByteClasses classes;
  for (uint32_t padding = 55; padding < 70; ++padding) {
    std::string text = std::string(padding, '.') + "12 a34 ab56 abc78 x-9";
    classes.read(text);
    std::vector<uint32_t> starts;
    for (uint32_t word = 0; word < classes.words(); ++word)
      for (uint64_t bits = classes.digit_starts(word); bits != 0; bits &= bits - 1)
        starts.push_back(word * 64 + static_cast<uint32_t>(std::countr_zero(bits)) - padding);
    INFO(padding);
    CHECK(starts == std::vector<uint32_t>{0, 4, 9, 20});
  }
}

TEST_CASE("runs begin and end where they do, in the same word of bits or another one") {
  std::string text = runs_of('7') + std::string(77, '7');
  ByteClasses classes;
  classes.read(text);
  uint32_t at = 0;
  for (uint32_t size = 1; size <= 200; ++size) {
    CHECK(classes.next(&Word::digits, at) == at);
    CHECK(classes.end(&Word::digits, at) == at + size);
    CHECK(classes.begin(&Word::digits, at + size) == at);
    CHECK(classes.begin(&Word::digits, at + size + 1) == at + size + 1);
    CHECK(classes.next(&Word::digits, at + size) == at + size + 1);
    at += size + 1;
  }
  CHECK(classes.end(&Word::digits, at) == text.size());
}

TEST_CASE("runs of base64 are told from twelve characters on, each once") {
  for (std::string tail : {std::string(), std::string(11, 'Q'), std::string(64, 'Q')}) {
    std::string text = runs_of('Q') + tail;
    ByteClasses classes;
    classes.read(text);
    uint32_t size = 12;
    classes.for_each_base64([&](uint32_t begin, uint32_t end) {
      CHECK(end - begin == (size <= 200 ? size : tail.size()));
      CHECK((begin == 0 || text[begin - 1] == '~'));
      ++size;
    });
    CHECK(size == (tail.size() >= 12 ? 202U : 201U));
  }
}
