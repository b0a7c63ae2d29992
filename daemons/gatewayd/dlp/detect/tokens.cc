// Vendors' tokens: a prefix, and a body of the form that the vendor gives it (tokens.def).
#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/literal_detectors.h"
#include "daemons/gatewayd/dlp/detect/stand_ins.h"
#include "daemons/gatewayd/dlp/detect/token_checks.h"

namespace mas::dlp {
namespace {

using enum Context;

enum class Check : uint8_t { kNone, kCrc62, kGitlab };

struct Token {
  std::string_view vendor, prefix, body;
  Check check;
};

using enum Check;
constexpr Token kTokens[] = {
#define MAS_DLP_TOKEN(vendor, prefix, body, check, source) {vendor, prefix, body, check},
#include "daemons/gatewayd/dlp/detect/tokens.def"
};

/// A token that has its fixed text within.
struct InfixToken {
  std::string_view vendor, before, literal, after;
};
constexpr InfixToken kInfixTokens[] = {
#define MAS_DLP_TOKEN(vendor, prefix, body, check, source)
#define MAS_DLP_INFIX_TOKEN(vendor, before, literal, after, source) {vendor, before, literal, after},
#include "daemons/gatewayd/dlp/detect/tokens.def"
};

/// Whether another row is to be tried first where this one's prefix stands.
constexpr bool goes_before(size_t other, size_t row) {
  if (!kTokens[other].prefix.starts_with(kTokens[row].prefix)) return false;
  return kTokens[other].prefix.size() > kTokens[row].prefix.size() || other < row;
}

const auto kHasBetter = [] {
  std::array<bool, std::size(kTokens)> has{};
  for (size_t row = 0; row < has.size(); ++row)
    for (size_t other = 0; other < has.size() && !has[row]; ++other) has[row] = other != row && goes_before(other, row);
  return has;
}();

/// A body's description, part by part.
class BodyParts {
 public:
  explicit BodyParts(std::string_view text) : rest_(text) {}
  bool next() {
    if (rest_.empty()) return false;
    kind = rest_[0];
    if (kind == kFixed) {
      size_t close = rest_.find(kFixed, 1);
      fixed = rest_.substr(1, close - 1);
      rest_.remove_prefix(close + 1);
      return true;
    }
    rest_.remove_prefix(1);
    least = most = number();
    if (!rest_.empty() && rest_[0] == '-') {
      rest_.remove_prefix(1);
      most = number();
    }
    return true;
  }

  static constexpr char kFixed = '\'';
  char kind = 0;
  uint32_t least = 0, most = 0;
  std::string_view fixed;

