// What the detectors behind literals share.
#include "daemons/gatewayd/dlp/detect/literal_detectors.h"

#include <algorithm>

#include "daemons/gatewayd/dlp/checksums.h"

namespace mas::dlp {
namespace {

/// As `value` would be written without its case and the signs between words.
std::string joined(std::string_view value) {
  std::string letters;
  for (char c : value)
    if (c != '_' && c != '-' && c != ' ' && c != '.') letters.push_back(to_lower(c));
  return letters;
}

bool is_documentation(std::string_view value) {
  constexpr size_t kLongest = 24;
  if (value.size() > kLongest) return false;
  std::string word = joined(value);
  for (std::string_view known :
       {"password",     "passwd",       "passwort",  "pass",         "passphrase",  "passcode",   "pw",
        "pwd",          "secret",       "token",     "apikey",       "key",         "changeme",   "example",
        "yourpassword", "yourpass",     "yourtoken", "mypassword",   "mypass",      "dbpassword", "dbpass",
        "userpassword", "rootpassword", "user",      "username",     "string",      "value",      "name",
        "hidden",       "redacted",     "foobared",  "somepassword", "thepassword", "file",       "text",
        "stdin",        "prompt",       "none",      "null",         "true",        "false"})
    if (word == known) return true;
  return word.starts_with("your") || word.starts_with("redacted") || word.starts_with("changeme") ||
         word.find("placeholder") != std::string::npos || word.find("example") != std::string::npos;
}

bool is_identifier(std::string_view text) {
  return !text.empty() && !is_digit(text[0]) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alnum(c) || c == '_'; });
}

bool is_enclosed(std::string_view value) {
  constexpr std::string_view kOpen = "{<[%", kClose = "}>]%";
  size_t which = kOpen.find(value.front());
  return value.size() > 2 && which != std::string_view::npos && value.back() == kClose[which];
}

/// A variable of a shell or a template: `$NAME`, `${…}`, `$(…)`, `{name}`, `%NAME%`, `%s`, `#{…}`, `:name`.
bool is_variable(std::string_view value) {
  if (is_enclosed(value)) return true;
  if (value[0] == '$')
    return value.size() > 1 && (value[1] == '{' || value[1] == '(' || is_identifier(value.substr(1)));
  if (value[0] == '#' || value[0] == '@') return value.size() > 2 && value[1] == '{' && value.back() == '}';
  return value == "%s" || value == "%v" || value == "%d" || value.starts_with("%(") || value.starts_with("[^");
}

}  // namespace

bool starts_word(const Sight& sight, uint32_t at) {
  if (!is_alnum(sight.before(at))) return true;
  char letter = sight.before(at);
  return at > 1 && sight.at(at - 2) == '\\' && (letter == 'n' || letter == 't' || letter == 'r');
}

bool is_stand_in(std::string_view value) {
  value = trim(value);
  if (value.empty() || is_placeholder(value) || is_variable(value) || is_documentation(value)) return true;
  bool capitals = std::all_of(value.begin(), value.end(), [](char c) { return is_upper(c) || c == '_'; });
  return capitals || value.find("***") != std::string_view::npos ||
         std::all_of(value.begin(), value.end(), [&](char c) { return c == value[0]; });
}

bool is_sample_login(std::string_view user, std::string_view password) {
  if (is_documentation(password)) return true;
  return user.size() == password.size() && joined(user) == joined(password) && count_digits(password) == 0;
}

bool is_random(std::string_view value, size_t shortest) {
  constexpr double kEntropy = 3.0;
  if (value.size() < shortest || is_example(value)) return false;
  size_t digits = count_digits(value);
  auto letters = static_cast<size_t>(std::count_if(value.begin(), value.end(), is_letter));
  bool of_token = std::all_of(value.begin(), value.end(),
                              [](char c) { return is_url_safe(c) || c == '+' || c == '=' || c == '~'; });
  return of_token && digits >= 2 && letters >= 2 && entropy(value) >= kEntropy;
}

}  // namespace mas::dlp
