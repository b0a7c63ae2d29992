// The vocabulary's lookup, and how keys are taken apart.
#include "daemons/gatewayd/dlp/context.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <span>
#include <string>
#include <unordered_map>

#include "daemons/gatewayd/dlp/folding.h"

namespace mas::dlp {
namespace {

enum class Where : uint8_t { kBoth, kKeys, kText };

constexpr size_t kMaxWords = 12;           // of a key that are looked at
constexpr size_t kLongestPhrase = 4;       // words
constexpr size_t kShortestPartOfWord = 8;  // letters of a phrase that is seen within a longer word

constexpr size_t kLetters = 26;

/// @param letters three of them.
size_t three_letters(std::string_view letters) {
  auto value = [&](size_t i) { return static_cast<size_t>(letters[i] - 'a'); };
  return (value(0) * kLetters + value(1)) * kLetters + value(2);
}

/// The numbers of long_words by three of their letters; the words of one three stand in the order of the vocabulary.
class ByThree {
 public:
  void fill(const std::vector<std::string>& words, size_t (*three_of)(std::string_view)) {
    for (const std::string& word : words) ++begins_[three_of(word) + 1];
    for (size_t i = 1; i < begins_.size(); ++i) begins_[i] = static_cast<uint16_t>(begins_[i] + begins_[i - 1]);
    numbers_.resize(words.size());
    std::vector<uint16_t> next = begins_;
    for (size_t i = 0; i < words.size(); ++i) numbers_[next[three_of(words[i])]++] = static_cast<uint16_t>(i);
  }
  std::span<const uint16_t> of(size_t three) const {
    return std::span(numbers_).subspan(begins_[three], static_cast<size_t>(begins_[three + 1] - begins_[three]));
  }

 private:
  std::vector<uint16_t> begins_ = std::vector<uint16_t>(kLetters * kLetters * kLetters + 1);
  std::vector<uint16_t> numbers_;
};

size_t first_three(std::string_view word) { return three_letters(word); }
size_t last_three(std::string_view word) { return three_letters(word.substr(word.size() - 3)); }

/// Of a sequence of letters. Those of its parts come from the same numbers, so that a key is read once for all of them.
constexpr uint64_t kHashFactor = 0x9e3779b97f4a7c15U;
uint64_t hash_of(std::string_view letters) {
  uint64_t hash = 0;
  for (char c : letters) hash = hash * kHashFactor + static_cast<unsigned char>(c);
  return hash;
}

/// Phrases joined without spaces, by open addressing. @note the hash is the caller's, see hash_of().
class Phrases {
 public:
  /// @return what `phrase` says; 0: it is none.
  ContextMask find(uint64_t hash, std::string_view phrase) const {
    for (size_t at = place_of(hash);; at = (at + 1) % kSlots) {
      const Slot& slot = slots_[at];
      if (slot.mask == 0 || (slot.hash == hash && slot.phrase == phrase)) return slot.mask;
    }
  }
  void add(std::string_view phrase, ContextMask mask) {
    uint64_t hash = hash_of(phrase);
    size_t at = place_of(hash);
    while (slots_[at].mask != 0 && slots_[at].phrase != phrase) at = (at + 1) % kSlots;
    slots_[at] = {hash, slots_[at].mask | mask, std::string(phrase)};
  }

 private:
  static constexpr unsigned kBits = 13;  // the vocabulary takes a third of it
  static constexpr size_t kSlots = size_t{1} << kBits;
  struct Slot {
    uint64_t hash = 0;
    ContextMask mask = 0;  // 0: empty
    std::string phrase;
  };
  static size_t place_of(uint64_t hash) { return static_cast<size_t>((hash * 0xc2b2ae3d27d4eb4fU) >> (64 - kBits)); }

