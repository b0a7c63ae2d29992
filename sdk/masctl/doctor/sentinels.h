// What doctor knows of Redis Sentinel, and its judgement. The findings are pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proto/base/result.h"
#include "sdk/masctl/redis/settings.h"

namespace mas::ctl {

struct Facts;
struct Finding;

/// One sentinel, and what it says.
struct SentinelFact {
  std::string address;               ///< "10.0.0.1:26379"
  std::optional<Error> unreachable;  ///< nothing below is set when it is
  std::string primary;               ///< "10.0.0.1:6379"; empty: it does not know the name
  std::optional<bool> has_quorum;    ///< nullopt: unknown
  std::string quorum;                ///< what it says of the quorum
  long long down_after_ms = 0;       ///< 0: unknown
  long long others = 0;              ///< sentinels that it knows besides itself
};

/// Asks each sentinel of the URL. @return nothing for another topology.
std::vector<SentinelFact> collect_sentinels(const Settings& settings);

/// Appends what is to be said of sentinels, replicas, and what a fail-over may lose; nothing where nothing fails over.
void check_sentinels(const Facts& facts, std::vector<Finding>& out);
void check_replicas(const Facts& facts, std::vector<Finding>& out);
void check_loss_window(const Facts& facts, std::vector<Finding>& out);
/// Of a cluster as a whole: slots, versions, what a fail-over waits for, what an uncovered slot stops.
void check_cluster(const Facts& facts, std::vector<Finding>& out);

}  // namespace mas::ctl
