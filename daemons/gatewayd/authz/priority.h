// Which lanes a sender may use: up to the most urgent one that the configuration or one of its roles permits. Pure.
//
// `priority:LANE` permits a lane and every less urgent one, `*` permits all. A higher lane than permitted is lowered to
// the highest permitted one; the message is not refused.
// Failure: a role that cannot be read, or was not found, permits nothing; the configuration's lane remains.
// Threading: pure. No allocation.
#pragma once

#include <span>

#include "daemons/gatewayd/authz/role.h"
#include "proto/wire/lane.h"

namespace mas::gateway {

/// @param roles those of the sender, in any order; nullptr: one that was not found.
/// @param everybody the most urgent lane of senders whose roles do not say more.
inline Lane highest_lane(std::span<const Role* const> roles, Lane everybody) {
  Lane highest = everybody;
  for (const Role* role : roles)
    if (role != nullptr && role->highest_lane() && *role->highest_lane() < highest) highest = *role->highest_lane();
  return highest;
}

}  // namespace mas::gateway
