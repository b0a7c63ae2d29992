// The service of mas-registryd: decides when this process keeps the index, and lets it.
//
// It keeps the index (an ActiveIndex exists) exactly while Redis is up, mas.system is subscribed and the lease is ours:
//
//     standby ──lease gained──▶ active ──index complete──▶ /readyz says "index":"complete"
//        ▲                        │ ▲
//        └── lease lost, drain ◀──┘ └── failure: a new index after a backoff
//
// Two processes may run; the lease lets one of them write. One that was paused past its lease may still write what it
// had queued: the index is a hint, and the next full pass of the active one mends it.
// A killed process leaves mas.index behind; whoever starts doubts it (index_marker.h).
// The active process also keeps the users of Redis that were enrolled (user_keeper.h); it is not ready before it has
// looked at each of them.
// Builds are spaced by what they cost: whoever can cut the subscription again and again must not have the whole
// registry walked each time.
#pragma once

#include <memory>
#include <string>

#include "daemons/common/active_role.h"
#include "daemons/common/cost_spacing.h"
#include "daemons/common/service.h"
#include "daemons/registryd/active_index.h"
#include "daemons/registryd/settings.h"
#include "daemons/registryd/user_keeper.h"
#include "proto/base/backoff.h"

namespace mas::registry {

class Registryd final : public common::Service, common::ActiveRoleListener, ActiveIndexListener, UserKeeperListener {
 public:
  Registryd(common::Frame& frame, const Settings& settings);

  void start() override;
  void on_redis_up() override;
  void on_redis_down() override;
  common::Readiness readiness() const override;
  void describe(JsonWriter& json) const override;
  void collect() override;
  void reload(const common::Settings& next) override;
  void drain() override;

 private:
  void on_role_changed() override { update(); }
  void on_event(const Event& event) override;
  void on_malformed_event() override { stats_.events_malformed.add(); }
  void on_events_heard() override { update(); }
  void on_events_lost() override { update(); }
  void on_index_complete() override;
  void on_index_failed(const Error& why) override;

  void on_users_kept(size_t users) override;
  void on_users_failed(const Error& why) override { users_problem_ = why.message; }
  void on_users_changed(size_t written, size_t removed) override;

  void update();
  void keep_users();
  void end_index();
  std::string_view index_text() const;

  common::Frame& frame_;
  Duration reconcile_interval_;
  size_t max_agents_;
  common::Profile profile_;
  Stats stats_;
  common::Complaints complaints_;
  common::ActiveRole role_;
  Backoff backoff_;
  redis::Timer retry_timer_;
  common::RepeatFilter index_problem_;
  std::unique_ptr<ActiveIndex> index_;
  std::unique_ptr<UserKeeper> users_;
  std::string users_problem_;  // of the last pass; empty: none
  size_t user_count_ = 0;
  common::CostSpacing builds_{3, Duration(0), std::chrono::seconds(30)};
  bool doubted_ = false;
};

}  // namespace mas::registry
