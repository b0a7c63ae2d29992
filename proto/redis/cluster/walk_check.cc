// What primaries say of their slots, and what a walk makes of it.
#include "proto/redis/cluster/walk_check.h"

#include <algorithm>

#include "proto/base/numbers.h"
#include "proto/redis/cluster/hash_slot.h"

namespace mas::redis {
namespace {

/// Takes the text before the next separator out of `rest`.
std::string_view take_until(std::string_view& rest, char separator) {
  const size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return taken;
}

/// @param own without brackets. @return how many slots those are; 0 counts for a word that is none.
size_t count_slots(std::string_view own) {
  size_t count = 0;
  while (!own.empty()) {
    std::string_view last = take_until(own, ' ');
    const auto from = parse_number<size_t>(take_until(last, '-'));
    const auto to = last.empty() ? from : parse_number<size_t>(last);
    if (from && to && *from <= *to && *to < kHashSlots) count += *to - *from + 1;
  }
  return count;
}

}  // namespace

/// A line is `id address flags primary ping pong epoch link slot…`; the node that answers has the flag `myself`.
std::string_view own_slots(std::string_view nodes) {
  constexpr size_t kWordsBefore = 8;
  while (!nodes.empty()) {
    std::string_view line = take_until(nodes, '\n');
    if (line.find("myself") == std::string_view::npos) continue;
    for (size_t i = 0; i < kWordsBefore; ++i) {
      const size_t space = line.find(' ');
      if (space == std::string_view::npos) return {};
      line.remove_prefix(space + 1);
    }
    return line;
  }
  return {};
}

bool SlotOwners::steady() const {
  size_t served = 0;
  for (const std::string& own : slots) {
    if (own.empty() || own.find('[') != std::string::npos) return false;
    served += count_slots(own);
  }
  return served == kHashSlots;
}

WalkCheck::Next WalkCheck::next(const SlotOwners& now) {
  if (walked() && now.steady() && now == before_) return Next::kDone;
  if (walks_ == kMaxWalks) return Next::kGiveUp;
  ++walks_;
  before_ = now;
  return Next::kWalk;
}

}  // namespace mas::redis
