// "One process is active, the others stand by", for daemons of which one may work at a time.
//
//     standby ──lease taken──▶ active ──lease lost, link down past its end, leave()──▶ standby
//
// Happy path: each process tries to take the lease and hears mas.system. The listener learns of each change of the role
// and of every event; a process that hears that another one of its kind went down tries for the lease at once.
// Failure modes:
// - The link to Redis is down: may_act() is false at once; the lease ends by its own clock (lease.h).
// - Redis refuses all writes: on_writes_refused(), and the lease is tried again.
// - mas.config has a protocol that this daemon does not work by: the role is given up, and not tried for.
// - mas.system cannot be heard: on_events_lost(), and a line in the log. The role stays.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside its listener.
#pragma once

#include <string>
#include <string_view>

#include "daemons/common/lease.h"
#include "daemons/common/protocol_watch.h"
#include "daemons/common/service.h"
#include "daemons/common/subscriptions.h"
#include "proto/wire/events.h"

namespace mas::common {

class ActiveRoleListener {
 public:
  virtual ~ActiveRoleListener() = default;
  /// may_act() may have changed.
  virtual void on_role_changed() = 0;
  virtual void on_event(const Event& event) = 0;
  virtual void on_malformed_event() {}
  /// From now on every event is heard, until on_events_lost().
  virtual void on_events_heard() = 0;
  virtual void on_events_lost() {}
  /// Redis refused to write the lease, and refuses writes to everybody.
  virtual void on_writes_refused(const Error& /*why*/) {}
  /// The first write after on_writes_refused() that Redis took.
  virtual void on_writes_accepted() {}
};

class ActiveRole final : LeaseListener, redis::SubscriberListener {
 public:
  /// @param daemon the name of the daemon's kind, such as "registryd". @param listener must outlive this.
  ActiveRole(Frame& frame, std::string daemon, Duration lease_ttl, ActiveRoleListener& listener);

  /// Starts to hear events.
  void start();
  void on_redis_up();
  /// Gives the role up, and tells the frame that the service has drained. The listener is told before the lease is
  /// given back.
  void leave();

  /// Whether this process has the role, as it was last told.
  bool active() const { return lease_.state() == Lease::State::kActive; }
  /// Whether it may act as the active one at this moment.
  bool may_act() const { return !leaving_ && frame_.redis_up() && lease_.active(); }
  /// Why it does not even stand by, one sentence; empty: it does.
  const std::string& obstacle() const { return protocol_.obstacle(); }
  bool hears_events() const { return subscriptions_.subscribed(channel_); }
  /// mas.system's name.
  const std::string& channel() const { return channel_; }
  void describe(JsonWriter& json) const { json.key("role").string(active() ? "active" : "standby"); }

 private:
  void on_protocol();
  void on_lease_gained(Lease& lease) override;
  void on_lease_lost(Lease& lease, std::string_view why) override;
  void on_lease_refused(Lease& /*lease*/, const Error& why) override { listener_.on_writes_refused(why); }
  void on_lease_accepted(Lease& /*lease*/) override { listener_.on_writes_accepted(); }
  void on_message(std::string_view channel, std::string_view payload) override;
  void on_oversized(std::string_view, uint64_t) override { listener_.on_malformed_event(); }
  void on_subscribed(std::string_view channel) override;
  void on_subscriber_down(const Error& why, unsigned attempt) override;
  void on_subscriber_error(const Error& why) override;

  Frame& frame_;
  const std::string daemon_, channel_;
  ActiveRoleListener& listener_;
  Lease lease_;
  ProtocolWatch protocol_;
  Subscriptions subscriptions_;
  RepeatFilter subscriber_problem_;
  bool leaving_ = false;
};

}  // namespace mas::common
