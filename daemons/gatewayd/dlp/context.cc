// The vocabulary's lookup, and how keys are taken apart.
#include "daemons/gatewayd/dlp/context.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstring>

#include "daemons/gatewayd/dlp/folding.h"

namespace mas::dlp {
namespace {

enum class Where : uint8_t { kBoth, kKeys, kText };

constexpr size_t kMostWords = 12;          // of a key that are looked at
constexpr size_t kLongestPhrase = 4;       // words
constexpr size_t kLongestKey = 128;        // bytes of a key that are looked at
constexpr size_t kShortestPartOfWord = 8;  // letters of a phrase that is seen within a longer word

constexpr size_t kLetters = 26;

/// @param letters three of them.
size_t three_letters(std::string_view letters) {
  auto value = [&](size_t i) { return static_cast<size_t>(letters[i] - 'a'); };
  return (value(0) * kLetters + value(1)) * kLetters + value(2);
}

struct Table {
  std::vector<Phrase> phrases;
  std::unordered_map<std::string, ContextMask> keys;  // words of a phrase joined without spaces
  std::vector<std::string> long_words;                // of data, such as "password"
  std::bitset<kLetters * kLetters * kLetters> begin;  // the first three letters of a phrase
};

void add(Table& table, Context context, Where where, std::string_view list) {
  while (!list.empty()) {
    size_t bar = list.find('|');
    std::string_view words = list.substr(0, bar);
    list.remove_prefix(bar == std::string_view::npos ? list.size() : bar + 1);
    table.phrases.push_back({context, words, where != Where::kText, where != Where::kKeys});
    if (where == Where::kText) continue;
    std::string joined;
    for (char c : words)
      if (c >= 'a' && c <= 'z') joined.push_back(c);
    table.keys[joined] |= bit(context);
    if (joined.size() >= 3) table.begin.set(three_letters(joined));
    for (char third = 'a'; joined.size() == 2 && third <= 'z'; ++third) table.begin.set(three_letters(joined + third));
    bool data = (bit(context) & kDataContexts) != 0;
    if (data && joined.size() >= kShortestPartOfWord) table.long_words.push_back(joined);
  }
}

const Table& table() {
  static const Table kTable = [] {
    Table made;
    using enum Context;
    using enum Where;
#define MAS_DLP_WORDS(context, where, list) add(made, context, where, list);
#include "daemons/gatewayd/dlp/context.def"
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
      text_[size_++] = lower(c);
    }
    ends_[count_] = size_;
  }

  size_t count() const { return count_; }
  std::string_view joined(size_t first, size_t words) const {
    size_t from = starts_[first];
    return {text_.data() + from, (first + words == count_ ? size_ : starts_[first + words]) - from};
  }

 private:
  bool start() {
    begin_ = false;
    if (count_ == kMostWords) return false;
    starts_[count_++] = size_;
    return true;
  }

  std::array<char, kLongestKey> text_{};
  std::array<size_t, kMostWords + 1> starts_{}, ends_{};
  size_t count_ = 0, size_ = 0;
  bool begin_ = true;
};

ContextMask within_word(std::string_view word) {
  const Table& all = table();
  if (word.size() <= kShortestPartOfWord) return 0;
  for (const auto& part : all.long_words)
    if (word.starts_with(part) || word.ends_with(part)) return all.keys.at(part);
  return 0;
}

/// What folding left of other scripts says nothing.
std::string without_high_bytes(std::string text) {
  text.erase(std::remove_if(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; }), text.end());
  return text;
}

}  // namespace

const std::vector<Phrase>& phrases() { return table().phrases; }

ContextMask read_key(std::string_view key) {
  if (has_high_bytes(key)) return read_key(without_high_bytes(fold_text(key.substr(0, kLongestKey))));
  const auto& keys = table().keys;
  Words words(key);
  ContextMask mask = 0;
  std::string phrase;
  for (size_t i = 0; i < words.count();) {
    size_t taken = 0;
    std::string_view rest = words.joined(i, words.count() - i);
    bool known = rest.size() < 3 || table().begin[three_letters(rest)];  // most words begin no phrase
    for (size_t n = std::min(kLongestPhrase, words.count() - i); known && n > 0 && taken == 0; --n) {
      phrase.assign(words.joined(i, n));
      if (auto found = keys.find(phrase); found != keys.end()) {
        mask |= found->second;
        taken = n;
      }
    }
    if (taken == 0) mask |= within_word(words.joined(i, 1));
    i += std::max<size_t>(taken, 1);
  }
  return mask;
}

namespace {

/// Mixes a key's first and last bytes and its length: enough to spread the keys of messages.
size_t place_of(std::string_view key) {
  uint64_t first = 0, last = 0;
  size_t n = std::min(key.size(), sizeof first);
  std::memcpy(&first, key.data(), n);
  std::memcpy(&last, key.data() + key.size() - n, n);
  uint64_t mixed = (first * 0x9e3779b97f4a7c15U) ^ (last * 0xc2b2ae3d27d4eb4fU) ^ key.size();
  mixed ^= mixed >> 32;  // keys differ in their last letters, which are the highest bytes
  return static_cast<size_t>((mixed * 0x9e3779b97f4a7c15U) >> 40);
}

}  // namespace

ContextMask KeyReader::read(std::string_view key) {
  while (!key.empty() && key.back() >= '0' && key.back() <= '9')
    key.remove_suffix(1);  // note_1, note_2: the same words
  Known* places = &known_[place_of(key) % (kPlaces / 2) * 2];
  for (int i : {0, 1})
    if (places[i].key == key) return places[i].mask;
  ContextMask mask = read_key(key);
  if (key.size() > kLongestKey) return mask;
  std::swap(places[0], places[1]);
  Known& known = places[1];
  known.key = key;
  return known.mask = mask;
}

}  // namespace mas::dlp
