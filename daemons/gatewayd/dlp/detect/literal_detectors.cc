// What the detectors behind literals share.
#include "daemons/gatewayd/dlp/detect/literal_detectors.h"

#include <algorithm>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/stand_ins.h"

namespace mas::dlp {

bool starts_word(const Sight& sight, uint32_t at) {
  if (!is_alnum(sight.before(at))) return true;
  char letter = sight.before(at);
  return at > 1 && sight.at(at - 2) == '\\' && (letter == 'n' || letter == 't' || letter == 'r');
}

bool is_random(std::string_view value, size_t shortest) {
  constexpr double kEntropy = 3.0;
  if (value.size() < shortest || is_stand_in(value, As::kKey)) return false;
  size_t digits = count_digits(value);
  auto letters = static_cast<size_t>(std::count_if(value.begin(), value.end(), is_letter));
  bool of_token = std::all_of(value.begin(), value.end(),
                              [](char c) { return is_url_safe(c) || c == '+' || c == '=' || c == '~'; });
  return of_token && digits >= 2 && letters >= 2 && entropy(value) >= kEntropy;
}

}  // namespace mas::dlp
