// Every word that begins something, repeated over a whole message in every place where words stand: the worst that
// whoever knows the vocabulary can send. The budget of steps is never passed by more than one place takes.
#include <algorithm>
#include <set>

#include "daemons/gatewayd/dlp/detect/detect.h"
#include "tests/unit/gatewayd/dlp/scan_case.h"

using namespace mas;
using namespace mas::dlp;
using namespace mas::dlp::test;

namespace {

constexpr size_t kMegabyte = 1 << 20;
/// Steps past the budget: a detector that has begun with a place looks at it to its end.
constexpr uint64_t kStepsOfPlace = 8192;

/// A message that is one unit again and again.
struct Repeated {
  std::string name, before, unit, behind;

  std::string message(size_t bytes) const {
    std::string text = before;
    text.reserve(bytes + unit.size());
    while (text.size() + unit.size() + behind.size() <= bytes) text += unit;
    return text + behind;
  }
};

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (c == '\n')
      out += "\\n";
    else
      out.push_back(c);
  }
  return out;
}

/// `word` in every place where words stand.
std::vector<Repeated> places_of(const std::string& word) {
  std::string joined = word, json = escaped(word), nested = escaped("\"" + json + "\":\"a1b2\","), deep;
  std::replace(joined.begin(), joined.end(), ' ', '_');
  for (int level = 0; level < 40; ++level) deep += "{\"" + json + "\":";
  deep += "1" + std::string(40, '}') + ",";
  std::vector<Repeated> all;
  for (std::string behind : {" ", "", "s ", ": ", ",", "\n", " is ", " for the ", ".", " 123456789 ", "=q8Zr4Tn1Xw7P "})
    all.push_back({"text " + behind, "", word + behind, ""});
  for (std::string behind : {"_", "="}) all.push_back({"name " + behind, "", joined + behind, ""});
  all.push_back({"option", "", "--" + joined + " ", ""});
  all.push_back({"tag", "", "<" + word + ">", ""});
  all.push_back({"quoted", "", "\"" + word + "\" ", ""});
  all.push_back({"call", "", "('" + word + "', '", ""});
  all.push_back({"one string", R"({"a":")", json + " ", "\"}"});
  all.push_back({"keys", "{", "\"" + json + R"(":"q8Zr4Tn1Xw7P",)", R"("z":1})"});
  all.push_back({"flags beside a secret", "{", R"("secret":"aaaa",")" + json + R"(":true,)", R"("z":1})"});
  all.push_back({"array", "[", "\"" + json + "\",", "1]"});
  all.push_back({"objects", "[", "{\"" + json + R"(":{"value":"123456789"}},)", "1]"});
  all.push_back({"questions", "[", R"({"question":")" + json + R"(","answer":"123456789"},)", "1]"});
  all.push_back({"JSON in a string", R"({"a":"{)", nested, R"(\"z\":1}"})"});
  all.push_back({"deep", "[", deep, "1]"});
  return all;
}

std::set<std::string> all_words() {
  std::set<std::string> words;
  for (const Phrase& phrase : phrases()) words.emplace(phrase.words);
  for (const Literal& literal : secret_literals()) words.emplace(literal.text);
  return words;
}

std::shared_ptr<const Rules> all_types(Action action) {
  auto rules = std::make_shared<Rules>(*rules_with({}));
  rules->enabled.set();
  for (TypeRule& type : rules->types) type.action = action;
  return rules;
}

/// The places that take the most steps for a byte, of all words.
std::vector<Repeated> worst_places(size_t count) {
  constexpr size_t kBytes = 2048;
  ScanCase at(all_types(Action::kBlock));
  std::vector<std::pair<uint64_t, Repeated>> seen;
  for (const std::string& word : all_words()) {
    for (Repeated& place : places_of(word)) {
      std::string message = place.message(kBytes);
      at.scan(message);
      const Work& work = at.scanner->work();
      INFO(place.name << " of " << word << ": " << work.steps << " steps of " << work.most);
      CHECK(work.steps <= work.most + kStepsOfPlace);
      seen.emplace_back(work.steps, std::move(place));
    }
  }
  size_t kept = std::min(count, seen.size());
  std::partial_sort(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(kept), seen.end(),
                    [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Repeated> worst;
  for (size_t i = 0; i < kept; ++i) worst.push_back(std::move(seen[i].second));
  return worst;
}

}  // namespace

TEST_CASE(
    "a megabyte of any word of the vocabulary takes 17 steps a byte at most, and is refused where it needs more") {
  constexpr size_t kWorst = 20, kMaxSteps = 17;
  ScanCase blocking(all_types(Action::kBlock)), redacting(all_types(Action::kRedact));
  for (const Repeated& place : worst_places(kWorst)) {
    std::string message = place.message(kMegabyte);
    for (ScanCase* at : {&blocking, &redacting}) {
      at->scan(message);
      const Work& work = at->scanner->work();
      INFO(place.name << " of " << place.unit << ": " << work.steps << " steps");
      CHECK(work.steps <= kMaxSteps * kMegabyte);
      CHECK(work.over() == !at->scanner->report().refused.empty());
      if (work.over()) CHECK(at->scanner->report().action == Action::kBlock);
    }
  }
}

TEST_CASE("what a megabyte of a word leaves to be masked is masked in one pass") {
  constexpr size_t kMaxSteps = 4;
  auto key = DataKey::of("k1", "0123456789abcdef0123456789abcdeF");
  REQUIRE(key.ok());
  for (Action action : {Action::kRedact, Action::kEncrypt}) {
    ScanCase at(all_types(action));
    for (std::string word : {"password", "access token", "mrn", "ssn", "cvv"}) {
      for (const Repeated& place : places_of(word)) {
        std::string message = place.message(kMegabyte / 4), out;
        at.scan(message);
        if (!at.scanner->report().refused.empty()) continue;
        INFO(place.name << " of " << word << ": " << at.scanner->report().findings.size() << " findings");
        CHECK(append_rewritten(*at.scanner, message, &*key, out) <= kMaxSteps * message.size());
      }
    }
  }
}
