// Private keys: PEM blocks however they are quoted, age and PuTTY keys, JSON web keys, and keys under their name.
#include <algorithm>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/literal_detectors.h"
#include "daemons/gatewayd/dlp/detect/stand_ins.h"

namespace mas::dlp {
namespace {

constexpr uint32_t kLongestBlock = 32 * 1024;

bool is_base64(char c) { return is_alnum(c) || c == '+' || c == '/' || c == '='; }

/// What stands behind a header: lines of base64, and between them whatever a text quotes them with.
struct Body {
  uint32_t end = 0;     ///< of the last line of base64, or of the footer
  uint32_t base64 = 0;  ///< characters in lines of it
  Span longest;
  bool closed = false;
};

Body read_body(const Sight& sight, uint32_t from) {
  constexpr uint32_t kLine = 16;      // base64 is written in long words
  constexpr uint32_t kMaxWords = 32;  // short ones between two: headers, quotes, numbers of lines
  std::string_view text = sight.text();
  Body body;
  uint32_t at = from, words = 0;
  while (at < text.size() && at - from < kLongestBlock && words <= kMaxWords) {
    char c = text[at];
    if (c == '\0') break;
    if (c == '-') {
      if (text.substr(at, 8) == "--BEGIN ") break;
      if (text.substr(at, 8) == "-----END") {
        std::string_view label = text.substr(at + 8, 64);
        size_t past = label.substr(0, label.find('\0')).find("-----");  // within the value
        body.end = past == std::string_view::npos ? at + 8 : at + 8 + static_cast<uint32_t>(past) + 5;
        body.closed = true;
        break;
      }
    }
    if (c == '\\' && (sight.at(at + 1) == 'n' || sight.at(at + 1) == 'r' || sight.at(at + 1) == 't')) {
      at += 2;
      continue;
    }
    if (!is_base64(c)) {
      ++at;
      continue;
    }
    uint32_t end = run_while(sight, at, kLongestBlock, is_base64);
    if (end - at >= kLine) {
      body.base64 += end - at;
      body.end = end;
      if (end - at > body.longest.size()) body.longest = {at, end};
      words = 0;
    } else {
      ++words;
    }
    at = end;
  }
  return body;
}

constexpr uint32_t kLeastCutShort = 64;  // characters of a body whose end is missing
constexpr double kEntropyOfBody = 3.0;

/// A key whose lines are elements of an array, as a text that was split at its line breaks. Each line is told, since a
/// candidate stands in one node.
void see_lines(Sight& sight, Span header) {
  constexpr size_t kMaxLines = 512;
  const auto& nodes = sight.document().nodes();
  const Node& first = sight.node_of(header.begin);
  if (first.container == kNowhere || !sight.document().containers()[first.container].array) return;
  auto begin = static_cast<size_t>(&first - nodes.data());
  size_t end = begin + 1, base64 = 0;
  double disorder = 0;
  for (; end < nodes.size() && end - begin < kMaxLines; ++end) {
    if (nodes[end].kind != Node::Kind::kString || nodes[end].container != first.container) break;
    std::string_view line = trim(sight.view(nodes[end].text));
    if (line.starts_with("-----")) {
      if (line.starts_with("-----END")) ++end;
      break;
    }
    bool header_field = line.size() < 64 && line.find(": ") != std::string_view::npos;  // RFC 1421: Proc-Type, DEK-Info
    if (header_field) continue;
    if (!std::all_of(line.begin(), line.end(), is_base64)) break;
    base64 += line.size();
    disorder = std::max(disorder, entropy(line));
  }
  if (base64 < kLeastCutShort || disorder < kEntropyOfBody) return;
  for (size_t i = begin; i < end; ++i)
    sight.see(Type::private_key, nodes[i].text, {0.9F, 0, true, false, "lines of an array"});
}

}  // namespace

/// RFC 7468 and what looks like it: "-----BEGIN … PRIVATE KEY…-----", and a body, of which the end may be missing.
void pem_at(Sight& sight, Span literal) {
  constexpr uint32_t kLongestLabel = 48;
  uint32_t close = run_while(sight, literal.end, kLongestLabel, [](char c) { return c != '-' && c != '\0'; });
  std::string_view label = sight.view({literal.end, close});
  if (label.find("PRIVATE KEY") == std::string_view::npos || label.find("PUBLIC") != std::string_view::npos) return;
  uint32_t from = run_while(sight, close, 8, [](char c) { return c == '-'; });
  Body body = read_body(sight, from);
  constexpr uint32_t kLeastBody = 16;
  if (body.base64 == 0) return see_lines(sight, literal);
  if (body.base64 < kLeastBody || entropy(sight.view(body.longest)) < kEntropyOfBody) return;
  if (is_stand_in(sight.view(body.longest), As::kKey)) return;
  // A long name behind a header that code looks for is no body.
  if (!body.closed && body.base64 < kLeastCutShort && count_digits(sight.view(body.longest)) == 0) return;
  // "MIIEvQ…" and an ellipsis: documentation shows no more than the first words.
  std::string_view behind = sight.view({body.longest.end, body.longest.end + 3});
  if (body.base64 < kLeastCutShort && (behind == "..." || behind == "\u2026")) return;
  uint32_t begin = literal.begin;
  while (begin > 0 && literal.begin - begin < 3 && sight.at(begin - 1) == '-') --begin;
  sight.see(Type::private_key, {begin, body.end}, {0.9F, 0, true, false});
}

/// age (age-encryption.org/v1): bech32 in capitals.
void age_at(Sight& sight, Span literal) {
  constexpr uint32_t kLeast = 50, kMax = 64;
  uint32_t end = run_while(sight, literal.end, kMax, [](char c) { return is_upper(c) || is_digit(c); });
  if (end - literal.end >= kLeast && entropy(sight.view({literal.end, end})) >= 3.0)
    sight.see(Type::private_key, {literal.begin, end}, {0.9F, 0, true, false, "age"});
}

/// PuTTY's own format: the private part follows "Private-Lines:".
void putty_at(Sight& sight, Span literal) {
  constexpr uint32_t kLongest = 8 * 1024;
  std::string_view rest = sight.text().substr(literal.end, kLongest);
  rest = rest.substr(0, rest.find('\0'));
  rest = rest.substr(0, rest.find("PuTTY-User-Key-File-"));  // the next one looks at the rest
  sight.spend(rest.size());
  if (rest.find("Private-Lines:") == std::string_view::npos) return;
  sight.see(Type::private_key, {literal.begin, literal.end + static_cast<uint32_t>(rest.size())},
            {0.9F, 0, true, false, "putty"});
}

namespace {

constexpr uint32_t kShortestJwkKey = 40;

bool is_jwk_key(std::string_view value) {
  return value.size() >= kShortestJwkKey && std::all_of(value.begin(), value.end(), is_url_safe) &&
         entropy(value) >= 3.5;
}

void see_jwk(Sight& sight, Span value) { sight.see(Type::private_key, value, {0.9F, 0, true, false, "jwk"}); }

/// The member of the same object that is called "d", or "k" of a symmetric key.
void look_at_members(Sight& sight, const Node& kty) {
  constexpr size_t kFarthest = 32;
  const auto& nodes = sight.document().nodes();
  auto here = static_cast<size_t>(&kty - nodes.data());
  size_t begin = here - std::min(here, kFarthest), end = std::min(nodes.size(), here + kFarthest);
  for (size_t i = begin; i < end; ++i) {
    const Node& node = nodes[i];
    if (node.container != kty.container || node.key == kNowhere || node.kind != Node::Kind::kString) continue;
    std::string_view key = sight.document().text_of(nodes[node.key]);
    if ((key == "d" || key == "k") && is_jwk_key(sight.view(node.text))) see_jwk(sight, node.text);
  }
}

/// The same in JSON that stands in running text.
void look_in_text(Sight& sight, Span literal) {
  constexpr uint32_t kFarthest = 2048;
  std::string_view text = sight.text();
  // As far as the object goes, or to the next "kty", which looks at the rest.
  uint32_t begin = literal.begin, end = literal.end;
  while (begin > 0 && literal.begin - begin < kFarthest && text[begin - 1] != '{' && text[begin - 1] != '\0' &&
         text.substr(begin - 1, 3) != "kty")
    --begin;
  while (end - literal.end < kFarthest && sight.at(end) != '}' && sight.at(end) != '{' && sight.at(end) != '\0' &&
         text.substr(end, 3) != "kty")
    ++end;
  for (std::string_view name : {"\"d\"", "'d'", "\"k\""}) {
    size_t found = sight.view({begin, end}).find(name);
    if (found == std::string_view::npos) continue;
    uint32_t at = begin + static_cast<uint32_t>(found + name.size());
    at = run_while(sight, at, 6, [](char c) { return c == ':' || is_space(c) || c == '"' || c == '\''; });
    uint32_t value_end = run_while(sight, at, 1024, is_url_safe);
    if (is_jwk_key(sight.view({at, value_end}))) return see_jwk(sight, {at, value_end});
  }
}

}  // namespace

/// RFC 7517 and RFC 7518 §6: an object with "kty" whose "d" (or "k") is there.
void jwk_at(Sight& sight, Span literal) {
  const Node& node = sight.node_of(literal.begin);
  if (node.kind == Node::Kind::kKey) {
    const auto& nodes = sight.document().nodes();
    auto value = static_cast<size_t>(&node - nodes.data()) + 1;
    if (node.text == literal && value < nodes.size()) look_at_members(sight, nodes[value]);
  } else if (sight.before(literal.begin) == '"' || sight.before(literal.begin) == '\'') {
    look_in_text(sight, literal);
  }
}

/// A key under its name: WireGuard's 32 bytes in base64 (wg(8)), or 64 hexadecimal digits as Ethereum's wallets show
/// them.
void named_key_at(Sight& sight, Span literal) {
  constexpr uint32_t kSigns = 8, kBase64 = 44, kHex = 64;
  if (is_letter(sight.before(literal.begin)) && !is_upper(sight.at(literal.begin))) return;
  uint32_t at = run_while(sight, literal.end, kSigns, [](char c) {
    return c == ':' || c == '=' || c == '"' || c == '\'' || c == ' ' || c == '\0' || c == '>';
  });
  bool call = sight.before(literal.end) == '(';
  if (!call && sight.view({literal.end, at}).find_first_of(std::string_view(":=\0", 3)) == std::string_view::npos)
    return;
  if (sight.view({at, at + 2}) == "0x") at += 2;
  uint32_t end = run_while(sight, at, kHex + 1, is_base64);
  std::string_view value = sight.view({at, end});
  bool hex = value.size() == kHex && std::all_of(value.begin(), value.end(), is_hex_digit) && entropy(value) >= 3.0;
  bool base64 = value.size() == kBase64 && value.find('=') == kBase64 - 1 && entropy(value) >= 4.0;
  if (hex || base64) sight.see(Type::private_key, {at, end}, {0.9F, 0, true, false, hex ? "hexadecimal" : "wireguard"});
}

void append_key_literals(std::vector<Literal>& all) {
  all.push_back({"--BEGIN ", false, Trigger::kPem});
  all.push_back({"AGE-SECRET-KEY-1", false, Trigger::kAge});
  all.push_back({"PuTTY-User-Key-File-", false, Trigger::kPutty});
  all.push_back({"kty", false, Trigger::kJwk});
  for (std::string_view name :
       {"private key", "private_key", "private-key", "privatekey", "presharedkey", "wallet(", "privatekeytoaccount("})
    all.push_back({name, true, Trigger::kNamedKey});
}

}  // namespace mas::dlp