  std::vector<Slot> slots_ = std::vector<Slot>(kSlots);
};

struct Table {
  std::vector<Phrase> phrases;
  Phrases keys;                                         // words of a phrase joined without spaces
  std::unordered_map<std::string, ContextMask> native;  // phrases with letters beyond ASCII, joined likewise
  std::vector<std::string> long_words;                  // of data, such as "password"
  ByThree long_by_begin, long_by_end;                   // long_words by their first and last three letters
  using Letters = std::bitset<kLetters * kLetters * kLetters>;
  Letters begin;  // the first three letters of a phrase
};

void add_key(Table& table, Context context, std::string_view words) {
  std::string joined;
  if (has_high_bytes(words)) {
    for (char c : words)
      if ((c & 0x80) != 0 || (c >= 'a' && c <= 'z')) joined.push_back(c);
    table.native[joined] |= bit(context);
    return;
  }
  for (char c : words)
    if (c >= 'a' && c <= 'z') joined.push_back(c);
  table.keys.add(joined, bit(context));
  if (joined.size() >= 3) table.begin.set(three_letters(joined));
  for (char third = 'a'; joined.size() == 2 && third <= 'z'; ++third) table.begin.set(three_letters(joined + third));
  bool data = (bit(context) & kDataContexts) != 0;
  if (data && joined.size() >= kShortestPartOfWord) table.long_words.push_back(joined);
}

void add(Table& table, Context context, Where where, std::string_view list) {
  while (!list.empty()) {
    size_t bar = list.find('|');
    std::string_view words = list.substr(0, bar);
    list.remove_prefix(bar == std::string_view::npos ? list.size() : bar + 1);
    table.phrases.push_back({context, words, where != Where::kText, where != Where::kKeys});
    // "account #" is of texts: without its sign it says nothing.
    if (where != Where::kText && words.find('#') == std::string_view::npos) add_key(table, context, words);
  }
}

const Table& table() {
  static const Table kTable = [] {
    Table made;
    using enum Context;
    using enum Where;
#define MAS_DLP_WORDS(context, where, list) add(made, context, where, list);
#include "daemons/gatewayd/dlp/context.def"
    made.long_by_begin.fill(made.long_words, first_three);
    made.long_by_end.fill(made.long_words, last_three);
    return made;
  }();
  return kTable;
}

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
char lower(char c) { return is_upper(c) ? static_cast<char>(c | 0x20) : c; }

/// The words of a key, in lower case, one after the other in one text.
class Words {
 public:
  explicit Words(std::string_view key) {
    hashes_[0] = 0;
    key = key.substr(0, kLongestKey);
    for (size_t i = 0; i < key.size(); ++i) {
      char c = key[i];
      if (!is_lower(c) && !is_upper(c)) {
        begin_ = true;
        continue;
      }
      bool after_lower = i > 0 && is_lower(key[i - 1]);
      bool before_lower = i + 1 < key.size() && is_lower(key[i + 1]);
      bool hump = is_upper(c) && (after_lower || (i > 0 && is_upper(key[i - 1]) && before_lower));
      if ((begin_ || hump) && !start()) return;
      hashes_[size_ + 1] = hashes_[size_] * kHashFactor + static_cast<unsigned char>(lower(c));
      text_[size_++] = lower(c);
    }
  }

  size_t count() const { return count_; }
  std::string_view joined(size_t first, size_t words) const {
    size_t from = starts_[first];
    return {text_.data() + from, end(first, words) - from};
  }
  /// hash_of() the same words.
  uint64_t hash(size_t first, size_t words) const {
    size_t from = starts_[first], to = end(first, words);
    return hashes_[to] - hashes_[from] * powers()[to - from];
  }

 private:
  bool start() {
    begin_ = false;
    if (count_ == kMaxWords) return false;
    starts_[count_++] = size_;
    return true;
  }

  size_t end(size_t first, size_t words) const { return first + words == count_ ? size_ : starts_[first + words]; }
  /// kHashFactor to the power of the place.
  static const std::array<uint64_t, kLongestKey + 1>& powers() {
    static constexpr auto kPowers = [] {
      std::array<uint64_t, kLongestKey + 1> made{1};
      for (size_t i = 1; i < made.size(); ++i) made[i] = made[i - 1] * kHashFactor;
      return made;
    }();
    return kPowers;
  }

