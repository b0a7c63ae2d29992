// One look at what all gateways share: `mas.config`, who is alive, who owns which partition.
//
//     idle ──start──▶ members ──▶ details ──▶ idle     (any failure: back to idle)
//
// members: HSETNX writes what mas.config lacks (16 partitions, this gateway's protocol), HMGET reads it, SMEMBERS names
// the daemons.
// details: EXISTS of every gateway's heartbeat, GET of every partition's lease.
// Failure: the callback gets the first error: a transport failure, or a mas.config that this gateway cannot work by.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside its callback.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemons/gatewayd/ownership/partitioner.h"
#include "proto/base/state_machine.h"
#include "proto/redis/client.h"
#include "proto/wire/keys.h"

namespace mas::gateway {

inline constexpr size_t kMaxGateways = 1024;  ///< more are not looked at

class Survey {
 public:
  using Done = std::function<void(const Result<View>&)>;

  Survey(redis::Client& redis, const Keys& keys, Done done);
  ~Survey();
  Survey(const Survey&) = delete;
  Survey& operator=(const Survey&) = delete;

  /// No effect while one is under way.
  void start();
  /// The link is gone: what is under way is forgotten, the callback is not called.
  void cancel();

  enum class State : uint8_t { kIdle, kMembers, kDetails };

 private:
  void ask_details();
  void on_members(uint64_t tag, const redis::Answer& answer);
  void on_details(uint64_t tag, const redis::Answer& answer);
  Status take_config(const redis::Reply& fields);
  void take_members(const redis::Reply& members);
  void finish(const Result<View>& result);

  redis::Client& redis_;
  const Keys& keys_;
  Done done_;
  StateMachine<State> state_;
  std::vector<std::string> candidates_;
  std::vector<bool> alive_;  // of these
  size_t left_ = 0;          // answers of the run that is under way
  View view_;
};

}  // namespace mas::gateway
