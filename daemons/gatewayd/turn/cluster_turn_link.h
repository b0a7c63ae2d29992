// The turns' way to a cluster: a link for commands, one for facts, and a connection to each primary that hears what
// changes there.
//
// On the facts' link everything that is read is tracked (CLIENT TRACKING without OPTIN), so that no other command can
// come between a read and what makes it tracked.
//
//     a primary: unheard ──listened to, and connected──▶ asked ──tracking confirmed, same server──▶ heard
//                   ▲                                                                                 │
//                   └────────────── either connection is lost, or the cluster has other primaries ────┘
//
// Happy path: the link is up while every slot has a primary and each of them is connected; changes are heard while each
// primary is heard.
// Failure modes:
// - A primary is lost, or there are others: the link is down, or changes are not heard, until all of it is there again.
// - Slots move: a key that was not there when it was read may be made at the other node, which tells nothing. So all
//   primaries are asked for their slots twice a second (SlotSurvey); everything cached is forgotten when they have
//   changed, and each time while they are moving.
// Threading, ownership: as TurnLink.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemons/common/slot_survey.h"
#include "daemons/gatewayd/facts/invalidation.h"
#include "daemons/gatewayd/turn/turn_link.h"
#include "proto/redis/loop.h"

namespace mas::gateway {

class ClusterTurnLink final : public TurnLink {
 public:
  ClusterTurnLink(common::Frame& frame, const TurnOptions& options, TurnLinkListener& listener);
  ~ClusterTurnLink() override;

  void start() override;
  bool ready() const override { return up_; }
  bool hearing() const override { return hearing_; }
  redis::CommandSink& turns() override { return turns_sink_; }
  redis::CommandSink& facts() override { return facts_sink_; }
  void flush() override { turns_.flush(); }
  void track() override {}
  void renew(const Error& why) override;
  void renew_hearing() override {}
  std::optional<redis::ConnectionOptions> options_at(std::string_view key, std::string_view purpose) const override;

 private:
  /// Hears of one of the two links.
  struct Side final : redis::ClusterListener {
    Side(ClusterTurnLink& its_owner, bool is_facts) : owner(its_owner), facts(is_facts) {}
    void on_map(const redis::SlotMap&) override { facts ? owner.follow_facts() : owner.follow_turns(true); }
    void on_node_ready(const redis::Node& node, bool) override;
    void on_node_down(const redis::Node& node, const Error& why, unsigned attempt) override;
    void on_map_trouble(const Error&) override {}

    ClusterTurnLink& owner;
    const bool facts;
  };
  /// Hears of one primary's changes.
  struct Heard final : InvalidationListener {
    Heard(ClusterTurnLink& its_owner, redis::Node its_node, redis::ConnectionOptions options);
    void on_tracking() override { owner.ask(*this); }
    void on_changed(std::string_view key) override { owner.listener_.on_changed(key); }
    void on_all_changed() override { owner.listener_.on_all_changed(); }
    void on_tracking_lost(const Error& why) override { owner.unheard(*this, why); }

    ClusterTurnLink& owner;
    const redis::Node node;
    const uint64_t number;
    bool tracked = false;
    Invalidation link;
  };

  void follow_turns(bool map_changed);
  void turns_down(const Error& why);
  void follow_facts();
  void ask(Heard& heard);
  void on_asked(uint64_t tag, const redis::Answer& answer);
  void unheard(Heard& heard, const Error& why);
  void look();
  void survey();
  void on_surveyed(const Status& status);

  common::Frame& frame_;
  TurnLinkListener& listener_;
  Side turns_side_{*this, false}, facts_side_{*this, true};
  redis::Client turns_, facts_;
  redis::ClusterSink turns_sink_, facts_sink_;
  bool up_ = false, was_up_ = false, hearing_ = false;
  std::vector<redis::Node> served_by_;  // while the link is up
  std::map<redis::Node, std::unique_ptr<Heard>> heard_;
  std::vector<std::unique_ptr<Heard>> gone_;  // to be destroyed outside of their callbacks
  uint64_t numbers_ = 0;
  common::SlotSurvey survey_;
  redis::SlotOwners owners_;  // at the last survey
  redis::Timer survey_timer_;
};

}  // namespace mas::gateway
