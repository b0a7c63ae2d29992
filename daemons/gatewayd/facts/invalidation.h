// Hears from Redis which keys changed, whoever changed them (client-side caching).
//
// One connection only listens: CLIENT ID, INFO, then SUBSCRIBE __redis__:invalidate. The connection that reads says
// CLIENT TRACKING ON REDIRECT <this one's id> OPTIN (tracking_command()), and CLIENT CACHING YES before each read whose
// answer is kept. From on_tracking() on, the next change of each key that was read so is told by on_changed(), once.
// Redis remembers the keys, and tells of none that was not read: nobody can flood this connection with keys of their
// own.
//
//     down ──ready──▶ asking its id ──▶ subscribing ──confirmed──▶ hearing ──silent or lost──▶ down
//
// A connection's id is a small number that another server may know, too. So whoever reads compares its server with the
// one that is listened to (same_server()): an address may lead to two servers that take themselves for the primary.
// Failure: HELLOs supervise the link; one that was silent for two intervals is replaced, and one whose server was
// demoted. An interval in which the loop did something else and read nothing does not end it. While it is down the
// owner of the caches knows nothing and must not decide by them: on_tracking_lost().
// Threading: one loop, its thread. Ownership: as redis::Connection.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/state_machine.h"
#include "proto/redis/connection.h"
#include "proto/redis/loop.h"

namespace mas::gateway {

class InvalidationListener {
 public:
  virtual ~InvalidationListener() = default;
  /// From now on changes are heard of what is read after tracking_command(). What was cached before may be stale.
  virtual void on_tracking() = 0;
  virtual void on_changed(std::string_view key) = 0;
  /// Everything may have changed (FLUSHALL).
  virtual void on_all_changed() = 0;
  /// Changes are not heard any more.
  virtual void on_tracking_lost(const Error& why) = 0;
};

class Invalidation final : redis::ConnectionListener {
 public:
  Invalidation(uv_loop_t* loop, redis::ConnectionOptions options, InvalidationListener& listener);
  ~Invalidation() override;

  void start() { connection_.start(); }
  void stop();
  /// The connection that reads was made anew, perhaps to another server.
  void renew_link();
  bool hearing() const { return state_.is(State::kHearing); }

  /// What the connection that reads has to say, on every new link of either. Only while hearing().
  /// @param opt_in see above; else all that it reads is tracked.
  redis::Command tracking_command(bool opt_in = true) const;
  /// @param info the answer to INFO server on the connection that reads. @return whether that is the server which is
  /// listened to; true also where either says nothing of itself.
  bool same_server(const redis::Reply& info) const;

  enum class State : uint8_t { kDown, kAsking, kSubscribing, kHearing };

 private:
  void on_ready(redis::Connection& connection) override;
  void on_down(redis::Connection& connection, const Error& why, unsigned attempt) override;
  void on_push(redis::Connection& connection, const redis::Reply& reply) override;
  void subscribe();
  void changed(const redis::Reply& keys);
  void ping();
  void request(const redis::Command& command);

  InvalidationListener& listener_;
  StateMachine<State> state_;
  redis::Connection connection_;
  redis::Timer ping_;
  int64_t id_ = 0;       // of the connection, as Redis counts them; 0: not known yet
  std::string server_;   // its run id; empty: it does not say
  unsigned silent_ = 0;  // pings since anything was heard
  MonoTime pinged_{};
};

}  // namespace mas::gateway
