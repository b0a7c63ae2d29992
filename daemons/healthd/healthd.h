// The service of mas-healthd: decides when this process watches agents and daemons, and lets it.
//
// It watches exactly while Redis is up, each server of it has been asked what it is (Outage), and the lease is ours:
//
//     standby ──lease gained──▶ active ──first walk over the registry done──▶ /readyz says "complete":true
//        ▲                        │
//        └── lease lost, drain ◀──┘
//
// Redis's clock is asked for also while standing by: where it was set forward, the lease ends with everything else that
// has a time to live, and who gains it then has to know.
//
// While Redis takes no writes nobody can beat either, so that counts as an absence of Redis. It shows in the lease,
// which the active process and those that stand by write every few seconds.
//
// Hearing is not needed: events on mas.system and keyspace notifications only make it look sooner. The latter come over
// a connection of their own, since a Redis that does not let us have them must not cost us the former; whether the
// server sends any is the operator's setting (notify-keyspace-events), which is not touched.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemons/common/active_role.h"
#include "daemons/common/service.h"
#include "daemons/common/subscriptions.h"
#include "daemons/healthd/agent_watch.h"
#include "daemons/healthd/daemon_watch.h"
#include "daemons/healthd/outage.h"
#include "daemons/healthd/settings.h"

namespace mas::health {

/// Hears keyspace notifications about heartbeats.
class KeyspaceHints : redis::SubscriberListener {
 public:
  KeyspaceHints(common::Frame& frame, AgentWatch& watch);
  void start() { subscriptions_.start(); }
  void stop() { subscriptions_.stop(); }
  void on_redis_up() { subscriptions_.on_redis_up(); }

 private:
  void on_message(std::string_view channel, std::string_view payload) override;
  void on_oversized(std::string_view, uint64_t) override {}  // no heartbeat's key is so long
  void on_subscribed(std::string_view) override {}
  void on_subscriber_down(const Error&, unsigned) override {}
  void on_subscriber_error(const Error& why) override;

  common::Frame& frame_;
  AgentWatch& watch_;
  std::string expired_, set_;
  bool refused_ = false;
  common::Subscriptions subscriptions_;
};

class Healthd final : public common::Service, common::ActiveRoleListener {
 public:
  Healthd(common::Frame& frame, const Settings& settings);
  ~Healthd() override { frame_.redis().forget(this); }

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
  void on_events_heard() override { agents_.catch_up(); }
  void on_writes_refused(const Error& why) override;
  void on_writes_accepted() override;
  void on_server_info(uint64_t server, const redis::Answer& answer);

  void update();
  void give_grace(MonoTime since);
  void on_clock_stepped();

  common::Frame& frame_;
  Stats stats_;
  ServerClock clock_;
  common::ActiveRole role_;
  AgentWatch agents_;
  DaemonWatch daemons_;
  KeyspaceHints keyspace_;
  Outage outage_;
  redis::Timer clock_timer_;
  std::vector<ServerInfo> servers_;  // what each says of itself
  size_t servers_due_ = 0;           // that have not answered yet
  common::RepeatFilter write_problem_;
  bool server_known_ = false;
};

}  // namespace mas::health
