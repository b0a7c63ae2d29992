// Path patterns: read, and compared.
#include "daemons/gatewayd/dlp/path_pattern.h"

#include <algorithm>
#include <charconv>

#include "daemons/gatewayd/dlp/detect/values.h"
#include "proto/wire/json.h"

namespace mas::dlp {
namespace {

constexpr size_t kMaxSteps = 64, kLongestPath = 1024;

bool is_name(char c) { return is_alnum(c) || c == '_' || c == '-'; }

}  // namespace

bool PathPattern::Step::takes(const PathStep& step) const {
  switch (kind) {
    case Kind::kKey:
      return !step.element && step.key == key;
    case Kind::kIndex:
      return step.element && step.index == index;
    case Kind::kOne:
    case Kind::kAny:
      break;
  }
  return true;
}

Result<PathPattern> PathPattern::parse(std::string_view text) {
  const Error wrong{Errc::kInvalidArgument,
                    "expected a path such as data.patient.ids[2], data.*.note, **.email or [\"a key\"]"};
  PathPattern pattern;
  if (text == "$") return pattern;
  if (text.empty() || text.size() > kLongestPath) return wrong;
  for (size_t at = 0; at < text.size();) {
    if (pattern.steps_.size() == kMaxSteps) return wrong;
    if (text[at] == '[') {
      // A quoted key may hold brackets; its string ends before the last of them.
      size_t close = text.find(']', at);
      bool quoted = at + 1 < text.size() && text[at + 1] == '"';
      for (size_t i = at + 2; quoted && i < text.size(); ++i) {
        if (text[i] == '\\')
          ++i;
        else if (text[i] == '"') {
          close = i + 1;
          break;
        }
      }
      if (close >= text.size() || text[close] != ']') return wrong;
      std::string_view inside = text.substr(at + 1, close - at - 1);
      Step step{Step::Kind::kIndex, 0, {}};
      if (inside == "*") {
        step.kind = Step::Kind::kOne;
      } else if (quoted) {
        if (!JsonReader::local().check_value(inside)) return wrong;
        step = {Step::Kind::kKey, 0, json_text(inside)};
      } else {
        auto [end, failed] = std::from_chars(inside.data(), inside.data() + inside.size(), step.index);
        if (failed != std::errc{} || end != inside.data() + inside.size()) return wrong;
      }
      pattern.steps_.push_back(std::move(step));
      at = close + 1;
      continue;
    }
    if (!pattern.steps_.empty()) {
      if (text[at] != '.') return wrong;
      ++at;
    }
    size_t end = at;
    while (end < text.size() && (is_name(text[end]) || text[end] == '*')) ++end;
    std::string_view name = text.substr(at, end - at);
    if (name == "*")
      pattern.steps_.push_back({Step::Kind::kOne, 0, {}});
    else if (name == "**")
      pattern.steps_.push_back({Step::Kind::kAny, 0, {}});
    else if (!name.empty() && name.find('*') == std::string_view::npos)
      pattern.steps_.push_back({Step::Kind::kKey, 0, std::string(name)});
    else
      return wrong;
    at = end;
  }
  return pattern;
}

/// As for wildcards in file names: on a mismatch the latest `**` takes one step more.
bool PathPattern::matches(std::span<const PathStep> path) const {
  size_t at = 0, step = 0, any = SIZE_MAX, any_at = 0;
  while (at < path.size()) {
    if (step < steps_.size() && steps_[step].kind == Step::Kind::kAny) {
      any = step++;
      any_at = at;
    } else if (step < steps_.size() && steps_[step].takes(path[at])) {
      ++step;
      ++at;
    } else if (any != SIZE_MAX) {
      step = any + 1;
      at = ++any_at;
    } else {
      return false;
    }
  }
  while (step < steps_.size() && steps_[step].kind == Step::Kind::kAny) ++step;
  return step == steps_.size();
}

}  // namespace mas::dlp
