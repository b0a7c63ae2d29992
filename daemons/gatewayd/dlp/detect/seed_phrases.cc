// BIP-39: runs of words of the list, and their checksum.
#include "daemons/gatewayd/dlp/detect/seed_phrases.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <string>
#include <vector>

#include "daemons/gatewayd/dlp/detect/detect.h"
#include "daemons/gatewayd/dlp/detect/values.h"
#include "proto/wire/digest.h"

namespace mas::dlp {
namespace {

constexpr size_t kShortest = 12, kLongest = 24, kListed = 48;
constexpr size_t kStepsOfPhrase = 96;  // a digest of at most 32 bytes, about
constexpr uint32_t kShortestWord = 3, kLongestWord = 8, kBitsOfWord = 11;

constexpr std::string_view kList =
#include "daemons/gatewayd/dlp/detect/bip39_english.inc"
    ;

/// The places of the words in the list, by open addressing. The first four letters of a word are those of no other
/// (BIP-39), so that they make a good hash.
class Places {
 public:
  Places() {
    for (uint32_t i = 0; i < bip39_words().size(); ++i) {
      uint32_t at = slot_of(bip39_words()[i]);
      while (slots_[at] != kNone) at = (at + 1) % kSlots;
      slots_[at] = static_cast<uint16_t>(i);
    }
  }
  std::optional<uint32_t> find(std::string_view word) const {
    const auto& words = bip39_words();
    for (uint32_t at = slot_of(word); slots_[at] != kNone; at = (at + 1) % kSlots)
      if (words[slots_[at]] == word) return slots_[at];
    return std::nullopt;
  }

 private:
  static constexpr unsigned kBitsOfSlot = 13;  // four times as many as there are words
  static constexpr uint32_t kSlots = 1U << kBitsOfSlot;
  static constexpr uint16_t kNone = UINT16_MAX;

  /// @param word of at least three bytes.
  static uint32_t slot_of(std::string_view word) {
    auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(word[i])); };
    uint32_t letters = byte(0) | byte(1) << 8 | byte(2) << 16 | (word.size() > 3 ? byte(3) << 24 : 0);
    return letters * 0x9e3779b1U >> (32 - kBitsOfSlot);
  }

  std::array<uint16_t, kSlots> slots_ = [] {
    std::array<uint16_t, kSlots> made;
    made.fill(kNone);
    return made;
  }();
};

/// @return the word's place in the list.
std::optional<uint32_t> place_of(std::string_view word) {
  static const Places places;
  if (word.size() < kShortestWord || word.size() > kLongestWord) return std::nullopt;
  return places.find(word);
}

bool is_separator(char c) { return is_space(c) || c == ',' || c == '\0'; }

/// The words of the list that stand one behind the other from a place on. Of a run too long to be looked at it keeps
/// the beginning, and counts the rest.
class WordRun {
 public:
  explicit WordRun(std::string_view text) : text_(text) {}

  /// @param at the beginning of a word. @return where the run ends.
  uint32_t read(uint32_t at) {
    words_.clear();
    spans_.clear();
    count_ = 0;
    uint32_t end = at;
    while (at < text_.size()) {
      end = at;
      while (end < text_.size() && end - at <= kLongestWord && is_lower(text_[end])) ++end;
      bool whole = end == text_.size() || (!is_alnum(text_[end]) && text_[end] != '_' && text_[end] != '-');
      std::string_view word = text_.substr(at, end - at);
      if (!whole || word.size() < kShortestWord || word.size() > kLongestWord || !place_of(word)) break;
      if (count_++ <= kListed) {
        words_.push_back(word);
        spans_.push_back({at, end});
      }
      constexpr uint32_t kWidest = 3;
      uint32_t next = end;
      while (next < text_.size() && next - end < kWidest && is_separator(text_[next])) ++next;
      if (next == end) break;
      at = next;
    }
    return std::max(end, at);
  }

  size_t count() const { return count_; }
  const std::vector<std::string_view>& words() const { return words_; }
  const std::vector<Span>& spans() const { return spans_; }

 private:
  const std::string_view text_;
  std::vector<std::string_view> words_;
  std::vector<Span> spans_;
  size_t count_ = 0;
};

bool is_sorted_list(std::span<const std::string_view> words) { return std::ranges::is_sorted(words); }

void see_phrase(Sight& sight, std::span<const Span> words) {
  // Elements of an array are nodes of their own: each is told by itself.
  for (size_t first = 0; first < words.size();) {
    const Node& node = sight.node_of(words[first].begin);
    size_t last = first;
    while (last + 1 < words.size() && words[last + 1].begin < node.text.end) ++last;
    sight.see(Type::private_key, {words[first].begin, words[last].end}, {0.9F, 0, true, false, "seed phrase"});
    first = last + 1;
  }
}

