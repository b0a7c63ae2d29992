// The index while this process is the one that keeps it: lives from the moment when it may act until it must not.
//
//     building ──first full pass done──▶ complete (mas.index is set) ⟲ events, periodic passes
//        └───────────── any failure ─────────┴──▶ failed, on_index_failed: the owner makes a new one
//
// Whatever could have gone past it unseen (a lost connection or subscription, Redis without its data, a write that
// failed) ends it, and the next one starts from nothing with a full pass. So there is one way to recover, and mas.index
// never promises more than is known.
//
// Events are hints: an id that one names is looked at soon, each once however often it is named. An agent that stops
// says DEREGISTER before it deletes its entry, so that id is looked at once more a little later. When more ids wait
// than the bound allows, the rest is found by another full pass. Anybody can name ids, so looks and passes that events
// ask for take a bounded share of the time (index_requests.h, full_pass.h).
// Threading: loop thread. Ownership: may be destroyed at any time but from inside a call it makes, except
// on_index_failed; withdraws mas.index then.
#pragma once

#include <string>

#include "daemons/common/complaints.h"
#include "daemons/common/log.h"
#include "daemons/common/settings.h"
#include "daemons/registryd/full_pass.h"
#include "daemons/registryd/index_marker.h"
#include "daemons/registryd/index_requests.h"
#include "daemons/registryd/lookup_op.h"
#include "daemons/registryd/reconcile_op.h"
#include "daemons/registryd/registry.h"
#include "daemons/registryd/stats.h"
#include "proto/redis/loop.h"
#include "proto/wire/events.h"

namespace mas::registry {

class ActiveIndexListener {
 public:
  virtual ~ActiveIndexListener() = default;
  virtual void on_index_complete() = 0;
  virtual void on_index_failed(const Error& why) = 0;
};

/// What an ActiveIndex works with; all of it outlives it.
struct IndexContext {
  uv_loop_t* loop;
  redis::Client& redis;
  const Keys& keys;
  const std::string& instance;
  common::Log& log;
  Stats& stats;
  common::Complaints& complaints;
  common::Profile profile = common::Profile::kDevelopment;
};

class ActiveIndex : LookupListener, ReconcileHost, IndexMarkerListener {
 public:
  ActiveIndex(const IndexContext& context, Duration reconcile_interval, size_t max_agents,
              ActiveIndexListener& listener);
  ~ActiveIndex() override;

  void set_reconcile_interval(Duration interval);
  void on_event(const Event& event);
  /// Another registryd has started, and doubts what mas.index says.
  void on_doubted() { marker_.renew_now(); }

  bool complete() const { return marker_.present(); }
  /// Whether the first full pass is done.
  bool built() const { return pass_.built(); }
  /// Whether the last pass met more agents than may be indexed.
  bool overfull() const { return pass_.overfull(); }
  size_t agents() const { return registry_.agents(); }
  size_t capabilities() const { return registry_.capabilities(); }

 private:
  void note(std::string_view id);
  void look_again();
  void start_pass();
  void plan_pass(Duration rest);
  void pump();
  void count_writes();
  void fail(const Error& why);

  // LookupListener, ReconcileHost
  void on_not_indexed(std::string_view id, const std::string& why) override;
  void on_overfull() override;
  bool counts(std::string_view id) const override;
  void on_looked_up(const Status& status) override;
  void look_up(std::vector<std::string> ids) override;
  void on_reconciled(const Status& status) override;
  void on_marker_lost(const Error& why) override { fail(why); }

  IndexContext context_;
  ActiveIndexListener& listener_;
  Registry registry_;
  LookupOp lookup_;
  ReconcileOp reconcile_;
  IndexMarker marker_;
  IndexRequests requests_;
  FullPass pass_;
  uint64_t counted_writes_ = 0;
  Error failure_{Errc::kInternal, {}};

  redis::Timer pump_timer_;
  redis::Timer again_timer_;
  redis::Timer pass_timer_;
  redis::Timer fail_timer_;
};

}  // namespace mas::registry
