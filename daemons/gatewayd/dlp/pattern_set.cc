// The patterns' database.
#include "daemons/gatewayd/dlp/pattern_set.h"

#include <hs/hs.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "daemons/gatewayd/dlp/regex_size.h"

namespace mas::dlp {
namespace {

constexpr unsigned kPlaceFlags = HS_FLAG_SOM_LEFTMOST, kWhetherFlags = HS_FLAG_SINGLEMATCH;
constexpr size_t kStepsOfMatch = 32;

Error wrong(std::string text) { return {Errc::kInvalidArgument, std::move(text)}; }

/// Takes the compiler's complaint over.
std::string message_of(hs_compile_error_t* problem) {
  std::string text = problem != nullptr && problem->message != nullptr ? problem->message : "no reason given";
  hs_free_compile_error(problem);
  while (!text.empty() && text.back() == '.') text.pop_back();
  return text;
}

/// @return the fewest bytes that the pattern matches.
Result<size_t> least_width(const std::string& pattern) {
  hs_expr_info_t* raw = nullptr;
  hs_compile_error_t* problem = nullptr;
  hs_error_t code = hs_expression_info(pattern.c_str(), kPlaceFlags, &raw, &problem);
  std::unique_ptr<hs_expr_info_t, void (*)(void*)> info(raw, std::free);
  if (code != HS_SUCCESS) return wrong("is not a pattern that can be compiled: " + message_of(problem));
  return static_cast<size_t>(info->min_width);
}

Result<Database> compile(const std::vector<const char*>& texts, unsigned all_flags) {
  std::vector<unsigned> flags(texts.size(), all_flags), ids;
  for (size_t i = 0; i < texts.size(); ++i) ids.push_back(static_cast<unsigned>(i));
  hs_database_t* database = nullptr;
  hs_compile_error_t* problem = nullptr;
  hs_error_t code = hs_compile_multi(texts.data(), flags.data(), ids.data(), static_cast<unsigned>(texts.size()),
                                     HS_MODE_BLOCK, nullptr, &database, &problem);
  if (code != HS_SUCCESS) return wrong("cannot be compiled: " + message_of(problem));
  return Database(database);
}

/// Collects a node's matches. For one start the matches come by growing ends, so that the last one is the longest.
struct Collector {
  std::vector<PatternHit>& hits;
  Work& work;
  std::vector<size_t> last;  // by pattern: its latest hit's place plus 1, in this node
  uint32_t node = 0, base = 0;

  static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned, void* context) {
    auto& self = *static_cast<Collector*>(context);
    self.work.steps += kStepsOfMatch;
    if (self.work.over()) return 1;  // ends the scan
    Span span{self.base + static_cast<uint32_t>(from), self.base + static_cast<uint32_t>(to)};
    size_t& last = self.last[id];
    if (last != 0 && self.hits[last - 1].span.begin == span.begin) {
      self.hits[last - 1].span.end = std::max(self.hits[last - 1].span.end, span.end);
      return 0;
    }
    self.hits.push_back({id, self.node, span});
    last = self.hits.size();
    return 0;
  }
};

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// A mask must not leave half a character behind.
void widen(std::string_view text, const Span& node, Span& span) {
  constexpr uint32_t kMax = 3;
  for (uint32_t i = 0; i < kMax && span.begin > node.begin && continues_character(text[span.begin]); ++i) --span.begin;
  for (uint32_t i = 0; i < kMax && span.end < node.end && continues_character(text[span.end]); ++i) ++span.end;
}

}  // namespace

Status PatternSet::check(std::string_view pattern) {
  if (pattern.empty()) return wrong("is empty");
  if (pattern.size() > kLongestPattern) return wrong("has more than " + std::to_string(kLongestPattern) + " bytes");
  if (std::any_of(pattern.begin(), pattern.end(), [](char c) { return c < ' ' || c > '~'; }))
    return wrong("has characters beyond printable ASCII; expected them as bytes, such as \\xc3\\xa9");
  if (regex_size(pattern) > kLargestPattern)
    return wrong("is too large: its repeats make more than " + std::to_string(kLargestPattern) + " characters");
  std::string text(pattern);
  auto least = least_width(text);
  if (!least) return least.error();
  if (*least == 0) return wrong("matches the empty text");
  if (auto database = compile({text.c_str()}, kPlaceFlags); !database) return database.error();
  return {};
}

Result<PatternSet> PatternSet::make(const std::vector<std::string>& patterns, Wanted wanted) {
  PatternSet made;
  std::vector<const char*> texts;
  made.shortest_ = SIZE_MAX;
  for (const auto& pattern : patterns) {
    texts.push_back(pattern.c_str());
    auto least = least_width(pattern);
    if (!least) return least.error();
    made.shortest_ = std::min(made.shortest_, *least);
  }
  made.count_ = patterns.size();
  auto database = compile(texts, wanted == Wanted::kPlaces ? kPlaceFlags : kWhetherFlags);
  if (!database) return database.error().in("the patterns together");
  made.database_ = std::move(*database);
  return made;
}

Status PatternSet::prepare(Scratch& scratch) const {
  hs_scratch_t* raw = scratch.release();
  hs_error_t code = hs_alloc_scratch(database_.get(), &raw);
  scratch.reset(raw);
  if (code != HS_SUCCESS) return vectorscan_error("no scratch space", code);
  return {};
}

Status PatternSet::scan(const Document& document, hs_scratch* scratch, std::vector<PatternHit>& ret_hits,
                        Work& work) const {
  ret_hits.clear();
  Collector collector{ret_hits, work, std::vector<size_t>(count_)};
  for (uint32_t i = 0; i < document.nodes().size(); ++i) {
    const Node& node = document.nodes()[i];
    if (node.text.size() < shortest_) continue;
    collector.node = i;
    collector.base = node.text.begin;
    size_t first = ret_hits.size();
    std::string_view text = document.text_of(node);
    hs_error_t code = hs_scan(database_.get(), text.data(), static_cast<unsigned>(text.size()), 0, scratch,
                              Collector::on_match, &collector);
    if (code == HS_SCAN_TERMINATED && work.over()) return {};
    if (code != HS_SUCCESS) return vectorscan_error("the scan failed", code);
    if (ret_hits.size() == first) continue;
    std::fill(collector.last.begin(), collector.last.end(), 0);
    for (size_t hit = first; hit < ret_hits.size(); ++hit) widen(document.text(), node.text, ret_hits[hit].span);
    auto begin = ret_hits.begin() + static_cast<std::ptrdiff_t>(first);
    auto in_order = [](const PatternHit& a, const PatternHit& b) {
      return a.pattern != b.pattern ? a.pattern < b.pattern : a.span.begin < b.span.begin;
    };
    if (!std::is_sorted(begin, ret_hits.end(), in_order)) std::sort(begin, ret_hits.end(), in_order);
  }
  return {};
}

Status PatternSet::match(std::string_view text, hs_scratch* scratch, std::vector<uint32_t>& ret_patterns) const {
  ret_patterns.clear();
  auto on_match = [](unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
    static_cast<std::vector<uint32_t>*>(context)->push_back(id);
    return 0;
  };
  hs_error_t code =
      hs_scan(database_.get(), text.data(), static_cast<unsigned>(text.size()), 0, scratch, on_match, &ret_patterns);
  if (code != HS_SUCCESS) return vectorscan_error("the scan failed", code);
  return {};
}

}  // namespace mas::dlp
