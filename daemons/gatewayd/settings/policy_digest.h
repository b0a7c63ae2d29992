// The digest that says in every audit block by which configuration its messages were decided.
//
// It is the SHA-256 of `mas.policy.v2` and a line `\nSECTION.KEY=VALUE` of each option of the policy, in the order of
// the table. Every option of the gateway is part of the policy, except those that policy_digest.cc names.
// Failure modes: none. Threading: none; pure.
#pragma once

#include "daemons/common/options.h"
#include "proto/wire/digest.h"

namespace mas::gateway {

/// @param table of a gateway's settings, described.
Digest policy_digest(const common::OptionTable& table);

}  // namespace mas::gateway
