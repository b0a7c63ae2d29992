// When the link is up, which primaries are heard, and where slots went.
#include "daemons/gatewayd/turn/cluster_turn_link.h"

#include <algorithm>
#include <utility>

#include "proto/redis/cluster/hash_slot.h"

namespace mas::gateway {
namespace {

constexpr Duration kSurveyPeriod = std::chrono::milliseconds(500);

Error unavailable(std::string why) { return Error{Errc::kUnavailable, std::move(why)}; }

}  // namespace

ClusterTurnLink::ClusterTurnLink(common::Frame& frame, const TurnOptions& options, TurnLinkListener& listener)
    : frame_(frame),
      listener_(listener),
      turns_(frame.loop(), turn_options(frame.redis_options("turn"), options), nullptr, &turns_side_),
      facts_(frame.loop(), frame.redis_options("facts"), nullptr, &facts_side_),
      turns_sink_(*turns_.cluster(), turn_patience(turns_.cluster()->options().node, options)),
      facts_sink_(*facts_.cluster()),
      survey_(frame.redis(), [this](const Status& status) { on_surveyed(status); }),
      survey_timer_(frame.loop(), [this] { survey(); }) {
  turns_.cluster()->connect_all();
  facts_.cluster()->connect_all();
}

ClusterTurnLink::~ClusterTurnLink() = default;

void ClusterTurnLink::start() {
  turns_.start();
  facts_.start();
  survey_timer_.every(kSurveyPeriod);
}

void ClusterTurnLink::renew(const Error&) {
  turns_.cluster()->refresh();
  facts_.cluster()->refresh();
}

std::optional<redis::ConnectionOptions> ClusterTurnLink::options_at(std::string_view key,
                                                                    std::string_view purpose) const {
  const redis::Node* node = turns_.cluster()->map().primary_of(redis::hash_slot(key));
  if (node == nullptr) return std::nullopt;
  return redis::ClusterOptions{.node = frame_.redis_options(purpose)}.of(*node);
}

void ClusterTurnLink::Side::on_node_ready(const redis::Node& node, bool) {
  if (!facts) return owner.follow_turns(false);
  if (auto it = owner.heard_.find(node); it != owner.heard_.end()) owner.ask(*it->second);
}

void ClusterTurnLink::Side::on_node_down(const redis::Node& node, const Error& why, unsigned) {
  const auto& serving = owner.served_by_;  // a node that is none of them any more is let go by its link
  if (!facts) return std::ranges::find(serving, node) == serving.end() ? void() : owner.turns_down(why);
  if (auto it = owner.heard_.find(node); it != owner.heard_.end()) owner.unheard(*it->second, why);
}

// ---- The turns' link

/// What other primaries have is not what the former ones were asked for.
void ClusterTurnLink::follow_turns(bool map_changed) {
  const bool ready = turns_.ready();
  if (up_ && (!ready || turns_.primaries() != served_by_))
    turns_down(unavailable("the cluster has other primaries, or slots without one"));
  if (up_ && map_changed) listener_.on_moved();
  if (up_ || !ready) return;
  up_ = true;
  served_by_ = turns_.primaries();
  listener_.on_link_up(std::exchange(was_up_, true));
}

void ClusterTurnLink::turns_down(const Error& why) {
  if (std::exchange(up_, false)) listener_.on_link_down(why);
}

// ---- Facts, and what changes them

ClusterTurnLink::Heard::Heard(ClusterTurnLink& its_owner, redis::Node its_node, redis::ConnectionOptions options)
    : owner(its_owner),
      node(std::move(its_node)),
      number(++its_owner.numbers_),
      link(its_owner.frame_.loop(), std::move(options), *this) {}

/// Each primary is listened to, and no other node.
void ClusterTurnLink::follow_facts() {
  const std::vector<redis::Node> primaries = facts_.primaries();
  for (auto it = heard_.begin(); it != heard_.end();) {
    if (std::ranges::find(primaries, it->first) != primaries.end()) {
      ++it;
      continue;
    }
    it->second->link.stop();
    gone_.push_back(std::move(it->second));
    it = heard_.erase(it);
  }
  const redis::ClusterOptions cluster{.node = frame_.redis_options("invalidation")};
  for (const redis::Node& primary : primaries) {
    auto& heard = heard_[primary];
    if (heard != nullptr) continue;
    heard = std::make_unique<Heard>(*this, primary, cluster.of(primary));
    heard->link.start();
  }
  look();
}

void ClusterTurnLink::ask(Heard& heard) {
  heard.tracked = false;
  if (!heard.link.hearing() || !facts_.cluster()->connected(heard.node)) return;
  redis::Command command = heard.link.tracking_command(false);
  command.add("INFO", "server");
  const auto to = redis::reply_to<&ClusterTurnLink::on_asked>(this, 2 * heard.number);
  static_cast<void>(facts_.cluster()->send_to(heard.node, command, to));  // where it fails, the link does, too
}

void ClusterTurnLink::on_asked(uint64_t tag, const redis::Answer& answer) {
  auto it = std::ranges::find_if(heard_, [&](const auto& one) { return one.second->number == tag / 2; });
  if (it == heard_.end() || !it->second->link.hearing()) return;
  Heard& heard = *it->second;
  const auto reply = redis::checked(answer);
  if (tag % 2 == 0) {
    heard.tracked = reply.ok();
    if (!reply && answer.ok()) heard.link.renew_link();  // the connection that listened is gone
    return;
  }
  if (!heard.tracked) return;
  if (!answer.ok() || !heard.link.same_server(**answer)) {
    heard.tracked = false;
    return heard.link.renew_link();
  }
  look();
}

void ClusterTurnLink::unheard(Heard& heard, const Error& why) {
  heard.tracked = false;
  if (std::exchange(hearing_, false)) listener_.on_tracking_lost(why);
}

void ClusterTurnLink::look() {
  const bool all = facts_.ready() && !heard_.empty() &&
                   std::ranges::all_of(heard_, [](const auto& one) { return one.second->tracked; });
  if (all == hearing_) return;
  hearing_ = all;
  if (all)
    listener_.on_tracking();
  else
    listener_.on_tracking_lost(unavailable("the cluster has other primaries"));
}

// ---- Slots

void ClusterTurnLink::survey() {
  gone_.clear();
  if (frame_.redis_up()) static_cast<void>(survey_.ask());
}

void ClusterTurnLink::on_surveyed(const Status& status) {
  if (!status) return;
  const bool same = survey_.owners() == owners_;
  if (same && owners_.steady()) return;
  owners_ = survey_.owners();
  listener_.on_all_changed();
}

}  // namespace mas::gateway
