// Street addresses: what a number with a street before or behind it is worth.
#include <algorithm>

#include "daemons/gatewayd/dlp/detect/digit_group_chain.h"
#include "daemons/gatewayd/dlp/detect/street.h"
#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

using enum Context;

constexpr size_t kStepsOfStreet = 32, kStepsOfPlace = 48;  // about what street_at() and place_follows() read
constexpr uint32_t kMaxDigits = 6;
constexpr ptrdiff_t kMaxWords = 2;  // of a name without a kind of street
constexpr float kActsAlone = 0.65F, kWithWord = 0.42F, kWithKey = 0.26F;

/// Whether a number at `begin` follows what leads to an address: "lives at 42 Elmwood", "address: …", "address is …".
bool is_led_to(std::string_view text, uint32_t begin) {
  uint32_t end = begin;
  while (end > 0 && begin - end < 3 && (text[end - 1] == ' ' || text[end - 1] == '"' || text[end - 1] == '\n')) --end;
  if (end > 0 && (text[end - 1] == ':' || text[end - 1] == '=')) return true;
  for (std::string_view word : {" at", " is", " to"})
    if (end >= word.size() && text.substr(end - word.size(), word.size()) == word) return true;
  return false;
}

/// Whether the words of an address end at `end`, and do not run on: "42 elmwood, springfield", not "42 items to do". In
/// lower case a town must follow.
bool is_closed(std::string_view text, uint32_t end, bool capitals) {
  if (!capitals) return end + 2 < text.size() && text[end] == ',' && text[end + 1] == ' ' && is_letter(text[end + 2]);
  if (end >= text.size()) return true;
  char c = text[end];
  return c == ',' || c == '.' || c == '\n' || c == '\0' || c == '"' || c == '\'' || c == ';';
}

float shape_of(const Street& street, const Sight& sight, uint32_t begin) {
  std::string_view text = sight.text();
  if (street.suffix && street.capitals && !street.weak) return kActsAlone;
  if (street.suffix || street.capitals) sight.spend(kStepsOfPlace);
  if ((street.suffix || street.capitals) && place_follows(text, street.end)) return kActsAlone;
  if (street.suffix) return kWithWord;
  auto words = std::count(text.begin() + begin, text.begin() + street.end, ' ');
  bool closed = words <= kMaxWords && is_closed(text, street.end, street.capitals);
  if (closed && is_led_to(text, begin)) return kWithWord;
  return closed || street.capitals ? kWithKey : 0;
}

void see_number_first(const DigitGroupChain& chain) {
  Sight& sight = chain.sight();
  uint32_t begin = chain.group(0).begin;
  char after = sight.at(chain.group(0).end());
  if (after != ' ' && after != ',' && !is_letter(after)) return;
  uint32_t word = chain.group(0).end();
  while (word - chain.group(0).end() < 3 && sight.at(word) == ' ') ++word;
  if (is_letter(sight.at(word))) sight.spend(kStepsOfStreet);  // in a row of numbers it stops there
  Street street = street_at(sight.text(), begin);
  if (street.end == 0) return;
  float shape = shape_of(street, sight, begin);
  if (shape < kWithWord && (sight.node_of(begin).context & bit(kAddress)) == 0) return;
  sight.see(Type::address, {begin, street.end}, {shape, bit(kAddress), false, false});
}

void see_number_last(const DigitGroupChain& chain) {
  Sight& sight = chain.sight();
  const DigitGroup& number = chain.group(0);
  if (number.size > 4 || sight.before(number.begin) != ' ') return;
  bool strong = false;
  uint32_t begin = street_before(sight.text(), number.begin, strong);
  if (begin == number.begin) return;
  uint32_t end = number.end();
  if (is_letter(sight.at(end)) && !is_alnum(sight.at(end + 1))) ++end;  // 12a
  char after = sight.at(end);
  if (is_alnum(after) || after == ':' || after == '_' || after == '%') return;
  if ((after == '.' || after == ',') && is_digit(sight.at(end + 1))) return;
  sight.spend(kStepsOfPlace);
  bool acts = strong || place_follows(sight.text(), end);
  sight.see(Type::address, {begin, end}, {acts ? kActsAlone : kWithWord, bit(kAddress), false, false});
}

}  // namespace

void see_street_address(const DigitGroupChain& chain) {
  if (!chain.sight().wants(Type::address) || chain.size_of(0) > kMaxDigits) return;
  see_number_first(chain);
  see_number_last(chain);
}

}  // namespace mas::dlp
