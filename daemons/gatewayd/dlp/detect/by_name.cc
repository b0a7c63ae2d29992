// Data that is told by its name: the key of a value, the words before it in running text, or the head of its column.
#include <algorithm>
#include <array>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/columns.h"
#include "daemons/gatewayd/dlp/detect/dates.h"
#include "daemons/gatewayd/dlp/detect/detect.h"
#include "daemons/gatewayd/dlp/detect/named_values.h"

namespace mas::dlp {
namespace {

using enum Context;

constexpr float kNamed = 0.45F;  // with a key 0.8, with words 0.65

constexpr float kInColumn = 0.65F;  // as if the words stood beside it

/// Numbers that nothing but their name tells from others.
struct Kind {
  Context context;
  Type type;
  size_t (*read)(std::string_view);
};
constexpr Kind kKinds[] = {
    {kMrn, Type::mrn, record_number},
    {kInsurance, Type::health_insurance, insurance_number},
    {kPassport, Type::passport, passport_number},
    {kLicense, Type::drivers_license, license_number},
    {kAccount, Type::bank_account, account_number},
    {kCvv, Type::cvv, verification_code},
    {kCode, Type::cvv, verification_code},
    {kBirth, Type::date_of_birth, birth_date_at},
};
constexpr ContextMask kSecretContexts = bits(kPassword, kApiKey, kSecret, kAwsSecret);
constexpr ContextMask kNamedContexts =
    bits(kMrn, kInsurance, kPassport, kLicense, kAccount, kCvv, kCode, kBirth) | kSecretContexts;

/// @param value trimmed, where it stands in the text.
void see_secret(Sight& sight, Span span, ContextMask context, Named how, bool number, float shape = kNamed) {
  std::string_view value = sight.view(span);
  if (value.starts_with("Bearer ") || value.starts_with("bearer ") || value.starts_with("Basic ")) return;
  if ((context & bits(kAwsSecret)) != 0 && is_aws_secret(value)) {
    sight.see(Type::aws_key, span, {0.6F, context & kSecretContexts, true, false, "secret access key"});
    return;
  }
  if ((context & bit(kPassword)) != 0) {
    if (is_password(value, how, number)) sight.see(Type::password, span, {shape, bit(kPassword), false, false});
  } else if ((context & bits(kApiKey, kAwsSecret)) != 0) {
    if (is_api_key(value, how)) sight.see(Type::api_key, span, {shape, bits(kApiKey, kAwsSecret), false, false});
  } else if ((context & bit(kSecret)) != 0) {
    if (is_discord_token(value))
      sight.see(Type::api_key, span, {0.9F, bit(kSecret), false, false, "discord"});
    else if (is_generic_secret(value))
      sight.see(Type::generic_secret, span, {shape, bit(kSecret), false, false});
  }
}

/// A value's own text without the white space around it.
Span trimmed(std::string_view text, Span span) {
  while (span.begin < span.end && is_space(text[span.begin])) ++span.begin;
  while (span.end > span.begin && is_space(text[span.end - 1])) --span.end;
  return span;
}

/// "access token" says better than its "token" what follows. Words come by growing ends.
bool ends_longer(const std::vector<Word>& words, size_t i) {
  Span span = words[i].span;
  for (size_t k = i; k > 0 && words[k - 1].span.end == span.end; --k)
    if (words[k - 1].span.begin < span.begin) return true;
  for (size_t k = i + 1; k < words.size() && words[k].span.end == span.end; ++k)
    if (words[k].span.begin < span.begin) return true;
  return false;
}

/// The end of the name that begins with a word: `password_min_length` says something else than `password`.
uint32_t identifier_end(const Sight& sight, Span word) {
  constexpr uint32_t kLongest = 64;
  auto goes_on = [&](uint32_t at) {
    return is_letter(sight.at(at)) || (sight.at(at) == '_' && is_letter(sight.at(at + 1)));
  };
  uint32_t end = word.end;
  while (end - word.begin < kLongest && goes_on(end)) ++end;
  return end;
}

void see_by_key(Sight& sight, const Node& node) {
  Span span = trimmed(sight.text(), node.text);
  std::string_view value = sight.view(span);
  bool own = (node.own & kNamedContexts) != 0;
  if ((node.context & kSecretContexts) != 0)
    see_secret(sight, span, node.context, own ? Named::kByKey : Named::kInObject, node.kind == Node::Kind::kNumber);
  for (const Kind& kind : kKinds) {
    if ((node.context & bit(kind.context)) == 0) continue;
    size_t size = kind.read(value);
    bool birth = kind.context == kBirth;  // what follows a date may be a time
    if (size == 0 || (size != value.size() && (!birth || is_alnum(value[size])) && !(birth && value[size] == 'T')))
      continue;
    sight.see(kind.type, {span.begin, span.begin + static_cast<uint32_t>(size)},
              {kNamed, bit(kind.context), false, false});
  }
}

void see_in_column(Sight& sight, Span span, ContextMask context) {
  if ((context & kSecretContexts) != 0) see_secret(sight, span, context, Named::kByVerb, false, kInColumn);
  std::string_view value = sight.view(span);
  for (const Kind& kind : kKinds)
    if ((context & bit(kind.context)) != 0 && !value.empty() && kind.read(value) == value.size())
      sight.see(kind.type, span, {kInColumn, bit(kind.context), false, false});
  if ((context & bit(kSsn)) != 0 && value.size() == 9 && count_digits(value) == 9 && ssn(value))
    sight.see(Type::ssn, span, {kInColumn, bit(kSsn), false, false});
}

/// @return where reading went on to.
uint32_t see_columns(Sight& sight, Columns& columns, uint32_t at) {
  if (!columns.find(sight.text(), at)) return columns.end();
  std::array<ContextMask, Columns::kMost> says{};
  ContextMask any = 0;
  for (size_t i = 0; i < columns.count(); ++i) {
    ContextMask mask = read_key(sight.view(columns.name(i)));
    says[i] = (mask & kAgainst) == 0 ? mask & (kNamedContexts | bit(kSsn)) : 0;
    any |= says[i];
  }
  while (any != 0 && columns.next())
    for (size_t i = 0; i < columns.count(); ++i)
      if (says[i] != 0) see_in_column(sight, columns.value(i), says[i]);
  return columns.end();
}

void detect_in_columns(Sight& sight) {
  Columns columns;
  uint32_t read = 0;  // up to here
  for (const Word& word : sight.words()) {
    if ((bit(word.context) & (kNamedContexts | bit(kSsn))) == 0 || word.span.begin < read) continue;
    read = std::max(see_columns(sight, columns, word.span.begin), word.span.end);
  }
}

}  // namespace

void detect_by_keys(Sight& sight) {
  for (const Node& node : sight.document().nodes()) {
    if (node.kind == Node::Kind::kKey || (node.context & kNamedContexts) == 0 || (node.context & kAgainst) != 0)
      continue;
    if (node.text.size() > 0) see_by_key(sight, node);
  }
}

void detect_after_words(Sight& sight) {
  detect_in_columns(sight);
  const auto& words = sight.words();
  Span last;  // value: words within it are part of it
  for (size_t i = 0; i < words.size(); ++i) {
    const Word& word = words[i];
    bool within = word.span.begin >= last.begin && word.span.begin < last.end;
    if ((bit(word.context) & kNamedContexts) == 0 || within) continue;
    if (i + 1 < words.size() && words[i + 1].context == word.context && words[i + 1].span.begin <= word.span.end)
      continue;
    if (ends_longer(words, i)) continue;
    uint32_t end = identifier_end(sight, word.span);
    if (end > word.span.end && (read_key(sight.view({word.span.begin, end})) & kAgainst) != 0) continue;
    Value value = value_after(sight.text(), end);
    if (value.link == Link::kNone) continue;
    if (value.link == Link::kSign) last = value.span;
    Named how = value.link == Link::kSign   ? Named::kBySign
                : value.link == Link::kVerb ? Named::kByVerb
                                            : Named::kByWord;
    if ((bit(word.context) & kSecretContexts) != 0) {
      std::string_view text = sight.view(value.span);
      bool plain = std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || is_space(c); });
      if (value.quoted && !plain && text.find(' ') == std::string_view::npos) how = Named::kBySign;
      if (word.context == kSecret && how != Named::kBySign) continue;
      char next = sight.at(word.span.end);  // "pw" by chance, within base64
      if (how == Named::kByWord && (is_alnum(next) || next == '/' || next == '+')) continue;
      see_secret(sight, value.span, bit(word.context), how, false);
      continue;
    }
    // The word itself may be the number's beginning: "MRN-0012345".
    uint32_t room = std::min<uint32_t>(static_cast<uint32_t>(sight.text().size()), value.span.begin + 64);
    std::string_view rest = sight.text().substr(value.span.begin, room - value.span.begin);
    for (const Kind& kind : kKinds) {
      if (kind.context != word.context) continue;
      size_t size = kind.read(rest);
      // A code that was sent to a telephone has more than the three digits of most cards.
      bool of_card = size == 3 && how != Named::kByWord;
      if (word.context == kCode && !of_card && (sight.near(word.span) & bit(kCard)) == 0) continue;
      if (size == 0) continue;
      if (word.context == kBirth && how == Named::kByWord && sight.at(word.span.end) != ' ' &&
          sight.at(word.span.end) != ',')
        continue;
      sight.see(kind.type, {value.span.begin, value.span.begin + static_cast<uint32_t>(size)},
                {kNamed, kind.type == Type::cvv ? bits(kCvv, kCode) : bit(kind.context), false, false});
    }
  }
}

}  // namespace mas::dlp