 private:
  uint32_t number() {
    uint32_t value = 0;
    while (!rest_.empty() && is_digit(rest_[0])) {
      value = value * 10 + static_cast<uint32_t>(rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }
  std::string_view rest_;
};

bool belongs(char c, char kind) {
  switch (kind) {
    case 'd':
      return is_digit(c);
    case 'h':
      return is_digit(c) || (c >= 'a' && c <= 'f');
    case 'x':
      return is_hex_digit(c);
    case 'l':
      return is_lower(c) || is_digit(c);
    case 'u':
      return is_upper(c) || is_digit(c);
    case 'w':
      return is_alnum(c);
    case 'b':
      return is_url_safe(c);
    case 'r':
      return is_url_safe(c) || c == '.';
    case 's':
      return is_alnum(c) || c == '+' || c == '/';
    case 'e':
      return is_url_safe(c) || c == '.' || c == '~';
    case 't':
      return is_token_character(c) && c != '~';
    default:
      return false;
  }
}

/// @param reached where reading went on to. @return the end of a body that begins at `from`; 0 where none does.
uint32_t body_end(std::string_view text, uint32_t from, std::string_view body, uint32_t& reached) {
  auto character = [text](uint32_t i) { return i < text.size() ? text[i] : '\0'; };
  uint32_t at = from, least_end = from;
  BodyParts part(body);
  while (part.next()) {
    if (part.kind == BodyParts::kFixed) {
      for (char c : part.fixed)
        if (character(reached = at++) != c) return 0;
      least_end = at;
      continue;
    }
    uint32_t end = at;
    while (end - at < part.most && belongs(character(end), part.kind)) ++end;
    reached = end;
    if (end - at < part.least) return 0;
    least_end = at + part.least;
    at = end;
  }
  char next = character(at);
  // Full stops and dashes end sentences; the others go on, and then this is something longer.
  if (belongs(next, part.kind) && next != '.' && next != '-') return 0;
  if (is_alnum(next) && part.kind != 't') return 0;
  while (at > least_end && (text[at - 1] == '.' || text[at - 1] == '-')) --at;
  return at;
}

/// Letters of both cases and nothing else, too many for a word.
bool is_mixed(std::string_view body) {
  return std::ranges::all_of(body, is_letter) && std::ranges::any_of(body, is_upper) &&
         std::ranges::any_of(body, is_lower) && entropy(body) >= 3.8;
}

/// Whether digits and letters stand as a generator mixes them, and not as in names that begin with so short a prefix.
bool is_generated(const Token& token, std::string_view body) {
  constexpr double kEntropyOfHex = 2.5, kEntropy = 3.0;
  constexpr size_t kShortPrefix = 3;
  bool hex = std::ranges::all_of(body, [](char c) { return is_hex_digit(c) || c == '-' || c == '_' || c == '.'; });
  if (entropy(body) < (hex ? kEntropyOfHex : kEntropy)) return false;
  constexpr size_t kLongBody = 30;
  if (count_digits(body) == 0)
    return (token.prefix.size() > kShortPrefix || body.size() >= kLongBody) && is_mixed(body);
  if (token.prefix.size() > kShortPrefix || hex) return true;
  bool names = body.find_first_of("-_") != std::string_view::npos && count_digits(body) < 4;
  return count_digits(body) >= 2 && !names;
}

/// @param reached where reading went on to. @return the end of the row's token that begins at `begin`; 0 where there is
/// none.
uint32_t token_end(std::string_view text, const Token& token, uint32_t begin, uint32_t& reached) {
  auto from = begin + static_cast<uint32_t>(token.prefix.size());
  if (!text.substr(begin).starts_with(token.prefix)) return 0;
  uint32_t end = body_end(text, from, token.body, reached);
  if (end == 0) return 0;
  std::string_view body = text.substr(from, end - from);
  return is_generated(token, body) && !is_stand_in(body, As::kToken) ? end : 0;
}

bool check_holds(const Token& token, std::string_view all) {
  switch (token.check) {
    case kNone:
      return false;
    case kCrc62:
      return ends_in_crc62(all.substr(token.prefix.size()));
    case kGitlab:
      return ends_in_gitlab_crc(all);
  }
  return false;
}

constexpr size_t kStepsOfByte = 4;  // of a body: for its form, and for its entropy and words of samples

}  // namespace

void token_at(Sight& sight, uint16_t row, Span literal) {
  const Token& token = kTokens[row];
  constexpr size_t kShortPrefix = 4;
  bool within = token.prefix.find('/') == std::string_view::npos && token.prefix.back() != '=';
  if (within && (!starts_word(sight, literal.begin) ||
                 (sight.before(literal.begin) == '-' && token.prefix.size() < kShortPrefix)))
    return;
  uint32_t reached = literal.end;
  uint32_t end = token_end(sight.text(), token, literal.begin, reached);
  sight.spend(kStepsOfByte * (reached - literal.begin));
  if (end == 0) return;
  if (kHasBetter[row])
    for (size_t other = 0; other < std::size(kTokens); ++other)
      if (other != row && goes_before(other, row) &&
          token_end(sight.text(), kTokens[other], literal.begin, reached) != 0)
        return;
  bool checked = check_holds(token, sight.view({literal.begin, end}));
  sight.see(Type::api_key, {literal.begin, end}, {0.9F, bit(kApiKey), checked, false, token.vendor});
}

void infix_token_at(Sight& sight, uint16_t row, Span literal) {
  const InfixToken& token = kInfixTokens[row];
  BodyParts before(token.before);
  before.next();
  uint32_t begin = literal.begin;
  while (begin > 0 && literal.begin - begin < before.most && belongs(sight.at(begin - 1), before.kind)) --begin;
  if (literal.begin - begin < before.least || belongs(sight.before(begin), before.kind)) return;
  if (before.kind != 'd' && !starts_word(sight, begin)) return;  // digits may follow a word: bot123456789:AA…
  uint32_t reached = literal.end;
  uint32_t end = body_end(sight.text(), literal.end, token.after, reached);
  sight.spend(kStepsOfByte * (reached - begin));
  if (end == 0) return;
  std::string_view all = sight.view({begin, end});
  constexpr double kEntropy = 3.0;
  if (entropy(all) < kEntropy || count_digits(all) < 2 || is_stand_in(all, As::kToken)) return;
  if (token.literal == "Q~" && !is_digit(sight.before(literal.begin))) return;
  sight.see(Type::api_key, {begin, end}, {0.9F, bit(kApiKey), false, false, token.vendor});
}

bool is_token(std::string_view text) {
  static const auto kByFirst = [] {  // rows by the first byte of their prefix: a value begins like few of them
    std::array<std::vector<const Token*>, 256> made;
    for (const Token& token : kTokens) made[static_cast<unsigned char>(token.prefix[0])].push_back(&token);
    return made;
  }();
  uint32_t reached = 0;
  return !text.empty() && std::ranges::any_of(kByFirst[static_cast<unsigned char>(text[0])], [&](const Token* token) {
    return token_end(text, *token, 0, reached) == text.size();
  });
}

void append_token_literals(std::vector<Literal>& all) {
  for (size_t i = 0; i < std::size(kTokens); ++i)
    all.push_back({kTokens[i].prefix, false, Trigger::kToken, static_cast<uint16_t>(i)});
  for (size_t i = 0; i < std::size(kInfixTokens); ++i)
    all.push_back({kInfixTokens[i].literal, false, Trigger::kInfixToken, static_cast<uint16_t>(i)});
}

}  // namespace mas::dlp
