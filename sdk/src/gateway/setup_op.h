// What an agent in gateway mode needs before it registers: the number of partitions, and the groups on its streams.
//
//     idle ──HSETNX, HMGET mas.config──▶ reading ──XGROUP CREATE …──▶ making groups ──▶ done
//
// On a cluster it makes one group only, by whose stream gateways know that the agent has been here. The reader makes
// the others, each when it finds its stream.
// A stream without a reader may be removed by masctl agents forget, or by a gateway, at any moment before the agent is
// registered. So the groups are read from at once, of entries that cannot be there: a group with a reader stays for
// kForgetSoonest. Those that were removed in between are made again.
// Failure: kProtocol when mas.config has a protocol that this library does not work by, or no sensible number of
// partitions; kTooLarge for a value of it that is longer than kConfigTextBytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/base/state_machine.h"
#include "sdk/src/core/op.h"

namespace mas::sdk {

inline constexpr std::string_view kGroup = "agents";

/// @param partitions on a cluster; else 1. @return the streams of an agent's instance by their numbers
/// (inbox_stream.h), in the order in which they are read: replies, then lanes by urgency.
std::vector<std::string> gateway_streams(const AgentContext& agent, unsigned partitions);

struct GatewaySetup {
  unsigned partitions = 0;
  bool made_lanes = false;  ///< a lane's group was not there
};

class GatewaySetupOp final : public OpWith<Result<GatewaySetup>> {
 public:
  using OpWith::OpWith;
  void begin() override;

 private:
  enum class State : uint8_t { kIdle, kReading, kMaking, kDone };
  static constexpr auto kMoves = transitions<State>(
      {{State::kIdle, State::kReading}, {State::kReading, State::kMaking}, {State::kMaking, State::kDone}});

  void on_reply(uint64_t tag, const redis::Answer& answer) override;
  void take_config(const redis::Reply& values);
  void make();

  GatewaySetup setup_;
  int attempts_ = 0;
  StateMachine<State> state_{State::kIdle, kMoves};
};

/// Bytes up to which a value of mas.config is read.
inline constexpr size_t kConfigTextBytes = 64;

/// The instance's replies outlive a few lost leases, and go when it does not come back.
inline constexpr Duration kReplyStreamTtl = 4 * kLeaseTtl;
redis::Command reply_stream_lease(const AgentContext& agent);

/// `XGROUP CREATE … agents 0 MKSTREAM` for every stream of the agent's, and the expiry of its reply stream; on a
/// cluster for the normal lane of the first partition alone. The last command reads from the lanes, behind all entries.
redis::Command make_groups(const AgentContext& agent);
/// @return whether an answer to one of these is as good as done.
bool group_exists(const redis::Reply& reply);
/// @return whether the answer to the i-th of these says that a lane's group was not there.
bool made_lane(uint64_t i, const redis::Reply& reply);
/// How many commands make_groups has.
size_t make_groups_count(const AgentContext& agent);

}  // namespace mas::sdk
