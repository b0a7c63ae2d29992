// One question to each primary.
#include "daemons/common/slot_survey.h"

namespace mas::common {

Status SlotSurvey::ask() {
  redis_.forget(this);
  const std::vector<redis::Node> primaries = redis_.primaries();
  if (primaries.empty()) return Error{Errc::kUnavailable, "no primary of the cluster is known"};
  owners_ = {primaries, std::vector<std::string>(primaries.size())};
  due_ = primaries.size();
  status_ = Status();
  for (size_t i = 0; i < primaries.size(); ++i) {
    Status sent = redis_.send_to(primaries[i], redis::Command("CLUSTER", "NODES"),
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
    owners_.slots[primary] = redis::own_slots((*reply)->text);
  else if (status_)
    status_ = reply.error().in("CLUSTER NODES");
  if (--due_ > 0) return;
  if (status_ && !owners_.steady() && redis_.cluster() != nullptr) redis_.cluster()->refresh();
  done_(status_);
}

}  // namespace mas::common