  std::array<char, kLongestKey> text_;            // size_ bytes of it are set
  std::array<uint64_t, kLongestKey + 1> hashes_;  // of the first bytes of text_: as many as the place says
  std::array<size_t, kMaxWords> starts_;          // count_ of them
  size_t count_ = 0, size_ = 0;
  bool begin_ = true;
};

/// "mypassword", "githubtoken": a name whose words are not told apart.
ContextMask within_word(std::string_view word) {
  const Table& all = table();
  constexpr size_t kShortestGlued = 8;
  if (word.size() >= kShortestGlued &&
      (word.ends_with("token") || word.ends_with("secret") || word.ends_with("apikey")))
    return bit(Context::kCredential);
  if (word.size() <= kShortestPartOfWord) return 0;
  // The first of the vocabulary that the word begins or ends with; most words share their letters with none.
  const auto& parts = all.long_words;
  std::span<const uint16_t> begins = all.long_by_begin.of(first_three(word)),
                            ends = all.long_by_end.of(last_three(word));
  auto begin = std::ranges::find_if(begins, [&](uint16_t i) { return word.starts_with(parts[i]); });
  auto end = std::ranges::find_if(ends, [&](uint16_t i) { return word.ends_with(parts[i]); });
  auto says = [&](uint16_t i) { return all.keys.find(hash_of(parts[i]), parts[i]); };
  if (end != ends.end() && (begin == begins.end() || *end <= *begin)) return says(*end);
  return begin != begins.end() ? says(*begin) | bit(Context::kWeak) : 0;
}

/// What folding left of other scripts says nothing.
std::string without_high_bytes(std::string text) {
  text.erase(std::remove_if(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; }), text.end());
  return text;
}

/// A key in another language: whole, or one of its words.
ContextMask read_native(std::string_view key) {
  const auto& native = table().native;
  ContextMask mask = 0;
  std::string word, all;
  auto look = [&](const std::string& phrase) {
    if (auto found = native.find(phrase); found != native.end()) mask |= found->second;
  };
  for (char c : key.substr(0, kLongestKey)) {
    if ((c & 0x80) != 0 || is_lower(c) || is_upper(c)) {
      word.push_back(lower(c));
    } else if (!word.empty()) {
      look(word);
      all += word;
      word.clear();
    }
  }
  if (!word.empty() && !all.empty()) look(word);
  look(all + word);
  return mask;
}

/// What the phrases of a key say, from its first to its last.
struct Said {
  std::array<ContextMask, kMaxWords> parts{};
  size_t count = 0;
};

constexpr ContextMask kWordsOfSecret = bits(Context::kSecret, Context::kPassword, Context::kApiKey);

/// Names of secrets: what stands before the word that names the secret tells which, what stands behind it changes what
/// it is.
ContextMask judge_secret(const Said& said, std::string_view key) {
  ContextMask mask = 0;
  size_t last = said.count - 1;
  while ((said.parts[last] & kSecretContexts) == 0) --last;
  for (size_t i = 0; i < last; ++i)
    mask |= said.parts[i] & ~bits(Context::kNegative, Context::kAbout, Context::kPlain, Context::kNames);
  ContextMask own = said.parts[last];
  bool secret_alone = (own & kWordsOfSecret) == bit(Context::kSecret);
  if (secret_alone && last > 0) own = (own & ~bit(Context::kSecret)) | bit(Context::kCredential);
  bool shouts = last > 0 && std::none_of(key.begin(), key.end(), is_lower);
  if (shouts) own &= ~bit(Context::kWeak);  // DB_PASS is a variable
  mask |= own;
  constexpr ContextMask kNeutral = bits(Context::kEnding, Context::kPlain, Context::kLogin);
  for (size_t i = last + 1; i < said.count; ++i) {
    mask |= said.parts[i] & (kAgainst | (kDataContexts & ~kSecretContexts));
    if ((said.parts[i] & kNeutral) == 0 || (said.parts[i] & bit(Context::kNames)) != 0) mask |= bit(Context::kWeak);
  }
  return mask;
}

/// `X_KEY`, `stripeKey`: a credential perhaps, unless its other words name what has no secret key.
ContextMask judge_key(const Said& said, std::string_view key) {
  ContextMask mask = 0;
  for (size_t i = 0; i + 1 < said.count; ++i) mask |= said.parts[i];
  if ((mask & kAgainst) != 0) return mask;
  mask |= bit(Context::kCredential);
  if (std::any_of(key.begin(), key.end(), is_lower)) mask |= bit(Context::kWeak);
  return mask & ~bits(Context::kPlain, Context::kNames);
}

}  // namespace

const std::vector<Phrase>& phrases() { return table().phrases; }

ContextMask read_key(std::string_view key) {
  if (has_high_bytes(key)) {
    if (ContextMask mask = read_native(key)) return mask;
    return read_key(without_high_bytes(fold_text(key.substr(0, kLongestKey))));
  }
  const auto& keys = table().keys;
  Words words(key);
  Said said;
  for (size_t i = 0; i < words.count(); ++said.count) {
    size_t taken = 0;
    std::string_view rest = words.joined(i, words.count() - i);
    bool known = rest.size() < 3 || table().begin[three_letters(rest)];  // most words begin no phrase
    for (size_t n = std::min(kLongestPhrase, words.count() - i); known && n > 0 && taken == 0; --n) {
      ContextMask says = keys.find(words.hash(i, n), words.joined(i, n));
      if (says == 0) continue;
      said.parts[said.count] = says;
      taken = n;
    }
    if (taken == 0) said.parts[said.count] = within_word(words.joined(i, 1));
    i += std::max<size_t>(taken, 1);
  }
  ContextMask mask = 0;
  for (size_t i = 0; i < said.count; ++i) mask |= said.parts[i];
  if ((mask & kSecretContexts) != 0) return judge_secret(said, key);
  bool head = said.count > 1 && (said.parts[said.count - 1] & bit(Context::kHead)) != 0;
  return head ? judge_key(said, key) : mask;
}

uint8_t roles_of(std::string_view key) {
  struct Role {
    std::string_view key;
    KeyRole role;
  };
  constexpr Role kRoles[] = {{"value", kAnswerKey},    {"answer", kAnswerKey},      {"response", kAnswerKey},
                             {"reply", kAnswerKey},    {"valuestring", kAnswerKey}, {"kind", kKindKey},
                             {"type", kKindKey},       {"columns", kColumnsKey},    {"fields", kColumnsKey},
                             {"headers", kColumnsKey}, {"header", kColumnsKey}};
  for (const Role& one : kRoles)
    if (std::ranges::equal(key, one.key, {}, lower)) return one.role;
  return kNoRole;
}

}  // namespace mas::dlp
