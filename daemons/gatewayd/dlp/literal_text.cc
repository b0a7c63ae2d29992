// Parts, and the way back from them.
#include "daemons/gatewayd/dlp/literal_text.h"

#include <algorithm>

namespace mas::dlp {

void LiteralText::clear() {
  copy_.clear();
  copy_.add() = '\0';
  parts_.clear();
  known_.clear();
}

void LiteralText::complete(std::vector<Match>& matches) {
  merged_.clear();
  merged_.reserve(matches.size() + known_.size());
  Match* to = merged_.end();
  auto parts = parts_.view();
  auto known = known_.view();
  size_t next_part = 0, next_known = 0;
  uint32_t shift = 0;  // of the part that a match ends in
  for (Match match : matches) {
    for (; next_part < parts.size() && parts[next_part].begin < match.end; ++next_part)
      shift = parts[next_part].place - parts[next_part].begin;
    match.end += shift;
    while (next_known < known.size() && known[next_known].end < match.end) *to++ = known[next_known++];
    *to++ = match;
  }
  to = std::copy(known.begin() + static_cast<std::ptrdiff_t>(next_known), known.end(), to);
  matches.assign(merged_.end(), to);
}

}  // namespace mas::dlp
