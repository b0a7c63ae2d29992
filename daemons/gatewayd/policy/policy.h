// The configuration of the gateway's policies, as a value. With the facts in Redis it determines every decision.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "daemons/gatewayd/approval/held_room.h"
#include "daemons/gatewayd/approval/rules.h"
#include "daemons/gatewayd/auth/authenticate.h"
#include "daemons/gatewayd/authz/authorise.h"
#include "daemons/gatewayd/breaker/breaker_settings.h"
#include "daemons/gatewayd/guard/guard_settings.h"
#include "proto/base/clock.h"
#include "proto/wire/digest.h"
#include "proto/wire/lane.h"
#include "proto/wire/retry.h"

namespace mas::gateway {

/// How much a policy has to say.
enum class Mode : uint8_t {
  kEnforce,  ///< a denial refuses the message
  kShadow,   ///< a denial is counted and audited, and the message goes on
  kOff,      ///< not asked
};
inline constexpr std::string_view kModeNames[] = {"enforce", "shadow", "off"};

struct Policy {
  AuthPolicy auth;
  DefaultRule default_rule = DefaultRule::kAllowWithoutAny;
  Mode authorisation = Mode::kEnforce;
  Mode limits = Mode::kEnforce;
  Mode dlp = Mode::kOff;  ///< without a stage (Decider::set_dlp), any other mode denies
  Mode guard_mode = Mode::kEnforce;
  GuardSettings guard;
  Mode breaker_mode = Mode::kEnforce;
  BreakerSettings breaker;
  Mode priorities = Mode::kEnforce;
  Lane highest_lane = Lane::kCritical;  ///< of senders whose roles do not say more
  bool priority_in_data = false;        ///< `data.priority` counts where `meta.priority` is absent
  Mode approval = Mode::kOff;
  std::shared_ptr<const ApprovalRules> approval_rules;  ///< nullptr: none
  HeldAmount held_max{10'000, 64u * 1024 * 1024};       ///< that may wait for a person
  Duration reply_window = std::chrono::seconds(60);  ///< how long a ticket is good for, where a request has no deadline
  uint64_t max_backlog_records = 100'000;            ///< in one stream
  uint64_t max_backlog_bytes = 256u * 1024 * 1024;
  uint64_t sender_share = 100;       ///< percent of these bounds that one sender may fill
  int64_t refusal_records = 10;      ///< a second, of each sender and of each partition's strangers (refusals.h)
  RetryPolicy retry;                 ///< of messages whose handler failed
  uint64_t max_retries = 100'000;    ///< that wait in a partition; past it, they are given up at once
  bool dead_letters_closed = false;  ///< the dead-letter queue is at its bound or no stream: letters are only audited
  bool dead_letters_full = false;    ///< it is at its bound: what would be kept there is DLQ_FULL
  bool memory_low = false;           ///< Redis is near its limit: every frame is UNAVAILABLE, and not audited
  Digest digest{};                   ///< of the configuration; stands in every audit block
};

}  // namespace mas::gateway
