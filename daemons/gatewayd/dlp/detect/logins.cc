// User, separator, password.
#include "daemons/gatewayd/dlp/detect/logins.h"

#include <algorithm>
#include <array>

#include "daemons/gatewayd/dlp/detect/looks.h"
#include "daemons/gatewayd/dlp/detect/named_values.h"

namespace mas::dlp {
namespace {

constexpr uint32_t kLongestUser = 48, kLongestPassword = 128, kFarthest = 32;
constexpr float kOfPair = 0.75F;

bool is_user_byte(char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-' || c == '@' || c == '\\'; }

/// The place behind "is", "are", ":" and such that follow a word for logging in; 0 where there is no such word.
uint32_t past_link(const Sight& sight, uint32_t from) {
  constexpr std::array<std::string_view, 17> kLinks = {"is",   "are", "were", "was",    "as",     "with",
                                                       "use",  "ist", "sind", "lautet", "lauten", "est",
                                                       "sont", "es",  "son",  "sono",   "to"};
  bool linked = false;
  uint32_t at = from;
  while (at - from < kFarthest) {
    char c = sight.at(at);
    if (c == ':' || c == '=') {
      if (c == ':' && sight.at(at + 1) == ':') return 0;  // user::open_adapter: a name in its scope
      linked = true;
      ++at;
    } else if (c == ' ' || c == '*' || c == '`' || c == '"' || c == '\'') {
      ++at;
    } else if (sight.view({at, std::min<uint32_t>(at + 3, static_cast<uint32_t>(sight.text().size()))}) == "：") {
      linked = true;
      at += 3;
    } else {
      uint32_t end = at;
      while (end - at < 8 && is_letter(sight.at(end))) ++end;
      std::string_view word = sight.view({at, end});
      if (equals_any(word, {"for", "of", "on"})) {
        at = end + 1;  // "credentials for falcon-32: …"
        while (at - from < kFarthest && is_user_byte(sight.at(at))) ++at;
        continue;
      }
      if (equals_any(word, {"name", "names"})) {
        at = end;
        continue;
      }
      if (sight.at(end) != ' ' || !equals_any(word, kLinks)) break;
      linked = true;
      at = end;
    }
  }
  return linked ? at : 0;
}

/// `/ X`, `:X` at `at`. A colon is followed directly by the password; around a slash there may be spaces.
void see_pair(Sight& sight, uint32_t at, bool spaced) {
  uint32_t i = at;
  while (sight.at(i) == ' ' && i - at < 2) ++i;
  char mark = sight.at(i);
  bool spaces = i > at;
  if ((mark != '/' && mark != ':') || (spaces && (!spaced || mark != '/'))) return;
  ++i;
  if (sight.at(i) == ' ') {
    if (!spaced) return;
    ++i;
  }
  uint32_t end = i;
  while (end - i < kLongestPassword && sight.at(end) != '\0' && !is_space(sight.at(end)) && sight.at(end) != '"' &&
         sight.at(end) != '\'' && sight.at(end) != '`')
    ++end;
  while (end > i && (sight.at(end - 1) == '.' || sight.at(end - 1) == ',' || sight.at(end - 1) == ';' ||
                     sight.at(end - 1) == ')' || sight.at(end - 1) == '?'))
    --end;
  std::string_view value = sight.view({i, end});
  // An image's name and tag: admin/app2:v1.2.3.
  if (mark == '/' && !spaced && value.find_first_of(":./") != std::string_view::npos) return;
  // A line of /etc/passwd has more colons.
  if (mark == ':' && (std::count(value.begin(), value.end(), ':') > 1 || value.find(":/") != std::string_view::npos))
    return;
  if (value.find("@sha256") != std::string_view::npos) return;  // an image
  // user:password@host is a URL's.
  if (value.find('@') != std::string_view::npos && mark == ':' && value.find('.') != std::string_view::npos) return;
  if (is_strong_password(value) && value.find("://") == std::string_view::npos)
    sight.see(Type::password, {i, end}, {kOfPair, 0, false, false, "login"});
}

/// The last text among the arguments of a call, `("user", "password")`, or behind the colon of its only one.
/// @param named the call's name says that its only text is a password.
void see_call(Sight& sight, uint32_t at, bool named) {
  constexpr uint32_t kLongestCall = 192;
  Span last;
  uint32_t texts = 0;
  for (uint32_t i = at; i - at < kLongestCall; ++i) {
    char c = sight.at(i);
    if (c == '\0' || c == '\n' || c == ')' || c == ';') break;
    if (c != '"' && c != '\'') continue;
    uint32_t end = i + 1;
    while (end - at < kLongestCall && sight.at(end) != c && sight.at(end) != '\n' && sight.at(end) != '\0') ++end;
    if (sight.at(end) != c) break;
    uint32_t stop = end > i + 1 && sight.at(end - 1) == '\\' ? end - 1 : end;
    last = {i + 1, stop};
    ++texts;
    i = end;
  }
  if (texts == 0) return;
  if (texts == 1 && is_discord_token(sight.view(last))) {  // client.login("…")
    sight.see(Type::api_key, last, {0.9F, 0, false, false, "discord"});
    return;
  }
  if (texts == 1 && !named) {
    size_t colon = sight.view(last).find(':');
    if (colon == std::string_view::npos) return;
    last.begin += static_cast<uint32_t>(colon) + 1;
  }
  std::string_view value = sight.view(last);
  if (is_password(value, Named::kByKey, false) && count_digits(value) > 0 && !is_reference(value) && !is_slug(value) &&
      !is_path(value) && value.find(' ') == std::string_view::npos)
    sight.see(Type::password, last, {kOfPair, 0, false, false, "call"});
}

/// The place behind the question mark of the line and who answers, "what was the pw? Ann: …"; 0 where it asks nothing.
uint32_t past_question(const Sight& sight, uint32_t from) {
  uint32_t at = from;
  auto ends_line = [](char c) { return c == '\0' || c == '\n'; };
  while (at - from < kFarthest && !ends_line(sight.at(at)) && sight.at(at) != '?') ++at;
  if (sight.at(at) != '?') return 0;
  ++at;
  while (at - from < kFarthest && (is_space(sight.at(at)) || sight.at(at) == '"' || sight.at(at) == '\'')) ++at;
  uint32_t name = at;
  while (name - at < kLongestUser && is_letter(sight.at(name))) ++name;
  return name > at && sight.at(name) == ':' && sight.at(name + 1) == ' ' ? name + 2 : at;
}

/// What answers a question for a password: `user / X`, or X alone in its line.
void see_answer(Sight& sight, uint32_t at) {
  uint32_t user = at;
  while (user - at < kLongestUser && is_user_byte(sight.at(user))) ++user;
  if (user > at + 1 && sight.view({user, user + 3}) == " / ") return see_pair(sight, user, true);
  uint32_t end = at;
  while (end - at < kLongestPassword && sight.at(end) != '\0' && !is_space(sight.at(end))) ++end;
  char after = sight.at(end);
  if ((after == '\0' || after == '\n' || after == '\r') && is_strong_password(sight.view({at, end})))
    sight.see(Type::password, {at, end}, {kOfPair, 0, false, false, "answer"});
}

}  // namespace

void detect_logins(Sight& sight) {
  for (const Word& word : sight.words()) {
    if (sight.is_spent()) return;
    if (word.context == Context::kUser) {
      char before = sight.before(word.span.begin);
      bool alone =
          !is_alnum(before) && before != '_' && before != '-' && before != '/' && before != '.' && before != ':';
      if (alone) see_pair(sight, word.span.end, false);
      continue;
    }
    if (word.context == Context::kCall)
      see_call(sight, word.span.end, contains_word(sight.view(word.span), "password("));
    if (word.context == Context::kPassword) {
      if (uint32_t answer = past_question(sight, word.span.end); answer != 0) see_answer(sight, answer);
    }
    if (word.context != Context::kLogin) continue;
    uint32_t user = past_link(sight, word.span.end);
    if (user == 0) continue;
    uint32_t end = user;
    while (end - user < kLongestUser && is_user_byte(sight.at(end))) ++end;
    if (end > user + 1 && is_letter(sight.at(user))) see_pair(sight, end, true);
  }
}

}  // namespace mas::dlp
