// The daemon's way to Redis, and whether what it reached will do.
//
//   server_gate.h    one server, which sentinels may have to find
//   cluster_gate.h   a cluster: up while every slot has a primary, and each of them is reached and will do
//
// Redis being absent, or not usable, is never fatal: a gate tries again for ever, logs why (first, on a change, and
// every 30 s) and tells the reason for /readyz.
// Threading: loop thread. Ownership: must outlive whoever uses client().
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "daemons/common/log.h"
#include "proto/redis/client.h"

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

/// @return ok, or kUnavailable with what is wrong: a version below 6.2, or a cluster's node where one server was
/// expected.
Status check_server(const ServerInfo& info, redis::Topology expected);

class RedisGate {
 public:
  static std::unique_ptr<RedisGate> make(uv_loop_t* loop, redis::ConnectionOptions options, Log& log,
                                         RedisGateListener& listener);
  virtual ~RedisGate() = default;
  RedisGate(const RedisGate&) = delete;
  RedisGate& operator=(const RedisGate&) = delete;

  void start() { client_.start(); }
  virtual void stop() { client_.stop(); }

  virtual bool up() const = 0;
  /// Of the server; with Sentinel, of the one that was found last.
  virtual std::string address() const = 0;
  /// Why it is not up; one sentence.
  const std::string& reason() const { return reason_; }
  /// On a cluster that of one node.
  const std::string& version() const { return version_; }
  redis::Client& client() { return client_; }

 protected:
  RedisGate(uv_loop_t* loop, redis::ConnectionOptions options, Log& log, RedisGateListener& listener,
            redis::ConnectionListener* one, redis::ClusterListener* many);

  Log& log() { return log_; }
  /// @return whether the reason should be logged now.
  bool worth_a_line(const Error& why) { return repeat_.should_log(why.message, mono_now()); }
  /// Redis will do.
  void tell_up(std::string version);
  void tell_down() { listener_.on_gate_down(); }
  void set_reason(std::string reason);

 private:
  Log& log_;
  RedisGateListener& listener_;
  std::string reason_ = "not connected yet";
  std::string version_;
  RepeatFilter repeat_;
  redis::Client client_;
};

}  // namespace mas::common
