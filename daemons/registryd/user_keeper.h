// Keeps the enrolled users of Redis as their records (mas.users) say: on every primary and its replicas, because Redis
// replicates no ACL users, and again and again, because a restart or a fail-over loses them.
//
//     resting ──time──▶ counting ──▶ reading a page of records ──▶ looking at its users on a server
//        ▲                                  ▲                         │ ▲            │ all are right
//        │ last page                        │                 wrong   ▼ │ next one   ▼
//        └────────────── pausing ◀──────────┴─────────────── writing ──▶ checking ──▶ (next server, next page)
//
// Happy path: a pass looks at every user. The first one after a link is quick; later ones rest three times as long as a
// page took, and come every kPeriod, or when the next user expires.
// Somebody may change a record while users are written. So the records of what was written are read again, and where
// one is another now, the page is looked at again at once: a revoked user cannot come back for longer than that takes.
// Users without a record are never touched. What is written, and how it is compared, is the page's (user_page.h).
// Failure modes:
// - Any error ends the pass. It is logged once, and the next pass begins after kPeriod.
// - A replica without a link, or that refuses, is left out until the next pass; what it refuses is logged once.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside its listener.
#pragma once

#include <optional>
#include <string>

#include "daemons/common/log.h"
#include "daemons/registryd/user_page.h"
#include "daemons/registryd/user_servers.h"
#include "proto/base/state_machine.h"
#include "proto/redis/client.h"
#include "proto/redis/loop.h"

namespace mas::registry {

class UserKeeperListener {
 public:
  virtual ~UserKeeperListener() = default;
  /// A pass ended. @param users the number of records.
  virtual void on_users_kept(size_t users) = 0;
  virtual void on_users_failed(const Error& why) = 0;
  virtual void on_users_changed(size_t written, size_t removed) = 0;
};

class UserKeeper {
 public:
  enum class State : uint8_t { kResting, kCounting, kReading, kLooking, kWriting, kChecking, kPausing };
  static constexpr Duration kPeriod = std::chrono::seconds(2);

  /// @param options of a link of its own to the servers of `redis`. All else outlives this.
  UserKeeper(uv_loop_t* loop, redis::Client& redis, const Keys& keys, redis::ConnectionOptions options,
             common::Log& log, UserKeeperListener& listener);
  ~UserKeeper() { redis_.forget(this); }
  UserKeeper(const UserKeeper&) = delete;
  UserKeeper& operator=(const UserKeeper&) = delete;

  /// Begins the first pass.
  void start();
  /// Whether a pass has ended well since start().
  bool settled() const { return settled_; }

 private:
  void on_timer();
  void begin();
  void count();
  void on_partitions(uint64_t, const redis::Answer& answer);
  void read();
  void on_page(uint64_t, const redis::Answer& answer);
  void look();
  void on_seen(uint64_t i, const redis::Answer& answer);
  void decide();
  void write();
  void on_written(uint64_t tag, const redis::Answer& answer);
  void check();
  void on_checked(uint64_t, const redis::Answer& answer);
  void next_server();
  void refused();
  void next_page();
  void finish();
  void fail(const Error& why);
  std::string server() const { return servers_.text(at_); }

  redis::Client& redis_;
  const Keys& keys_;
  common::Log& log_;
  UserKeeperListener& listener_;
  StateMachine<State> state_;
  redis::Timer timer_;
  UserPage page_;
  UserServers servers_;
  size_t at_ = 0;  // the one that is looked at
  std::string cursor_;
  size_t missing_ = 0;  // replies
  std::optional<Error> refusal_;
  size_t users_ = 0;
  MonoTime page_began_{};
  bool settled_ = false;
  common::RepeatFilter problem_, replica_problem_, number_problem_;
};

}  // namespace mas::registry
