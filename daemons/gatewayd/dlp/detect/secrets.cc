// Secrets that a literal gives away: tokens, key blocks, JSON web tokens, credentials in URLs.
#include <algorithm>
#include <array>
#include <string>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/base64.h"
#include "daemons/gatewayd/dlp/detect/detect.h"
#include "daemons/gatewayd/dlp/detect/named_values.h"
#include "daemons/gatewayd/dlp/detect/street.h"

namespace mas::dlp {
namespace {

using enum Context;

enum class Characters : uint8_t { kBase62, kUrlSafe, kHex, kUpper, kToken };

struct Token {
  std::string_view vendor, prefix;
  Characters characters;
  uint16_t least, most;
};

using enum Characters;
constexpr Token kTokens[] = {
#define MAS_DLP_TOKEN(vendor, prefix, characters, least, most) {vendor, prefix, characters, least, most},
#include "daemons/gatewayd/dlp/detect/tokens.def"
};

bool belongs(char c, Characters characters) {
  switch (characters) {
    case kBase62:
      return is_alnum(c);
    case kUrlSafe:
      return is_alnum(c) || c == '-' || c == '_';
    case kHex:
      return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
    case kUpper:
      return is_upper(c) || is_digit(c);
    case kToken:
      return is_alnum(c) || c == '-' || c == '_' || c == '.' || c == '=' || c == '/' || c == '+' || c == '%';
  }
  return false;
}

uint32_t run_of(const Sight& sight, uint32_t from, Characters characters, uint32_t most) {
  uint32_t end = from;
  while (end - from < most && belongs(sight.at(end), characters)) ++end;
  return end;
}

/// Letters of both cases and nothing else, too many for a word.
bool is_mixed(std::string_view body) {
  return std::ranges::all_of(body, is_letter) && std::ranges::any_of(body, is_upper) &&
         std::ranges::any_of(body, is_lower) && entropy(body) >= 3.8;
}

/// Whether a vendor's token begins there: it is told by itself.
bool is_token(std::string_view text) {
  return std::ranges::any_of(kTokens, [text](const Token& token) {
    return text.starts_with(token.prefix) && text.size() >= token.prefix.size() + token.least;
  });
}

void token_at(Sight& sight, const Token& token, Span literal) {
  char before = sight.before(literal.begin);
  bool inside = token.prefix[0] != '.' && token.prefix[0] != ':' && token.prefix.find('/') == std::string_view::npos;
  if (inside && (is_alnum(before) || (before == '-' && token.prefix.size() < 4))) return;
  uint32_t end = run_of(sight, literal.end, token.characters, token.most + 1u);
  uint32_t size = end - literal.end;
  if (size < token.least || size > token.most) return;
  if (token.characters != kToken && is_alnum(sight.at(end))) return;
  while (end > literal.end && (sight.at(end - 1) == '.' || sight.at(end - 1) == '-')) --end;
  std::string_view body = sight.view({literal.end, end});
  constexpr double kEntropyOfHex = 2.5, kEntropy = 3.0;
  if (entropy(body) < (token.characters == kHex ? kEntropyOfHex : kEntropy)) return;
  if (count_digits(body) == 0 && !is_mixed(body)) return;
  if (contains_word(body, "example") || contains_word(body, "xxxxxxxx") || contains_word(body, "your")) return;
  Span all{literal.begin, end};
  if (token.prefix[0] == ':') {  // a Telegram bot: its number, then the key
    while (all.begin > 0 && literal.begin - all.begin < 10 && is_digit(sight.at(all.begin - 1))) --all.begin;
    if (literal.begin - all.begin < 8) return;
  }
  if (token.prefix == "sk-" && body.find_first_of("-_") != std::string_view::npos && count_digits(body) < 4) return;
  sight.see(Type::api_key, all, {0.9F, bit(kApiKey), false, false, token.vendor});
}

/// AWS, "IAM identifiers": four letters that say the kind, sixteen more.
void aws_at(Sight& sight, Span literal) {
  constexpr uint32_t kSize = 20;
  if (is_alnum(sight.before(literal.begin))) return;
  uint32_t end = run_of(sight, literal.begin, kUpper, kSize + 1);
  if (end - literal.begin != kSize || is_lower(sight.at(end)) || sight.at(end) == '_') return;
  std::string_view id = sight.view({literal.begin, end});
  if (id.find("EXAMPLE") != std::string_view::npos || entropy(id.substr(4)) < 2.5) return;
  sight.see(Type::aws_key, {literal.begin, end}, {0.9F, bit(kAwsSecret), true, false, "access key id"});
}

/// RFC 7519: a header that decodes to an object with `alg`, a payload, and perhaps a signature.
void jwt_at(Sight& sight, Span literal) {
  constexpr uint32_t kLongestHeader = 1024, kLongestPart = 64 * 1024;
  if (belongs(sight.before(literal.begin), kUrlSafe)) return;
  uint32_t dot = run_of(sight, literal.begin, kUrlSafe, kLongestHeader);
  if (sight.at(dot) != '.') return;
  std::string header;
  if (!decode_base64(sight.view({literal.begin, dot}), header)) return;
  if (header.find("\"alg\"") == std::string::npos) return;
  uint32_t end = run_of(sight, dot + 1, kUrlSafe, kLongestPart);
  if (end - dot < 5) return;
  if (sight.at(end) == '.') {
    uint32_t signature = run_of(sight, end + 1, kUrlSafe, kLongestPart);
    end = signature;
    if (sight.at(end - 1) == '.') --end;
    for (int part = 0; part < 2 && sight.at(end) == '.' && belongs(sight.at(end + 1), kUrlSafe); ++part)
      end = run_of(sight, end + 1, kUrlSafe, kLongestPart);  // JWE has five
  }
  sight.see(Type::jwt, {literal.begin, end}, {0.9F, 0, true, false});
}

/// RFC 7468 and what looks like it: "-----BEGIN … PRIVATE KEY…-----", and a body, of which the end may be missing.
void pem_at(Sight& sight, Span literal) {
  constexpr uint32_t kLongestLabel = 48, kLongestBody = 32 * 1024;
  std::string_view text = sight.text();
  uint32_t close = literal.end;
  while (close - literal.end < kLongestLabel && sight.at(close) != '-' && sight.at(close) != '\0') ++close;
  std::string_view label = sight.view({literal.end, close});
  if (label.find("PRIVATE KEY") == std::string_view::npos || label.find("PUBLIC") != std::string_view::npos) return;
  uint32_t at = close;
  while (sight.at(at) == '-') ++at;
  // Headers, line breaks however they are written, base64.
  uint32_t end = at, base64 = 0;
  bool closed = false;
  while (end < text.size() && end - at < kLongestBody) {
    char c = text[end];
    if (c == '-' && text.substr(end, 8) == "-----END") {
      size_t past = text.find("-----", end + 8);
      end = past == std::string_view::npos || past - end > 64 ? end + 8 : static_cast<uint32_t>(past) + 5;
      closed = true;
      break;
    }
    if (c == '\0' || text.substr(end, 8) == "--BEGIN ") break;
    bool of_body = is_alnum(c) || c == '+' || c == '/' || c == '=' || is_space(c) || c == '\\' || c == '.' ||
                   c == '-' || c == ':' || c == ',' || c == '(' || c == ')' || c == '"' || c == '_';
    if (!of_body) break;
    base64 += is_alnum(c) || c == '+' || c == '/' ? 1 : 0;
    ++end;
  }
  constexpr uint32_t kLeastBody = 16;
  if (base64 < kLeastBody) return;
  // Prose behind a header is no body: base64 is written in long words.
  if (!closed) {
    uint32_t run = 0, longest = 0;
    for (uint32_t i = at; i < end; ++i) {
      char c = text[i];
      bool inside = is_alnum(c) || c == '+' || c == '/' || c == '=';
      if (c == '\\' && sight.at(i + 1) == 'n') ++i;
      run = inside ? run + 1 : 0;
      longest = std::max(longest, run);
    }
    if (longest < kLeastBody) return;
  }
  uint32_t begin = literal.begin;
  while (begin > 0 && literal.begin - begin < 3 && sight.at(begin - 1) == '-') --begin;
  sight.see(Type::private_key, {begin, end}, {0.9F, 0, true, false});
}

void age_at(Sight& sight, Span literal) {
  uint32_t end = run_of(sight, literal.end, kUpper, 64);
  if (end - literal.end >= 50) sight.see(Type::private_key, {literal.begin, end}, {0.9F, 0, true, false, "age"});
}

void putty_at(Sight& sight, Span literal) {
  constexpr uint32_t kLongest = 8 * 1024;
  std::string_view rest = sight.text().substr(literal.begin, kLongest);
  rest = rest.substr(0, rest.find('\0'));
  sight.spend(rest.size());
  if (rest.find("Private-Lines:") == std::string_view::npos) return;
  sight.see(Type::private_key, {literal.begin, literal.begin + static_cast<uint32_t>(rest.size())},
            {0.9F, 0, true, false, "putty"});
}

/// scheme://user:password@host (RFC 3986 §3.2.1).
void url_at(Sight& sight, Span literal) {
  constexpr uint32_t kLongestScheme = 24, kLongestAuthority = 512;
  uint32_t begin = literal.begin;
  while (begin > 0 && literal.begin - begin < kLongestScheme &&
         (is_alnum(sight.at(begin - 1)) || sight.at(begin - 1) == '+' || sight.at(begin - 1) == '-' ||
          sight.at(begin - 1) == '.'))
    --begin;
  if (begin == literal.begin) return;
  uint32_t end = literal.end, last_at = 0, colon = 0;
  for (; end - literal.end < kLongestAuthority; ++end) {
    char c = sight.at(end);
    if (c == '\0' || is_space(c) || c == '"' || c == '\'' || c == '<' || c == '>' || c == '`') break;
    if (c == '/' || c == '?' || c == '#') break;
    if (c == ':' && colon == 0 && last_at == 0) colon = end;
    if (c == '@') last_at = end;
  }
  if (colon == 0 || last_at <= colon + 1) return;
  std::string_view user = sight.view({literal.end, colon}), password = sight.view({colon + 1, last_at});
  if (is_placeholder(password)) return;
  if (is_token(password)) return;
  std::string_view scheme = sight.view({begin, literal.begin});
  bool web = equals_word(scheme, "http") || equals_word(scheme, "https") || equals_word(scheme, "ftp") ||
             equals_word(scheme, "ftps") || equals_word(scheme, "git+https") || equals_word(scheme, "ws") ||
             equals_word(scheme, "wss");
  bool example = (equals_word(user, "user") || equals_word(user, "username")) &&
                 (equals_word(password, "pass") || equals_word(password, "password"));
  while (end > last_at &&
         (sight.at(end - 1) == ',' || sight.at(end - 1) == '.' || sight.at(end - 1) == ')' || sight.at(end - 1) == ';'))
    --end;
  sight.see(web ? Type::basic_auth : Type::connection_string, {begin, end},
            {example ? 0.5F : 0.9F, 0, !example, false});
}

/// RFC 6750.
void bearer_at(Sight& sight, Span literal) {
  constexpr uint32_t kLongest = 1024;
  if (is_alnum(sight.before(literal.begin))) return;
  uint32_t end = run_of(sight, literal.end, kToken, kLongest);
  if (is_api_key(sight.view({literal.end, end}), Named::kBySign))
    sight.see(Type::api_key, {literal.end, end}, {0.7F, bit(kApiKey), false, false, "bearer token"});
}

/// RFC 7617: base64 of user, colon, password.
void basic_at(Sight& sight, Span literal) {
  constexpr uint32_t kLongest = 512;
  if (is_alnum(sight.before(literal.begin))) return;
  uint32_t end = run_of(sight, literal.end, kToken, kLongest);
  std::string_view token = sight.view({literal.end, end});
  std::string plain;
  if (token.size() < 8 || !decode_base64(token, plain)) return;
  bool printable = std::all_of(plain.begin(), plain.end(), [](char c) { return c >= ' '; });
  size_t colon = plain.find(':');
  if (!printable || colon == std::string::npos || colon + 1 >= plain.size()) return;
  sight.see(Type::basic_auth, {literal.end, end}, {0.9F, 0, true, false});
}

/// curl -u user:password. Other programs' -u is a user and a group.
void user_option_at(Sight& sight, Span literal) {
  constexpr uint32_t kLongestCommand = 256, kLongest = 128;
  uint32_t from = literal.begin - std::min(literal.begin, kLongestCommand);
  if (sight.view({from, literal.begin}).find("curl") == std::string_view::npos) return;
  uint32_t begin = literal.end;
  if (sight.at(begin) == '"' || sight.at(begin) == '\'') ++begin;
  uint32_t end = begin;
  for (char c = sight.at(end); c != '\0' && !is_space(c) && c != '"' && c != '\'' && end - begin < kLongest;
       c = sight.at(end))
    ++end;
  std::string_view both = sight.view({begin, end});
  size_t colon = both.find(':');
  if (colon == 0 || colon == std::string_view::npos) return;
  std::string_view password = both.substr(colon + 1);
  if (is_placeholder(password) || is_token(password) || count_digits(both) == both.size() - 1) return;
  sight.see(Type::basic_auth, {begin, end}, {0.9F, 0, true, false});
}

/// HL7 v2, data type CX with the identifier type MR of table 0203: |582333^^^HOSPITAL^MR
void hl7_record_at(Sight& sight, Span literal) {
  constexpr uint32_t kLongestField = 128;
  if (is_alnum(sight.at(literal.end))) return;
  uint32_t begin = literal.begin;
  auto opens = [](char c) { return c == '|' || c == '~' || c == '\0'; };
  while (begin > 0 && literal.begin - begin < kLongestField && !opens(sight.at(begin - 1))) --begin;
  std::string_view id = sight.view({begin, literal.begin});
  id = id.substr(0, id.find('^'));
  if (id.empty() || begin == 0 || sight.at(begin - 1) == '\0' || record_number(id) != id.size()) return;
  sight.see(Type::mrn, {begin, begin + static_cast<uint32_t>(id.size())}, {0.8F, bit(kMrn), false, false, "HL7"});
}

void po_box(Sight& sight, Span literal) {
  uint32_t begin = 0;
  uint32_t end = po_box_at(sight.text(), literal.begin, literal.end, begin);
  if (end != 0 && !is_alnum(sight.at(end)))
    sight.see(Type::address, {begin, end}, {0.75F, bit(kAddress), false, false, "post office box"});
}

/// An Ethereum address: twenty bytes in hexadecimal digits. Hashes are longer.
void hex_coin_at(Sight& sight, Span literal) {
  uint32_t end = run_of(sight, literal.end, kHex, 41);
  if (end - literal.end != 40 || is_alnum(sight.at(end)) || is_alnum(sight.before(literal.begin))) return;
  if (entropy(sight.view({literal.end, end})) < 3.0) return;
  sight.see(Type::crypto_wallet, {literal.begin, end}, {0.65F, bit(kWallet), false, true, "ethereum"});
}

void bech32_at(Sight& sight, Span literal) {
  if (is_alnum(sight.before(literal.begin))) return;
  uint32_t end = run_of(sight, literal.begin, kBase62, 91);
  if (end - literal.begin < 14 || end - literal.begin > 90) return;
  std::string lower(sight.view({literal.begin, end}));
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  if (bech32(lower)) sight.see(Type::crypto_wallet, {literal.begin, end}, {0.6F, bit(kWallet), true, false, "bech32"});
}

/// ISO/IEC 7813, track 1: %B, the number, ^, the name, ^, and so on up to a question mark.
void track_at(Sight& sight, Span literal) {
  constexpr uint32_t kLongestTrack = 100;
  uint32_t end = literal.end;
  while (end - literal.end < 20 && is_digit(sight.at(end))) ++end;
  std::string_view number = sight.view({literal.end, end});
  if (sight.at(end) != '^' || !card_issuer(number) || !luhn(number)) return;
  while (end - literal.begin < kLongestTrack && sight.at(end) != '\0' && sight.at(end) != '?' && sight.at(end) != '\n')
    ++end;
  if (sight.at(end) == '?') ++end;
  sight.see(Type::credit_card, {literal.begin, end}, {0.8F, bit(kCard), true, false, "track data"});
}

}  // namespace

std::vector<Literal> secret_literals() {
  std::vector<Literal> all;
  for (std::string_view prefix : {"AKIA", "ASIA", "ABIA", "ACCA", "A3T"}) all.push_back({prefix, false, Trigger::kAws});
  for (std::string_view begin : {"eyJ", "ewog", "ewoJ", "eyAi"}) all.push_back({begin, false, Trigger::kJwt});
  all.push_back({"--BEGIN ", false, Trigger::kPem});
  all.push_back({"://", false, Trigger::kUrl});
  all.push_back({"bearer ", true, Trigger::kBearer});
  all.push_back({"basic ", true, Trigger::kBasic});
  all.push_back({"box", true, Trigger::kPoBox});
  all.push_back({"0x", false, Trigger::kHexCoin});
  for (std::string_view chain : {"bc1", "tb1", "ltc1"}) all.push_back({chain, true, Trigger::kBech32});
  all.push_back({"%B", false, Trigger::kTrack});
  for (std::string_view option : {" -u ", " --user "}) all.push_back({option, false, Trigger::kUserOption});
  all.push_back({"^MR", false, Trigger::kHl7Record});
  all.push_back({"AGE-SECRET-KEY-1", false, Trigger::kAge});
  all.push_back({"PuTTY-User-Key-File-", false, Trigger::kPutty});
  for (size_t i = 0; i < std::size(kTokens); ++i)
    all.push_back({kTokens[i].prefix, false, Trigger::kToken, static_cast<uint16_t>(i)});
  return all;
}

void detect_at(Sight& sight, const Literal& literal, Span span) {
  switch (literal.trigger) {
    case Trigger::kPhrase:
      return;
    case Trigger::kToken:
      return token_at(sight, kTokens[literal.argument], span);
    case Trigger::kAws:
      return aws_at(sight, span);
    case Trigger::kJwt:
      return jwt_at(sight, span);
    case Trigger::kPem:
      return pem_at(sight, span);
    case Trigger::kUrl:
      return url_at(sight, span);
    case Trigger::kBearer:
      return bearer_at(sight, span);
    case Trigger::kBasic:
      return basic_at(sight, span);
    case Trigger::kPoBox:
      return po_box(sight, span);
    case Trigger::kHexCoin:
      return hex_coin_at(sight, span);
    case Trigger::kBech32:
      return bech32_at(sight, span);
    case Trigger::kUserOption:
      return user_option_at(sight, span);
    case Trigger::kHl7Record:
      return hl7_record_at(sight, span);
    case Trigger::kTrack:
      return track_at(sight, span);
    case Trigger::kAge:
      return age_at(sight, span);
    case Trigger::kPutty:
      return putty_at(sight, span);
  }
}

}  // namespace mas::dlp
