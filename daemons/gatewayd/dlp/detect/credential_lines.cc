// Passwords that their place in a line tells: files of programs, sessions of protocols, wireless networks.
#include <algorithm>
#include <array>
#include <string>

#include "daemons/gatewayd/dlp/detect/base64.h"
#include "daemons/gatewayd/dlp/detect/literal_detectors.h"
#include "daemons/gatewayd/dlp/detect/looks.h"
#include "daemons/gatewayd/dlp/detect/stand_ins.h"

namespace mas::dlp {
namespace {

constexpr float kOfLine = 0.85F;
constexpr uint32_t kLongestPart = 128;

bool ends_line(char c) { return c == '\0' || c == '\n' || c == '\r'; }

void see_password(Sight& sight, Span span, std::string_view detail) {
  sight.see(Type::password, span, {kOfLine, 0, false, false, detail});
}

/// Of a name of a host, database or user, or `*` for any.
bool is_name_part(char c) { return is_url_safe(c) || c == '.' || c == '*' || c == '/' || c == '$'; }

}  // namespace

/// hostname:port:database:username:password (PostgreSQL, "The Password File"). A colon within a part stands behind `\`.
/// @param literal the port and its colons.
void pgpass_at(Sight& sight, Span literal) {
  uint32_t host = literal.begin;
  while (host > 0 && literal.begin - host < kLongestPart && is_name_part(sight.at(host - 1))) --host;
  char before = sight.before(host);
  if (host == literal.begin || (!ends_line(before) && !is_space(before) && before != '"' && before != '\'')) return;
  uint32_t at = literal.end;
  for (int part = 0; part < 2; ++part) {  // database, user
    uint32_t end = run_while(sight, at, kLongestPart, is_name_part);
    if (end == at || sight.at(end) != ':') return;
    at = end + 1;
  }
  uint32_t end = at;
  while (end - at < kLongestPart && !ends_line(sight.at(end)) && !is_space(sight.at(end)) && sight.at(end) != '"' &&
         sight.at(end) != '\'' && (sight.at(end) != ':' || sight.at(end - 1) == '\\'))
    ++end;
  std::string_view password = sight.view({at, end});
  constexpr size_t kShortest = 4;
  bool word = std::all_of(password.begin(), password.end(), is_letter) && password.size() < 8;
  if (sight.at(end) == ':' || password.size() < kShortest || word || is_stand_in(password, As::kLogin)) return;
  see_password(sight, {at, end}, "pgpass");
}

/// WIFI:S:name;T:WPA;P:password;; in any order, with `\` before what is part of a value (Wi-Fi Alliance, WPA3
/// specification, "URI format").
void wifi_code_at(Sight& sight, Span literal) {
  constexpr uint32_t kMaxFields = 8;
  if (!starts_word(sight, literal.begin)) return;
  uint32_t at = literal.end;
  Span password;
  bool named = false;
  for (uint32_t n = 0; n < kMaxFields && is_upper(sight.at(at)) && sight.at(at + 1) == ':'; ++n) {
    char field = sight.at(at);
    uint32_t begin = at + 2, end = begin;
    while (end - begin < kLongestPart && sight.at(end) != ';' && !ends_line(sight.at(end)))
      end += sight.at(end) == '\\' ? 2 : 1;
    if (sight.at(end) != ';') return;
    if (field == 'P') password = {begin, end};
    named = named || field == 'S';
    at = end + 1;
  }
  if (named && password.size() >= 8 && !is_stand_in(sight.view(password), As::kLogin))
    see_password(sight, password, "wifi");
}

/// "SSID CorpNet, key X", ssid="CorpNet" and psk=X: in one line, or in the lines of one block.
void wifi_name_at(Sight& sight, Span literal) {
  constexpr uint32_t kReach = 96;
  constexpr std::array<std::string_view, 6> kNames = {"key", "psk", "pw", "pass", "passphrase", "code"};
  if (is_alnum(sight.before(literal.begin)) || is_alnum(sight.at(literal.end))) return;
  for (uint32_t at = literal.end; at - literal.end < kReach && sight.at(at) != '\0'; ++at) {
    if (!is_letter(sight.at(at)) || is_alnum(sight.before(at)) || sight.before(at) == '_') continue;
    uint32_t end = run_while(sight, at, 12, is_letter);
    if (!equals_any(sight.view({at, end}), kNames)) {
      at = end - 1;
      continue;
    }
    uint32_t begin = run_while(sight, end, 6, [](char c) { return c == ' ' || c == ':' || c == '=' || c == '"'; });
    uint32_t value_end = run_while(sight, begin, kLongestPart, [](char c) { return c > ' ' && c != '"' && c != '\''; });
    while (value_end > begin && std::string_view(",;.)").find(sight.at(value_end - 1)) != std::string_view::npos)
      --value_end;
    if (begin > end && is_strong_password(sight.view({begin, value_end})))
      see_password(sight, {begin, value_end}, "wifi");
    return;
  }
}

namespace {

/// Which word behind a fixed text is a password.
enum class Which : uint8_t {
  kNext,       ///< the next one
  kSecond,     ///< the one behind a user's name
  kLast,       ///< the last one of the line
  kLogin,      ///< behind the colon of the next one
  kNextLine,   ///< the line behind that of the user's name
  kElement,    ///< up to the next tag
  kText,       ///< the text in quotes that follows
  kTyped,      ///< the text in quotes, without its `\r`, where a prompt for a password stands before
  kPlain,      ///< base64 of user and password with zero bytes before them
  kNamed,      ///< the next one, where the option --name before says so
  kKeyBelow,   ///< 32 bytes in base64 under `key` in the next line
  kReversible  ///< hexadecimal digits of Cisco's type 7
};
struct Place {
  std::string_view before;
  Which which;
};
using enum Which;
constexpr Place kPlaces[] = {
    {"password 0 ", kNext},             // Cisco IOS, "Password encryption types"
    {"secret 0 ", kNext},               //
    {"password 7 ", kReversible},       //
    {"snmp-server community ", kNext},  //
    {"NickServ IDENTIFY ", kLast},      // services of IRC
    {" LOGIN ", kSecond},               // RFC 9051 §6.2.3, IMAP
    {"AUTH PLAIN ", kPlain},            // RFC 4954, RFC 4616
    {"<auth-user-pass>\n", kNextLine},  // OpenVPN, --auth-user-pass
    {"stats auth ", kLogin},            // HAProxy
    {"]:587 ", kLogin},                 // Postfix, smtp_sasl_password_maps
    {"]:465 ", kLogin},                 //
    {"]:25 ", kLogin},                  //
    {"http-basic.", kLast},             // composer config
    {"Password><Value>", kElement},     // Windows' answer files
    {"storePassword ", kText},          // Android's signing configurations
    {"keyPassword ", kText},            //
    {"send \"", kTyped},                // expect(1)
    {"encryption:\n", kKeyBelow},       // ESPHome's native API
    {"--value ", kNamed},               // aws ssm put-parameter, az keyvault secret set
};

/// The next word of the line from `at` on, without quotes.
Span word_at(const Sight& sight, uint32_t at) {
  at = run_while(sight, at, 4, [](char c) { return c == ' ' || c == '"' || c == '\''; });
  return {at, run_while(sight, at, kLongestPart, [](char c) {
            return !is_space(c) && c != '\0' && c != '"' && c != '\'' && c != '<' && c != ',';
          })};
}

Span last_word(const Sight& sight, uint32_t at) {
  Span last;
  constexpr int kMaxWords = 4;
  for (int n = 0; n < kMaxWords; ++n) {
    Span word = word_at(sight, at);
    if (word.size() == 0) break;
    last = word;
    at = word.end;
  }
  return last;
}

Span next_line(const Sight& sight, uint32_t at) {
  uint32_t begin = run_while(sight, at, kLongestPart, [](char c) { return !ends_line(c); });
  if (sight.at(begin) == '\r') ++begin;
  if (sight.at(begin) != '\n') return {};
  return {begin + 1, run_while(sight, begin + 1, kLongestPart, [](char c) { return !ends_line(c); })};
}

/// Whether the option --name before `at` names a secret.
bool is_named_secret(const Sight& sight, uint32_t at) {
  constexpr uint32_t kReach = 160;
  constexpr std::string_view kName = "--name ";
  std::string_view before = sight.view({at - std::min(at, kReach), at});
  size_t found = before.rfind(kName);
  if (found == std::string_view::npos || before.find('\n', found) != std::string_view::npos) return false;
  std::string_view name = before.substr(found + kName.size());
  ContextMask says = read_key(name.substr(0, name.find(' ')));
  return (says & kSecretContexts) != 0 && (says & kAgainst) == 0;
}

Span span_of(Sight& sight, Which which, Span literal) {
  uint32_t at = literal.end;
  Span word = word_at(sight, at);
  switch (which) {
    case kSecond:
      return word.size() > 0 && sight.at(word.end) == ' ' ? word_at(sight, word.end) : Span{};
    case kLast:
      return last_word(sight, at);
    case kLogin: {
      size_t colon = sight.view(word).find(':');
      return colon == std::string_view::npos ? Span{} : Span{word.begin + static_cast<uint32_t>(colon) + 1, word.end};
    }
    case kNextLine:
      return next_line(sight, at);
    case kText:
      return sight.at(at) == '"' || sight.at(at) == '\'' ? word : Span{};
    case kTyped: {
      std::string_view text = sight.view({at, at + kLongestPart});
      size_t end = text.find("\\r\"");
      bool asked = (sight.near(literal) & bit(Context::kPassword)) != 0;
      return asked && end != std::string_view::npos ? Span{at, at + static_cast<uint32_t>(end)} : Span{};
    }
    case kKeyBelow: {
      at = run_while(sight, at, kLongestPart, [](char c) { return c == ' '; });
      return sight.view({at, at + 5}) == "key: " ? word_at(sight, at + 5) : Span{};
    }
    case kNamed:
      return is_named_secret(sight, literal.begin) ? word : Span{};
    default:
      return word;
  }
}

/// RFC 4616: an identity that may be empty, the user and the password, with a zero byte before the last two.
bool is_plain_login(std::string_view value) {
  constexpr size_t kShortest = 8;
  std::string plain;
  if (value.size() < kShortest || !decode_base64(value, plain)) return false;
  size_t first = plain.find('\0'), second = first == std::string::npos ? first : plain.find('\0', first + 1);
  return second != std::string::npos && second > first + 1 && second + 1 < plain.size() &&
         std::all_of(plain.begin(), plain.end(), [](char c) { return c == '\0' || (c >= ' ' && c < '\x7f'); });
}

/// Two digits for where the key begins, and two for each character.
bool is_reversible(std::string_view value) {
  constexpr size_t kShortest = 8;
  return value.size() >= kShortest && value.size() % 2 == 0 && value[0] <= '1' && is_digit(value[0]) &&
         is_digit(value[1]) && std::all_of(value.begin(), value.end(), is_hex_digit);
}

}  // namespace

void line_at(Sight& sight, uint16_t place, Span literal) {
  Which which = kPlaces[place].which;
  Span span = span_of(sight, which, literal);
  std::string_view value = sight.view(span);
  if (value.empty()) return;
  if (which == kPlain && is_plain_login(value)) sight.see(Type::basic_auth, span, {0.9F, 0, true, false, "SASL"});
  constexpr size_t kSizeOfKey = 44;
  if (which == kKeyBelow && value.size() == kSizeOfKey && value.back() == '=' && is_generated(value.substr(0, 43)))
    sight.see(Type::api_key, span, {0.9F, 0, false, false, "line"});
  if (which == kPlain || which == kKeyBelow) return;
  bool holds = which == kReversible ? is_reversible(value) : is_strong_password(value);
  if (holds && !is_stand_in(value, As::kLogin)) see_password(sight, span, "line");
}

void append_line_literals(std::vector<Literal>& all) {
  for (size_t i = 0; i < std::size(kPlaces); ++i)
    all.push_back({kPlaces[i].before, false, Trigger::kLine, static_cast<uint16_t>(i)});
  for (std::string_view port : {":5432:", ":5433:", ":6432:", ":6543:", ":*:"})
    all.push_back({port, false, Trigger::kPgpass});
  all.push_back({"WIFI:", false, Trigger::kWifiCode});
  all.push_back({"ssid", true, Trigger::kWifiName});
}

}  // namespace mas::dlp
