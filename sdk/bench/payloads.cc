// Invents payloads.
#include "sdk/bench/payloads.h"

#include <array>
#include <string_view>

namespace mas::ctl {

namespace {

constexpr std::string_view kWords[] = {
    "please",   "review",  "the",      "quarterly", "report", "and",    "send",    "a",      "summary", "to",
    "team",     "before",  "noon",     "results",   "of",     "run",    "were",    "stored", "in",      "archive",
    "with",     "latency", "below",    "target",    "we",     "should", "retry",   "failed", "step",    "after",
    "checking", "index",   "document", "customer",  "asked",  "about",  "delivery"};
constexpr std::string_view kNames[] = {"Rosa", "Ada", "Noor", "Ivan", "Mei", "Tomas", "Lena", "Omar"};
constexpr std::string_view kBase62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// SplitMix64 (Steele, Lea, Flood 2014): the same everywhere, as the library's distributions are not.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  uint64_t below(uint64_t limit) {
    state_ += 0x9e3779b97f4a7c15U;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return (z ^ (z >> 31)) % limit;
  }
  std::string drawn(std::string_view alphabet, size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text.push_back(alphabet[below(alphabet.size())]);
    return text;
  }
  std::string digits(size_t count) { return drawn("0123456789", count); }

 private:
  uint64_t state_;
};

std::string sentence(Dice& dice, size_t words) {
  std::string text;
  for (size_t i = 0; i < words; ++i) {
    if (i > 0) text.push_back(' ');
    text += kWords[dice.below(std::size(kWords))];
  }
  return text;
}

std::string card(Dice& dice) {
  std::string digits = "4" + dice.digits(14);
  unsigned sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    auto value = static_cast<unsigned>(digits[i] - '0');
    if (i % 2 == 0) value = value * 2 > 9 ? value * 2 - 9 : value * 2;
    sum += value;
  }
  return digits + static_cast<char>('0' + (10 - sum % 10) % 10);
}

/// A member with nothing in it that matters, but much that looks like something.
std::string plain_member(Dice& dice, size_t number) {
  std::string n = std::to_string(number);
  switch (dice.below(6)) {
    case 0:
      return "\"note_" + n + "\":\"" + sentence(dice, 6 + dice.below(12)) + "\"";
    case 1:
      return "\"trace_id_" + n + "\":\"" + dice.drawn("0123456789abcdef", 32) + "\"";
    case 2:
      return "\"ts_" + n + "\":17" + dice.digits(11);
    case 3:
      return "\"order_id_" + n + "\":" + std::to_string(100'000'000 + dice.below(900'000'000));
    case 4:
      return "\"scores_" + n + "\":[0." + dice.digits(3) + ",0." + dice.digits(3) + "," +
             std::to_string(dice.below(100)) + "]";
    default:
      return "\"step_" + n + "\":{\"name\":\"" + sentence(dice, 2) +
             "\",\"ok\":true,\"retries\":" + std::to_string(dice.below(5)) + "}";
  }
}

std::string found_member(Dice& dice) {
  switch (dice.below(6)) {
    case 0:
      return "\"ssn\":\"2" + dice.digits(2) + "-45-6" + dice.digits(3) + "\"";
    case 1:
      return "\"card\":\"" + card(dice) + "\"";
    case 2:
      return "\"reply\":\"write to " + std::string(kNames[dice.below(std::size(kNames))]) + dice.digits(2) +
             "@mail.example.org\"";
    case 3:
      return "\"contact\":\"call me at (212) 5" + dice.digits(2) + "-01" + dice.digits(2) + "\"";
    case 4:
      return "\"password\":\"" + dice.drawn(kBase62, 14) + "7\"";
    default:
      return "\"patient\":{\"mrn\":\"" + dice.digits(8) + "\",\"diagnosis\":\"E11.9\"}";
  }
}

std::string payload(Dice& dice, size_t bytes, bool found) {
  std::string text = "{\"task\":\"" + sentence(dice, 3) + "\"";
  if (found) text += "," + found_member(dice);
  constexpr std::string_view kPad = ",\"pad\":\"";
  for (size_t number = 0;; ++number) {
    std::string member = "," + plain_member(dice, number);
    if (text.size() + member.size() + kPad.size() + 2 > bytes) break;
    text += member;
  }
  if (text.size() + kPad.size() + 2 > bytes)
    return "{\"pad\":\"" + std::string(bytes > 10 ? bytes - 10 : 0, '.') + "\"}";
  text += kPad;
  while (text.size() + 2 < bytes) text.push_back(text.size() % 7 == 0 ? ' ' : '.');
  return text + "\"}";
}

}  // namespace

std::vector<std::string> bench_payloads(size_t bytes, size_t count) {
  Dice dice(bytes);
  std::vector<std::string> payloads;
  for (size_t i = 0; i < count; ++i) payloads.push_back(payload(dice, bytes, i % 4 == 3));
  return payloads;
}

}  // namespace mas::ctl