/// A phrase begins with the run or a word or two into it, or ends with it.
void look_for_phrase(Sight& sight, const WordRun& run) {
  constexpr size_t kMaxBefore = 2;
  std::span<const std::string_view> words(run.words());
  std::span<const Span> spans(run.spans());
  if (run.count() < kShortest || run.count() > kListed) return;
  auto try_at = [&](size_t from, size_t count) {
    if (from + count > words.size()) return false;
    auto part = words.subspan(from, count);
    if (is_sorted_list(part)) return false;
    sight.spend(kStepsOfPhrase);
    if (!is_seed_phrase(part)) return false;
    see_phrase(sight, spans.subspan(from, count));
    return true;
  };
  for (size_t count : {24, 21, 18, 15, 12})
    if (try_at(0, count)) return;
  for (size_t count : {kLongest, kShortest}) {
    for (size_t from = 1; from <= kMaxBefore; ++from)
      if (try_at(from, count)) return;
    if (words.size() > count && try_at(words.size() - count, count)) return;
  }
}

/// Run by run of the list's words, where a text has enough words of their form. Of twelve the last is looked up first:
/// where it is none of the list, no phrase has it.
void look_through_words(Sight& sight, WordRun& run, uint32_t begin, uint32_t end) {
  std::string_view text = sight.text();
  std::array<Span, kShortest> words;  // the next ones
  size_t held = 0;
  auto drop = [&](size_t count) {
    std::copy(words.begin() + static_cast<std::ptrdiff_t>(count), words.begin() + static_cast<std::ptrdiff_t>(held),
              words.begin());
    held -= count;
  };
  for (uint32_t at = begin;;) {
    while (held < kShortest && at < end) {
      uint32_t past = at;
      while (past < end && is_lower(text[past])) ++past;
      words[held++] = {at, past};
      at = past;
      while (at < end && is_separator(text[at])) ++at;
    }
    if (held < kShortest) return;
    size_t last = held;
    while (last > 0 && place_of(sight.view(words[last - 1]))) --last;
    if (last > 0) {
      drop(last);
      continue;
    }
    uint32_t run_end = run.read(words[0].begin);
    look_for_phrase(sight, run);
    size_t past_run = 1;
    while (past_run < held && words[past_run].begin < run_end) ++past_run;
    drop(past_run);
    if (held > 0) continue;
    at = std::max(at, run_end);
    while (at < end && is_separator(text[at])) ++at;
  }
}

}  // namespace

const std::array<std::string_view, 2048>& bip39_words() {
  static const auto words = [] {
    std::array<std::string_view, 2048> made;
    size_t at = 0;
    for (std::string_view& word : made) {
      size_t end = kList.find(' ', at);
      word = kList.substr(at, end - at);
      at = end + 1;
    }
    return made;
  }();
  return words;
}

bool is_seed_phrase(std::span<const std::string_view> words) {
  if (words.size() < kShortest || words.size() > kLongest || words.size() % 3 != 0) return false;
  std::string bytes;
  uint32_t bits = 0, held = 0;
  for (std::string_view word : words) {
    auto place = place_of(word);
    if (!place) return false;
    bits = bits << kBitsOfWord | *place;
    for (held += kBitsOfWord; held >= 8; held -= 8) bytes.push_back(static_cast<char>(bits >> (held - 8) & 0xff));
    bits &= 0xff;
  }
  // Entropy, and of its SHA-256 one bit for every 32 of it.
  size_t entropy = words.size() / 3 * 4, check_bits = words.size() / 3;
  bytes.push_back(static_cast<char>(bits << (8 - held) & 0xff));
  auto check = static_cast<unsigned char>(bytes[entropy]) >> (8 - check_bits);
  return sha256(std::string_view(bytes).substr(0, entropy))[0] >> (8 - check_bits) == check;
}

