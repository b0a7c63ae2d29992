// The gate to one server.
//
//     waiting ──link ready──▶ checking ──HELLO is fine──▶ up
//        ▲                       │ too old, or a cluster node              │
//        │                       ▼                                         │ link lost
//        ├──after a while──── refused                                      │
//        └─────────────────────────────────────────────────────────────────┘
//
// A refused server is looked up and checked anew every two seconds, since its name may lead elsewhere by then. A
// replica does not come so far (ConnectionOptions::primary_only).
// Threading, ownership: as RedisGate.
#pragma once

#include "daemons/common/redis_gate.h"
#include "proto/base/state_machine.h"
#include "proto/redis/loop.h"

namespace mas::common {

class ServerGate final : public RedisGate, redis::ConnectionListener {
 public:
  ServerGate(uv_loop_t* loop, redis::ConnectionOptions options, Log& log, RedisGateListener& listener);

  void stop() override;
  bool up() const override { return state_.is(State::kUp); }
  std::string address() const override { return connection_.server().address(); }

  enum class State : uint8_t { kWaiting, kChecking, kRefused, kUp };

 private:
  void on_ready(redis::Connection& connection) override;
  void on_down(redis::Connection& connection, const Error& why, unsigned attempt) override;
  void on_hello(uint64_t tag, const redis::Answer& answer);
  void refuse(const Error& why);
  void check_again();

  StateMachine<State> state_;
  redis::Timer again_;
  redis::Connection& connection_;
};

}  // namespace mas::common
