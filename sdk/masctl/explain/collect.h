// Reads from Redis what `explain` judges.
#pragma once

#include <string>

#include "sdk/masctl/explain/explain.h"
#include "sdk/masctl/explain/message.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

/// @param defaults limits of a sender that has none of its own.
/// @return everything but the profile, read in two round trips (the second for the roles).
Result<ExplainFacts> collect_explain_facts(SyncRedis& redis, const Keys& keys, const std::string& sender,
                                           const std::string& target, const gateway::LimitSettings& defaults = {});

/// What a message's way needs besides `agents`: the sender's bucket, the target's stream, the time by Redis's clock.
Result<MessageFacts> collect_message_facts(SyncRedis& redis, const Keys& keys, ExplainFacts agents, Lane lane);

struct FoundProfile {
  Profile profile = Profile::kDevelopment;
  std::string from;  ///< one line: who says so
};

/// @return the profile that the living gateways say they run in; `production` when they differ, `development` when none
/// lives or says it.
Result<FoundProfile> find_profile(SyncRedis& redis, const Keys& keys);

}  // namespace mas::ctl
