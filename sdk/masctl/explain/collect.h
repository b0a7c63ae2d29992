// Reads from Redis what `explain` judges.
#pragma once

#include <string>

#include "sdk/masctl/explain/explain.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

/// @return everything but the profile, read in two round trips (the second for the roles).
Result<ExplainFacts> collect_explain_facts(SyncRedis& redis, const Keys& keys, const std::string& sender,
                                           const std::string& target);

struct FoundProfile {
  Profile profile = Profile::kDevelopment;
  std::string from;  ///< one line: who says so
};

/// @return the profile that the living gateways say they run in; `production` when they differ, `development` when none
/// lives or says it.
Result<FoundProfile> find_profile(SyncRedis& redis, const Keys& keys);

}  // namespace mas::ctl
