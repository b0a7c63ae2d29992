// Names by their distance.
#include "proto/base/nearest.h"

#include <algorithm>

namespace mas {

namespace {

/// Levenshtein's distance, or `limit` if it is not below.
size_t distance(std::string_view a, std::string_view b, size_t limit) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return std::min(row[b.size()], limit);
}

}  // namespace

std::string nearest(std::string_view name, const std::vector<std::string>& names) {
  constexpr size_t kMaxNameBytes = 256;  // the distance is quadratic, the name from outside
  if (name.size() > kMaxNameBytes) return {};
  size_t best = std::max<size_t>(2, name.size() / 3) + 1;
  std::string found;
  for (const auto& candidate : names) {
    size_t d = distance(name, candidate, best);
    if (d >= best) continue;
    best = d;
    found = candidate;
  }
  return found;
}

}  // namespace mas
