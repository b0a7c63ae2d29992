// One question to each primary.
#include "daemons/common/slot_survey.h"

#include <algorithm>

namespace mas::common {

Status SlotSurvey::ask() {
  redis_.forget(this);
  primaries_ = redis_.primaries();
  if (primaries_.empty()) return Error{Errc::kUnavailable, "no primary of the cluster is known"};
  slots_.assign(primaries_.size(), {});
  due_ = primaries_.size();
  status_ = Status();
  for (size_t i = 0; i < primaries_.size(); ++i) {
    Status sent = redis_.send_to(primaries_[i], redis::Command("CLUSTER", "NODES"),
                                 redis::reply_to<&SlotSurvey::on_reply>(this, i));
    if (sent) continue;
    cancel();
    return sent;
  }
  return {};
}

void SlotSurvey::on_reply(uint64_t primary, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (reply)
    slots_[primary] = own_slots((*reply)->text);
  else if (status_)
    status_ = reply.error().in("CLUSTER NODES");
  if (--due_ == 0) done_(status_);
}

bool SlotSurvey::steady() const {
  return std::ranges::none_of(
      slots_, [](const std::string& slots) { return slots.empty() || slots.find('[') != std::string::npos; });
}

/// A line is `id address flags primary ping pong epoch link slot…`; the node that answers has the flag `myself`.
std::string_view SlotSurvey::own_slots(std::string_view nodes) {
  constexpr size_t kWordsBefore = 8;
  while (!nodes.empty()) {
    const size_t end = std::min(nodes.find('\n'), nodes.size());
    std::string_view line = nodes.substr(0, end);
    nodes.remove_prefix(std::min(end + 1, nodes.size()));
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

}  // namespace mas::common