namespace {

constexpr uint32_t kLeastText = 47;  // bytes of twelve words of three letters, and of what stands between

constexpr uint32_t kBits = ByteClasses::kBits;
constexpr uint64_t kAllBits = ~uint64_t{0};

/// The bits of word `number` that stand for bytes of [begin, end), which has some of them.
uint64_t within(uint32_t number, uint32_t begin, uint32_t end) {
  uint32_t base = number * kBits;
  uint64_t bits = kAllBits;
  if (base < begin) bits &= kAllBits << (begin - base);
  if (end - base < kBits) bits &= ~(kAllBits << (end - base));
  return bits;
}

/// @param at no place within a word. @param ret_begins where the next twelve words begin. @return whether there are as
/// many.
bool next_words(const ByteClasses& classes, uint32_t at, uint32_t end, std::array<uint32_t, kShortest>& ret_begins) {
  size_t count = 0;
  uint64_t before = 0;
  for (uint32_t i = at / kBits; i * kBits < end; ++i) {
    uint64_t lower = classes.word(i).lower & within(i, at, end);
    for (uint64_t begins = lower & ~(lower << 1 | before); begins != 0; begins &= begins - 1) {
      ret_begins[count++] = i * kBits + static_cast<uint32_t>(std::countr_zero(begins));
      if (count == kShortest) return true;
    }
    before = lower >> (kBits - 1);
  }
  return false;
}

/// @return where the first twelve words of the list begin that stand one behind the other among small letters and
/// separators; `end` where there are none. Of twelve the last is looked up first: most texts end with that.
uint32_t first_chance(const Sight& sight, uint32_t begin, uint32_t end) {
  std::array<uint32_t, kShortest> begins;
  while (next_words(sight.classes(), begin, end, begins)) {
    size_t good = kShortest;
    uint32_t past = begin;
    for (; good > 0; --good) {
      past = sight.classes().end(&ByteClasses::Word::lower, begins[good - 1]);
      if (!place_of(sight.view({begins[good - 1], past}))) break;
    }
    if (good == 0) return begin;
    begin = past;
  }
  return end;
}

/// Tells runs of at least kLeastText bits from words of bits that come one after the other.
class LongRuns {
 public:
  /// @param base the place of its first bit. Calls `take(begin, end)` with each run that ends within the word.
  template <typename Take>
  void add(uint64_t bits, uint32_t base, Take take) {
    if (open_) {
      if (bits == kAllBits) return;
      uint32_t end = base + static_cast<uint32_t>(std::countr_one(bits));
      if (end - start_ >= kLeastText) take(start_, end);
      bits &= bits + 1;  // without the ones that it took
    }
    auto last = static_cast<uint32_t>(std::countl_one(bits));
    open_ = last > 0;
    start_ = base + kBits - last;
    // There is room for one within, at most, and it has the middle.
    constexpr unsigned kAside = kBits - kLeastText;
    constexpr uint64_t kMiddle = kAllBits << kAside & kAllBits >> kAside;
    if ((bits & kMiddle) != kMiddle) return;
    uint32_t begin = kLeastText - static_cast<uint32_t>(std::countl_one(bits << kAside));
    uint32_t end = kAside + static_cast<uint32_t>(std::countr_one(bits >> kAside));
    if (end < kBits && end - begin >= kLeastText) take(base + begin, base + end);
  }

 private:
  uint32_t start_ = 0;  // of the run that reaches the end of the word before
  bool open_ = false;
};

/// Calls `take(begin, end)` with the parts of a text of small letters and separators that are long enough for a phrase,
/// and in which no word has one, two or more than eight letters. Of a longer word behind it the first letters may count
/// to it.
template <typename Take>
void for_each_part(const ByteClasses& classes, Take take) {
  LongRuns runs;
  uint64_t lower_before = 0, separators_before = 0, two_before = 0, four_before = 0;
  for (uint32_t i = 0; i < classes.words(); ++i) {
    const ByteClasses::Word& word = classes.word(i);
    const auto behind = ByteClasses::behind;
    uint64_t lower = word.lower, separators = word.words & ~lower;
    uint64_t one = behind(lower, lower_before, 1);
    // Separators with one or two letters before them, and other separators before those.
    uint64_t ends_short = separators & one &
                          (behind(separators, separators_before, 2) |
                           (behind(lower, lower_before, 2) & behind(separators, separators_before, 3)));
    // The ninth letter of a word and those behind it.
    uint64_t two = lower & one, four = two & behind(two, two_before, 2);
    uint64_t ninth = four & behind(four, four_before, 4) & behind(lower, lower_before, 8);
    runs.add(word.words & ~ends_short & ~ninth, i * kBits, take);
    lower_before = lower;
    separators_before = separators;
    two_before = two;
    four_before = four;
  }
}

/// Words of three to eight small letters with white space or commas between them, from the beginning of one on.
/// @return the end of the last; `ret_count` how many there are.
uint32_t end_of_words(const Sight& sight, uint32_t at, uint32_t& ret_count) {
  std::string_view text = sight.text();
  constexpr uint32_t kWidest = 3;
  ret_count = 0;
  uint32_t last = at;
  while (true) {
    uint32_t end = sight.classes().end(&ByteClasses::Word::lower, at);
    last = end;
    if (end - at < kShortestWord || end - at > kLongestWord) return last;
    ++ret_count;
    at = end;
    while (at < text.size() && at - end < kWidest && is_separator(text[at])) ++at;
    if (at == end) return last;
  }
}

}  // namespace

void detect_seed_phrases(Sight& sight) {
  std::string_view text = sight.text();
  if (!sight.wants(Type::private_key) || text.size() < kLeastText) return;
  WordRun run(text);
  auto look_at = [&](uint32_t begin, uint32_t stop) {
    while (begin < stop) {
      while (begin < stop && is_separator(text[begin])) ++begin;
      uint32_t count = 0, end = end_of_words(sight, begin, count);
      if (count >= kShortest) look_through_words(sight, run, begin, end);
      begin = std::max(end, begin + 1);
    }
  };
  // Found by counting bits, since hardly any message has one.
  for_each_part(sight.classes(), [&](uint32_t begin, uint32_t end) {
    begin = first_chance(sight, begin, end);
    if (begin < end) look_at(begin, end);
  });
}

}  // namespace mas::dlp
