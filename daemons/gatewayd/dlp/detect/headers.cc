// Credentials in HTTP headers: Authorization in its schemes, and the cookies of a session.
#include <algorithm>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/base64.h"
#include "daemons/gatewayd/dlp/detect/literal_detectors.h"
#include "daemons/gatewayd/dlp/detect/named_values.h"
#include "daemons/gatewayd/dlp/detect/stand_ins.h"

namespace mas::dlp {
namespace {

using enum Context;

/// Schemes whose credentials are the token itself: RFC 6750, and those of GitHub, Okta, Datadog, Opsgenie, Splunk and
/// others.
bool is_token_scheme(std::string_view scheme) {
  return equals_any(scheme, {"token", "ssws", "apikey", "api-key", "api-token", "key", "geniekey", "splunk", "apitoken",
                             "pve", "oauth", "access", "secret", "klaviyo-api-key", "discogs", "bot"});
}

uint32_t past_signs(const Sight& sight, uint32_t from) {
  constexpr uint32_t kMax = 8;
  return run_while(sight, from, kMax, [](char c) {
    return c == ':' || c == '=' || c == '"' || c == '\'' || c == ' ' || c == '\0' || c == '>' || c == ',' || c == '\\';
  });
}

}  // namespace

/// RFC 6750.
void bearer_at(Sight& sight, Span literal) {
  constexpr uint32_t kLongest = 1024;
  if (!starts_word(sight, literal.begin)) return;
  uint32_t end = run_while(sight, literal.end, kLongest, [](char c) { return is_token_character(c) && c != '~'; });
  std::string_view token = sight.view({literal.end, end});
  if (!is_stand_in(token, As::kLogin) && is_api_key(token, Named::kBySign))
    sight.see(Type::api_key, {literal.end, end}, {0.7F, bit(kApiKey), false, false, "bearer token"});
}

/// RFC 7617: base64 of user, colon, password.
void basic_at(Sight& sight, Span literal) {
  constexpr uint32_t kLongest = 512;
  if (!starts_word(sight, literal.begin)) return;
  uint32_t end = run_while(sight, literal.end, kLongest, is_token_character);
  std::string user, password;
  if (!decode_login(sight.view({literal.end, end}), user, password) || is_stand_in(password, As::kLogin)) return;
  sight.see(Type::basic_auth, {literal.end, end}, {0.9F, 0, true, false});
}

/// Authorization and Proxy-Authorization (RFC 9110 §11.6.2): a scheme and its credentials, or a bare token.
void authorization_at(Sight& sight, Span literal) {
  constexpr uint32_t kLongestScheme = 20, kLongest = 512;
  if (!starts_word(sight, literal.begin)) return;
  uint32_t begin = past_signs(sight, literal.end);
  if (begin == literal.end) return;
  bool named = sight.view({literal.end, begin}).find_first_of(std::string_view(":=\0", 3)) != std::string_view::npos ||
               sight.view({literal.end, begin}).find(',') != std::string_view::npos;
  if (!named) return;
  uint32_t scheme_end = run_while(sight, begin, kLongestScheme, [](char c) { return is_letter(c) || c == '-'; });
  bool scheme = sight.at(scheme_end) == ' ' && is_token_scheme(sight.view({begin, scheme_end}));
  uint32_t from = scheme ? scheme_end + 1 : begin;
  if (scheme)  // Token token=…, OAuth oauth_token="…"
    for (std::string_view name : {"token=", "key=", "apikey="})
      if (sight.view({from, from + static_cast<uint32_t>(name.size())}) == name)
        from += static_cast<uint32_t>(name.size());
  if (sight.at(from) == '"' || sight.at(from) == '\'') ++from;
  uint32_t end = run_while(sight, from, kLongest, [](char c) { return is_token_character(c) && c != '='; });
  end = run_while(sight, end, 2, [](char c) { return c == '='; });
  std::string_view token = sight.view({from, end});
  constexpr size_t kBareToken = 20, kTokenOfScheme = 12;
  if (!scheme && (sight.at(end) == ' ' || sight.at(end) == '(')) return;  // another scheme, or prose
  if (token.size() < (scheme ? kTokenOfScheme : kBareToken) || token.starts_with("eyJ")) return;
  if (is_stand_in(token, As::kLogin) || !is_api_key(token, Named::kBySign) || is_token(token)) return;
  sight.see(Type::api_key, {from, end}, {0.8F, bit(kApiKey), false, false, "authorization header"});
}

namespace {

/// Names of cookies by which a server knows who is logged in.
bool is_session_cookie(std::string_view name) {
  for (std::string_view part : {"sess", "auth", "token", "jwt", "remember", "identity", "aspnet"})
    if (contains_word(name, part)) return !contains_word(name, "csrf") && !contains_word(name, "xsrf");
  return equals_any(name, {"sid", "connect.sid", "li_at", "sso", "xoxd", "d"}) || name.ends_with(".sid") ||
         name.ends_with("_sid");
}

}  // namespace

/// Cookie and Set-Cookie (RFC 6265): pairs; those that log somebody in.
void cookie_at(Sight& sight, Span literal) {
  if (is_letter(sight.before(literal.begin))) return;
  uint32_t at = past_signs(sight, literal.end);
  std::string_view signs = sight.view({literal.end, at});
  if (signs.find_first_of(std::string_view(":\0,", 3)) == std::string_view::npos && signs != "=\"" && signs != "='")
    return;
  see_cookies(sight, at);
}

void see_cookies(Sight& sight, uint32_t at) {
  constexpr uint32_t kLongest = 2048, kLongestName = 64;
  constexpr size_t kShortestValue = 16;
  constexpr double kEntropy = 3.3;
  uint32_t limit = at + kLongest;
  while (at < limit) {
    uint32_t name_end = run_while(sight, at, kLongestName, [](char c) { return is_url_safe(c) || c == '.'; });
    if (name_end == at || sight.at(name_end) != '=') return;
    // A colon would be the next header's.
    uint32_t end = run_while(sight, name_end + 1, kLongest, [](char c) {
      return c > ' ' && c != ';' && c != '"' && c != '\'' && c != ',' && c != '\\' && c != ':';
    });
    std::string_view name = sight.view({at, name_end}), value = sight.view({name_end + 1, end});
    bool generated = value.size() >= kShortestValue && count_digits(value) > 0 && !is_stand_in(value, As::kKey) &&
                     entropy(value) >= kEntropy && std::ranges::all_of(value, is_token_character);
    if (generated && is_session_cookie(name) && !is_stand_in(value, As::kLogin) && !is_token(value))
      sight.see(Type::api_key, {name_end + 1, end}, {0.8F, bit(kApiKey), false, false, "session cookie"});
    at = end;
    if (sight.at(at) != ';') return;
    ++at;
    while (sight.at(at) == ' ') ++at;
  }
}

void append_header_literals(std::vector<Literal>& all) {
  all.push_back({"bearer ", true, Trigger::kBearer});
  all.push_back({"basic ", true, Trigger::kBasic});
  all.push_back({"authorization", true, Trigger::kAuthorization});
  all.push_back({"cookie", true, Trigger::kCookie});
}

}  // namespace mas::dlp
