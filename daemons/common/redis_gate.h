// The daemon's connection to Redis, and whether what it reached will do.
//
//     waiting ──link ready──▶ checking ──HELLO is fine──▶ up
//        ▲                       │ too old, or a cluster node              │
//        │                       ▼                                         │ link lost
//        ├──after a while──── refused                                      │
//        └─────────────────────────────────────────────────────────────────┘
//
// Redis being absent, or not usable, is never fatal: the gate tries again for ever, logs why (first, on a change, and
// every 30 s) and tells the reason for /readyz. A refused server is looked up and checked anew every two seconds, since
// its name may lead elsewhere by then. A replica does not come so far (ConnectionOptions::primary_only).
// Threading: loop thread. Ownership: must outlive whoever uses connection().
#pragma once

#include <string>
#include <string_view>

#include "daemons/common/log.h"
#include "proto/base/state_machine.h"
#include "proto/redis/connection.h"
#include "proto/redis/loop.h"

namespace mas::common {

class RedisGateListener {
 public:
  virtual ~RedisGateListener() = default;
  virtual void on_gate_up() = 0;
  virtual void on_gate_down() = 0;
  /// The reason why the gate is not up has changed.
  virtual void on_gate_reason() = 0;
};

struct ServerInfo {
  std::string version, mode;
};

/// Reads the reply to HELLO. @return kProtocol when it is none.
Result<ServerInfo> server_info(const redis::Reply& hello);

/// @return ok, or kUnavailable with what is wrong: version below 6.2, a cluster node.
Status check_server(const ServerInfo& info);

class RedisGate final : redis::ConnectionListener {
 public:
  RedisGate(uv_loop_t* loop, redis::ConnectionOptions options, Log& log, RedisGateListener& listener);
  ~RedisGate() override;

  void start() { connection_.start(); }
  void stop();

  bool up() const { return state_.is(State::kUp); }
  /// Why it is not up; one sentence.
  const std::string& reason() const { return reason_; }
  const std::string& version() const { return version_; }
  /// Of the server; with Sentinel, of the one that was found last.
  std::string address() const { return connection_.server().address(); }
  redis::Connection& connection() { return connection_; }

  enum class State : uint8_t { kWaiting, kChecking, kRefused, kUp };

 private:
  void on_ready(redis::Connection& connection) override;
  void on_down(redis::Connection& connection, const Error& why, unsigned attempt) override;
  void on_hello(uint64_t tag, const redis::Answer& answer);
  void open(const ServerInfo& info);
  void refuse(const Error& why);
  void check_again();
  void set_reason(std::string reason);

  Log& log_;
  RedisGateListener& listener_;
  StateMachine<State> state_;
  std::string reason_ = "not connected yet";
  std::string version_;
  RepeatFilter repeat_;
  redis::Timer again_;
  redis::Connection connection_;
};

}  // namespace mas::common
