// Secrets and other data that a literal gives away: which literals, and who looks at the place of each.
#include <algorithm>
#include <array>
#include <string>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/base64.h"
#include "daemons/gatewayd/dlp/detect/literal_detectors.h"
#include "daemons/gatewayd/dlp/detect/named_values.h"
#include "daemons/gatewayd/dlp/detect/street.h"

namespace mas::dlp {
namespace {

using enum Context;

bool is_capital_or_digit(char c) { return is_upper(c) || is_digit(c); }

/// AWS, "IAM identifiers": four letters that say the kind, sixteen more.
void aws_at(Sight& sight, Span literal) {
  constexpr uint32_t kSize = 20;
  if (is_alnum(sight.before(literal.begin))) return;
  uint32_t end = run_while(sight, literal.begin, kSize + 1, is_capital_or_digit);
  if (end - literal.begin != kSize || is_lower(sight.at(end)) || sight.at(end) == '_') return;
  std::string_view id = sight.view({literal.begin, end});
  if (id.find("EXAMPLE") != std::string_view::npos || entropy(id.substr(4)) < 2.5) return;
  sight.see(Type::aws_key, {literal.begin, end}, {0.9F, bit(kAwsSecret), true, false, "access key id"});
}

/// RFC 7519: a header that decodes to an object with `alg`, a payload, and perhaps a signature.
void jwt_at(Sight& sight, Span literal) {
  constexpr uint32_t kLongestHeader = 1024, kLongestPart = 64 * 1024;
  if (is_url_safe(sight.before(literal.begin))) return;
  uint32_t dot = run_while(sight, literal.begin, kLongestHeader, is_url_safe);
  if (sight.at(dot) != '.') return;
  std::string header;
  if (!decode_base64(sight.view({literal.begin, dot}), header)) return;
  if (header.find("\"alg\"") == std::string::npos) return;
  uint32_t end = run_while(sight, dot + 1, kLongestPart, is_url_safe);
  if (end - dot < 5) return;
  if (sight.at(end) == '.') {
    uint32_t signature = run_while(sight, end + 1, kLongestPart, is_url_safe);
    end = signature;
    if (sight.at(end - 1) == '.') --end;
    for (int part = 0; part < 2 && sight.at(end) == '.' && is_url_safe(sight.at(end + 1)); ++part)
      end = run_while(sight, end + 1, kLongestPart, is_url_safe);  // JWE has five
  }
  sight.see(Type::jwt, {literal.begin, end}, {0.9F, 0, true, false});
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
  uint32_t end = run_while(sight, literal.end, 41, is_hex_digit);
  if (end - literal.end != 40 || is_alnum(sight.at(end)) || is_alnum(sight.before(literal.begin))) return;
  if (entropy(sight.view({literal.end, end})) < 3.0) return;
  sight.see(Type::crypto_wallet, {literal.begin, end}, {0.65F, bit(kWallet), false, true, "ethereum"});
}

void bech32_at(Sight& sight, Span literal) {
  if (is_alnum(sight.before(literal.begin))) return;
  uint32_t end = run_while(sight, literal.begin, 91, is_alnum);
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
  all.push_back({"box", true, Trigger::kPoBox});
  all.push_back({"0x", false, Trigger::kHexCoin});
  for (std::string_view chain : {"bc1", "tb1", "ltc1"}) all.push_back({chain, true, Trigger::kBech32});
  all.push_back({"%B", false, Trigger::kTrack});
  all.push_back({"^MR", false, Trigger::kHl7Record});
  append_url_literals(all);
  append_header_literals(all);
  append_command_literals(all);
  append_key_literals(all);
  append_line_literals(all);
  append_token_literals(all);
  return all;
}

void detect_at(Sight& sight, const Literal& literal, Span span) {
  switch (literal.trigger) {
    case Trigger::kPhrase:
      return;
    case Trigger::kToken:
      return token_at(sight, literal.argument, span);
    case Trigger::kInfixToken:
      return infix_token_at(sight, literal.argument, span);
    case Trigger::kAws:
      return aws_at(sight, span);
    case Trigger::kJwt:
      return jwt_at(sight, span);
    case Trigger::kPem:
      return pem_at(sight, span);
    case Trigger::kUrl:
      return url_at(sight, span);
    case Trigger::kJdbc:
      return jdbc_at(sight, span);
    case Trigger::kEasyConnect:
      return easy_connect_at(sight, span);
    case Trigger::kUrlParameter:
      return url_parameter_at(sight, literal.argument, span);
    case Trigger::kConnectionPair:
      return connection_pair_at(sight, span);
    case Trigger::kBearer:
      return bearer_at(sight, span);
    case Trigger::kBasic:
      return basic_at(sight, span);
    case Trigger::kAuthorization:
      return authorization_at(sight, span);
    case Trigger::kCookie:
      return cookie_at(sight, span);
    case Trigger::kPoBox:
      return po_box(sight, span);
    case Trigger::kHexCoin:
      return hex_coin_at(sight, span);
    case Trigger::kBech32:
      return bech32_at(sight, span);
    case Trigger::kProgram:
      return program_at(sight, literal.argument, span);
    case Trigger::kPasswordOption:
      return password_option_at(sight, span);
    case Trigger::kTokenOption:
      return token_option_at(sight, span);
    case Trigger::kPipedPassword:
      return piped_password_at(sight, literal.argument, span);
    case Trigger::kHl7Record:
      return hl7_record_at(sight, span);
    case Trigger::kTrack:
      return track_at(sight, span);
    case Trigger::kAge:
      return age_at(sight, span);
    case Trigger::kPutty:
      return putty_at(sight, span);
    case Trigger::kJwk:
      return jwk_at(sight, span);
    case Trigger::kNamedKey:
      return named_key_at(sight, span);
    case Trigger::kPgpass:
      return pgpass_at(sight, span);
    case Trigger::kWifiCode:
      return wifi_code_at(sight, span);
    case Trigger::kLine:
      return line_at(sight, literal.argument, span);
    case Trigger::kWifiName:
      return wifi_name_at(sight, span);
  }
}

}  // namespace mas::dlp
