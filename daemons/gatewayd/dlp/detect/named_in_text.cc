// Words, names and what follows them.
#include "daemons/gatewayd/dlp/detect/named_in_text.h"

#include <algorithm>

#include "daemons/gatewayd/dlp/detect/assignments.h"
#include "daemons/gatewayd/dlp/detect/kinds.h"
#include "daemons/gatewayd/dlp/detect/looks.h"
#include "daemons/gatewayd/dlp/detect/neighbours.h"
#include "daemons/gatewayd/dlp/detect/secret_values.h"

namespace mas::dlp {
namespace {

using enum Context;

constexpr float kAssigned = 0.65F;  // an assignment says as much as words nearby

/// "access token" says better than its "token" what follows. Words come by growing ends.
bool ends_longer(const std::vector<Word>& words, size_t i) {
  Span span = words[i].span;
  for (size_t k = i; k > 0 && words[k - 1].span.end == span.end; --k)
    if (words[k - 1].span.begin < span.begin) return true;
  for (size_t k = i + 1; k < words.size() && words[k].span.end == span.end; ++k)
    if (words[k].span.begin < span.begin) return true;
  return false;
}

Named how_of(const Value& value) {
  switch (value.link) {
    case Link::kSign:
      return Named::kBySign;
    case Link::kVerb:
      return Named::kByVerb;
    default:
      return Named::kByWord;
  }
}

constexpr size_t kStepsOfValue = 32;  // about what value_after() reads of the text, and looks up

constexpr size_t kStepsOfAssignment = 16;  // about what assigned_value() reads, but the value

class TextReader {
 public:
  explicit TextReader(Sight& sight) : sight_(sight), words_(sight.words()) {}

  void run() {
    for (size_t i = 0; i < words_.size() && !sight_.is_spent(); ++i) {
      const Word& word = words_[i];
      bool secret = (bit(word.context) & (kOfSecrets | bit(kHead))) != 0;
      if (!secret && (bit(word.context) & kNumberContexts) == 0) continue;
      if (word.span.begin >= last_.begin && word.span.begin < last_.end) continue;
      if (i + 1 < words_.size() && words_[i + 1].context == word.context && words_[i + 1].span.begin <= word.span.end)
        continue;
      if (ends_longer(words_, i)) continue;
      if (secret)
        read_secret(word);
      else
        read_number(word);
    }
  }

 private:
  Value value_behind(uint32_t at) {
    sight_.spend(kStepsOfValue);
    return value_after(sight_.text(), at, plain_);
  }

  // ---- Secrets

  void read_secret(const Word& word) {
    Span name = name_around(sight_.text(), word.span);
    if (name.begin < name_end_) return;  // seen with an earlier word of the same name
    bool joined = !(name == word.span);
    Naming naming;
    naming.says = read_key(sight_.view(name));
    bool own = (naming.says & kOfSecrets) != 0;
    if (!own && !joined) naming.says |= bit(word.context);
    if (joined) name_end_ = name.end;
    if (is_inside(name.begin)) return;
    if ((naming.says & kOfSecrets) == 0 || (naming.says & kAgainst) != 0) return;
    if (is_compared(name.end) || assigned(name, naming) || joined) return;
    in_prose(word, naming);
  }

  /// Within a template (`${PASSWORD:?unset}`) or a chain of names (`arn:aws:…:secret:name`).
  bool is_inside(uint32_t begin) const {
    char first = sight_.before(begin), second = begin > 1 ? sight_.at(begin - 2) : '\0';
    if (first == '{') return second == '$' || second == '#' || second == '{';
    return first == ':' && is_alnum(second) && sight_.view({begin - std::min(begin, 4u), begin}) != "env:";
  }

  /// `password == expected`, `token != last`.
  bool is_compared(uint32_t at) const {
    for (int n = 0; n < 4 && sight_.at(at) == ' '; ++n) ++at;
    char c = sight_.at(at);
    return (c == '=' || c == '!') && sight_.at(at + 1) == '=';
  }

  /// @return whether something is assigned to the name.
  bool assigned(Span name, Naming& naming) {
    sight_.spend(kStepsOfAssignment);
    Value value = assigned_value(sight_.text(), name);
    if (value.link == Link::kNone) return false;
    if (value.span.size() == 0) return true;
    bool option = sight_.at(name.end) == ' ' && value.span.begin == name.end + 1;  // `--secret dbPassword …`
    if (!option) last_ = value.span;
    // "PASS: name" is a test's result, whatever the name.
    if (sight_.view(name) == "PASS" && sight_.at(name.end) == ':') return true;
    naming.how = Named::kBySign;
    naming.quoted = value.quoted;
    naming.alone = stands_alone(sight_.text(), name, value.span);
    naming.tight = sight_.at(name.end) == '=' && value.span.begin == name.end + 1;
    naming.shape = kAssigned;
    if ((naming.says & bit(kWeak)) != 0) naming.login = (sight_.near(name) & bit(kLogin)) != 0;
    see_secret(sight_, value.span, naming);
    return true;
  }

