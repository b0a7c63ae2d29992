// What the gateway decides by, besides what stands in Redis: the configuration of its policies, as a value.
#pragma once

#include <cstdint>
#include <string_view>

#include "daemons/gatewayd/auth/authenticate.h"
#include "daemons/gatewayd/authz/authorise.h"
#include "proto/base/clock.h"
#include "proto/wire/digest.h"

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
  Mode dlp = Mode::kEnforce;
  int64_t max_hops = 32;
  Duration reply_window = std::chrono::seconds(60);  ///< how long a ticket is good for, where a request has no deadline
  uint64_t max_backlog_records = 100'000;            ///< in one stream, about
  uint64_t max_backlog_bytes = 256u * 1024 * 1024;
  bool dead_letters_full = false;  ///< the dead-letter queue is at its bound: what cannot be kept is only audited
  bool memory_low = false;         ///< Redis is near its limit: every frame is UNAVAILABLE, and not audited
  Digest digest{};                 ///< of the configuration; stands in every audit block
};

}  // namespace mas::gateway
