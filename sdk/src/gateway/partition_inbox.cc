// Which request comes next.
#include "sdk/src/gateway/partition_inbox.h"

namespace mas::sdk {

PartitionInbox::Ask PartitionInbox::next(May may) const {
  Ask ask;
  if (may == May::kNothing || busy() || resting_) return ask;
  const StreamSet allowed = may == May::kEverything ? ~StreamSet() : StreamSet(kRepliesBit);
  if (claim_ && may == May::kEverything && has_lanes()) {
    ask.claim = kLanesOnly & groups_;
    return ask;
  }
  if (strays_ && groups_.any()) {
    ask.strays = groups_;
    return ask;
  }
  ask.own = own_ & groups_ & allowed;
  if (ask.own.any()) return ask;
  ask.read = groups_ & allowed & (look_ ? ~StreamSet() : wanted_);
  ask.make = ~groups_ & allowed & wanted_;
  if (look_) ask.probe = ~groups_ & ~wanted_;
  return ask;
}

/// A look that may read replies only is still to come for the lanes.
void PartitionInbox::asked(const Ask& ask) {
  under_way_ = ask;
  if (ask.claim.any()) {
    claim_ = false;
    return;
  }
  if (ask.strays.any()) strays_ = false;
  if ((ask.own | ask.strays).any()) return;
  wanted_ &= ~(ask.read | ask.make);
  if (!look_) return;
  look_ = false;
  wanted_ |= groups_ & ~ask.read;
}

void PartitionInbox::strayed(size_t place) {
  if (own_[place]) return;
  own_.set(place);
  own_from_[place].assign(1, '0');
}

void PartitionInbox::took_own(size_t place, const std::string& last) { own_from_[place] = last; }

bool PartitionInbox::groups_gone(StreamSet streams) {
  const bool known = (groups_ & streams).any();
  doubted_ |= groups_ & streams;
  wanted_ |= groups_ & streams;
  groups_ &= ~streams;
  if (known) look_ = true;
  return known;
}

bool PartitionInbox::missed(size_t place) {
  const bool lost = doubted_[place];
  doubted_.reset(place);
  if (lost) own_.reset(place);
  return lost;
}

void PartitionInbox::lost(bool executed) {
  const Ask ask = under_way_;
  under_way_ = {};
  resting_ = true;
  look_ = true;
  claim_ = claim_ || ask.claim.any();
  strays_ = strays_ || ask.strays.any();
  if (!executed) return;
  const StreamSet fresh = ask.claim | ask.read | ask.make;
  for (size_t place = 0; place < kInboxStreams; ++place)
    if (fresh[place]) strayed(place);
}

}  // namespace mas::sdk