  void in_prose(const Word& word, Naming& naming) {
    Value value = value_behind(word.span.end);
    if (value.link == Link::kNone) return;
    if (value.link == Link::kSign) last_ = value.span;
    naming.how = how_of(value);
    std::string_view text = sight_.view(value.span);
    bool plain = std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || is_space(c); });
    if (value.quoted && !plain && text.find(' ') == std::string_view::npos) naming.how = Named::kBySign;
    if (naming.how == Named::kByWord && is_of_sql(word, value.span)) naming.how = Named::kBySign, value.quoted = true;
    std::string_view name = sight_.view(word.span);
    naming.pin = naming.how != Named::kByWord && (contains_word(name, "pin") || contains_word(name, " code"));
    naming.quoted = value.quoted;
    naming.alone = false;
    naming.shape = naming.how == Named::kByWord ? kNamed : kAssigned;
    if ((naming.says & bits(kSecret, kMaterial, kBasic)) != 0 && naming.how == Named::kByWord) return;
    char next = sight_.at(word.span.end);  // "pw" by chance, within base64
    if (naming.how == Named::kByWord && (is_alnum(next) || next == '/' || next == '+')) return;
    if ((naming.says & bit(kWeak)) != 0) {
      naming.login = (sight_.near(word.span) & bit(kLogin)) != 0;
      if (naming.how == Named::kByWord && (!naming.login || !is_strong_password(text))) return;
      naming.shape = kAssigned;
    }
    see_secret(sight_, value.span, naming);
  }

  /// IDENTIFIED BY '…', WITH PASSWORD '…', ENCRYPTED PASSWORD '…'.
  bool is_of_sql(const Word& word, Span value) const {
    if (sight_.at(word.span.end) != ' ' || value.begin != word.span.end + 2 || sight_.at(value.end) != '\'')
      return false;
    if (equals_word(sight_.view(word.span), "identified by")) return true;
    uint32_t end = word.span.begin - std::min(word.span.begin, 1u), begin = end - std::min(end, 9u);
    std::string_view before = sight_.view({begin, end});
    return equals_word(before.substr(before.size() - std::min<size_t>(before.size(), 4)), "with") ||
           equals_word(before, "encrypted");
  }

  // ---- Numbers and dates

  /// The end of the name that begins with a word: `mrn_length` says something else than `mrn`.
  uint32_t identifier_end(Span word) const {
    constexpr uint32_t kLongest = 64;
    auto goes_on = [&](uint32_t at) {
      return is_letter(sight_.at(at)) || (sight_.at(at) == '_' && is_letter(sight_.at(at + 1)));
    };
    uint32_t end = word.end;
    while (end - word.begin < kLongest && goes_on(end)) ++end;
    return end;
  }

  /// Markdown's `_998_`, and no name such as `cvv_998_`.
  bool is_emphasised(uint32_t begin) const {
    return begin > 1 && sight_.before(begin) == '_' && !is_alnum(sight_.before(begin - 1));
  }

  void read_number(const Word& word) {
    uint32_t end = identifier_end(word.span);
    if (end > word.span.end && (read_key(sight_.view({word.span.begin, end})) & kAgainst) != 0) return;
    Value value = value_behind(end);
    if (value.link == Link::kNone) return;
    if (value.link == Link::kSign) last_ = value.span;
    Named how = how_of(value);
    // The word itself may be the number's beginning: "MRN-0012345".
    uint32_t room = std::min<uint32_t>(static_cast<uint32_t>(sight_.text().size()), value.span.begin + 64);
    std::string_view rest = sight_.text().substr(value.span.begin, room - value.span.begin);
    if (is_emphasised(value.span.begin)) rest = rest.substr(0, rest.find('_'));
    for (const Kind& kind : kKinds) {
      if (kind.context != word.context) continue;
      size_t size = kind.read(rest);
      // A code that was sent to a telephone has more than the three digits of most cards.
      bool of_card = size == 3 && how != Named::kByWord;
      if (word.context == kCode && !of_card && (sight_.near(word.span) & bit(kCard)) == 0) continue;
      if (size == 0 || !is_supported(kind.context, word.span, rest.substr(0, size))) continue;
      if (word.context == kBirth && how == Named::kByWord && sight_.at(word.span.end) != ' ' &&
          sight_.at(word.span.end) != ',')
        continue;
      sight_.see(kind.type, {value.span.begin, value.span.begin + static_cast<uint32_t>(size)},
                 {kNamed, kind.type == Type::cvv ? bits(kCvv, kCode) : bit(kind.context), false, false});
    }
  }

  /// An ambiguous name takes a word of its own trade nearby.
  bool is_supported(Context context, Span word, std::string_view number) {
    std::string_view name = sight_.view(word);
    bool weak = (read_key(name) & bit(kWeak)) != 0;
    if (context == kMrn && name.find(' ') != std::string_view::npos) return true;  // "chart number", and no key
    if (!weak && !is_short_of_insurance(context, number)) return true;
    ContextMask support = weak ? supporters(context) & ~bit(context) : supporters(context);
    return (sight_.near(word) & support) != 0 && (weak || (sight_.near(word) & bit(kMedical)) != 0);
  }

  Sight& sight_;
  const std::vector<Word>& words_;
  Span last_;   // value: words within it are part of it
  Span plain_;  // of value_after()
  uint32_t name_end_ = 0;
};

}  // namespace

void detect_named_in_text(Sight& sight) { TextReader(sight).run(); }

}  // namespace mas::dlp
