// Dates in words.
#include "daemons/gatewayd/dlp/detect/dates.h"

#include <algorithm>
#include <array>
#include <bit>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/values.h"
#include "daemons/gatewayd/dlp/detect/word_table.h"

namespace mas::dlp {
namespace {

constexpr size_t kLongestWord = 16;  // bytes

/// What a word of a date is: bit n for month n, 1 to 12, and these.
enum Part : uint32_t {
  kMonths = (1U << 13) - 2,
  kLink = 1U << 13,    ///< leads to a date, and stands between its parts
  kEnding = 1U << 14,  ///< of 1st, 1er, 3º
};

/// The names of the months and their usual abbreviations: English, German, French, Spanish, Portuguese, Italian, Dutch,
/// Polish (genitive, as in dates); Unicode CLDR, "months, format".
const WordTable& parts() {
  static const WordTable kTable({
      {1U << 1,
       "january|jan|januar|jänner|jän|janvier|janv|enero|ene|janeiro|gennaio|gen|januari|stycznia|sty|styczeń"},
      {1U << 2,
       "february|feb|februar|feber|février|févr|fevrier|febrero|fevereiro|fev|febbraio|februari|lutego|lut|luty"},
      {1U << 3, "march|mar|märz|mär|mrz|maerz|mars|marzo|março|marco|maart|mrt|marca|marzec"},
      {1U << 4, "april|apr|avril|avr|abril|abr|aprile|kwietnia|kwi|kwiecień"},
      {1U << 5, "may|mai|mayo|maio|maggio|mag|mei|maja|maj"},
      {1U << 6, "june|jun|juni|juin|junio|junho|giugno|giu|czerwca|cze|czerwiec"},
      {1U << 7, "july|jul|juli|juillet|juil|julio|julho|luglio|lug|lipca|lip|lipiec"},
      {1U << 8, "august|aug|août|aout|agosto|ago|augustus|sierpnia|sie|sierpień"},
      {1U << 9, "september|sep|sept|septembre|septiembre|setiembre|setembro|set|settembre|września|wrz|wrzesień"},
      {1U << 10, "october|oct|oktober|okt|octobre|octubre|outubro|out|ottobre|ott|października|paź|październik"},
      {1U << 11, "november|nov|novembre|noviembre|novembro|listopada|lis|listopad"},
      {1U << 12,
       "december|dec|dezember|dez|décembre|déc|decembre|diciembre|dic|dezembro|dicembre|grudnia|gru|grudzień"},
      {kLink, "on|the|of|in|am|den|le|el|il|op|de|do|del|em|dnia|dia|día|r|a|o|lo|year"},
      {kEnding, "st|nd|rd|th|er|e|º|ª|°|te|ten"},
  });
  return kTable;
}

constexpr std::string_view kOrdinals[] = {
    "first",         "second",       "third",         "fourth",       "fifth",        "sixth",          "seventh",
    "eighth",        "ninth",        "tenth",         "eleventh",     "twelfth",      "thirteenth",     "fourteenth",
    "fifteenth",     "sixteenth",    "seventeenth",   "eighteenth",   "nineteenth",   "twentieth",      "twenty-first",
    "twenty-second", "twenty-third", "twenty-fourth", "twenty-fifth", "twenty-sixth", "twenty-seventh", "twenty-eighth",
    "twenty-ninth",  "thirtieth",    "thirty-first"};

/// A word in lower case, Latin letters with marks as well: Ä and ä differ in one bit of their second byte.
struct Word {
  std::array<char, kLongestWord> bytes{};
  size_t size = 0;
  explicit Word(std::string_view text) {
    for (size_t i = 0; i < text.size() && size < bytes.size(); ++i) {
      auto byte = static_cast<unsigned char>(text[i]);
      bool marked = i > 0 && text[i - 1] == '\xc3' && byte >= 0x80 && byte <= 0x9e;
      bytes[size++] = marked ? static_cast<char>(text[i] | 0x20) : to_lower(text[i]);
    }
  }
  std::string_view view() const { return {bytes.data(), size}; }
};

/// @return the bits of parts() that a word has.
uint32_t part_of(std::string_view word) { return parts().of(Word(word).view()); }

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text.substr(0, 64)) {}
  size_t at() const { return at_; }
  bool digits_follow() const { return at_ < text_.size() && is_digit(text_[at_]); }

  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == ',' || text_[at_] == '.' || text_[at_] == '-'))
      ++at_;
  }
  /// The word here, without moving on.
  std::string_view word() const {
    size_t end = at_;
    while (end < text_.size() && end - at_ < kLongestWord && (is_letter(text_[end]) || is_high(text_[end]))) ++end;
    return text_.substr(at_, end - at_);
  }
  /// "of", "de", "the" and the like, some of them in a row: "on the".
  void skip_links() {
    for (int n = 0; n < 3; ++n) {
      std::string_view here = word();
      if ((part_of(here) & kLink) == 0) return;
      at_ += here.size();
      skip_spaces();
    }
  }
  /// @return 1 to 12; 0: no name of a month.
  int month() {
    std::string_view here = word();
    uint32_t months = part_of(here) & kMonths;
    if (months != 0) return at_ += here.size(), std::countr_zero(months);
    return 0;
  }
  /// @return digits read; 0: none, or more than `most`.
  size_t number(size_t most, int& ret_value) {
    size_t end = at_;
    int value = 0;
    while (end < text_.size() && end - at_ <= most && is_digit(text_[end])) value = value * 10 + (text_[end++] - '0');
    size_t size = end - at_;
    if (size == 0 || size > most) return 0;
    at_ = end;
    ret_value = value;
    return size;
  }
  /// "3", "3rd", "1er", "third". @return 0: no day.
  int day() {
    int value = 0;
    if (number(2, value) > 0) {
      if (std::string_view ending = word(); (part_of(ending) & kEnding) != 0) at_ += ending.size();
      return value;
    }
    for (size_t i = std::size(kOrdinals); i-- > 0;)  // the longer first
      if (equals_word(text_.substr(at_, kOrdinals[i].size()), kOrdinals[i]))
        return at_ += kOrdinals[i].size(), static_cast<int>(i) + 1;
    return 0;
  }
  bool skip(std::string_view bytes) {
    if (!text_.substr(at_).starts_with(bytes)) return false;
    return at_ += bytes.size(), true;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

/// 1984年3月3日, 1984년 3월 3일.
size_t eastern_date_at(std::string_view text) {
  Reader in(text);
  int year = 0, month = 0, day = 0;
  if (in.number(4, year) != 4 || (!in.skip("年") && !in.skip("년"))) return 0;
  in.skip(" ");
  if (in.number(2, month) == 0 || (!in.skip("月") && !in.skip("월"))) return 0;
  in.skip(" ");
  if (in.number(2, day) == 0 || (!in.skip("日") && !in.skip("일"))) return 0;
  return calendar_day(year, month, day) ? in.at() : 0;
}

/// Day and month in either order, then the year.
size_t worded_date_at(std::string_view text) {
  Reader in(text);
  in.skip_links();
  int month = in.month(), year = 0;
  bool month_first = month > 0;
  auto link = [&] {
    in.skip_spaces();
    in.skip_links();
  };
  if (month_first) link();
  int day = in.day();
  if (day == 0) return 0;
  link();
  if (!month_first) {
    month = in.month();
    link();
  }
  if (month == 0 || in.number(4, year) != 4) return 0;
  return calendar_day(year, month, day) ? in.at() : 0;
}

}  // namespace

size_t birth_date_at(std::string_view text) {
  if (size_t size = date_at(text); size > 0) return size;
  if (size_t size = eastern_date_at(text); size > 0) return size;
  return worded_date_at(text);
}

}  // namespace mas::dlp
