// doctor's judgement of a Redis Cluster as a whole.
#include <set>

#include "proto/base/numbers.h"
#include "proto/redis/reply_values.h"
#include "sdk/masctl/doctor/findings.h"

namespace mas::ctl {

namespace {

constexpr long long kHastyMs = 1000, kSlowMs = 15'000;

/// What the nodes have for a parameter, all of it: one value where they agree.
std::set<std::string> values_of(const Facts& facts, std::string_view name) {
  std::set<std::string> values;
  for (const NodeFact& node : facts.nodes)
    for (const auto& [parameter, value] : node.config)
      if (parameter == name) values.insert(value);
  return values;
}

std::string joined(const std::set<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

void check_slots(const Facts& facts, std::vector<Finding>& out) {
  const std::string primaries = std::to_string(facts.nodes.size()) + " primaries";
  if (facts.uncovered_slots > 0) {
    out.push_back({Level::kFail, "slots", std::to_string(facts.uncovered_slots) + " have no primary; " + primaries,
                   "Start the nodes that are missing, or let a replica take over: CLUSTER FAILOVER TAKEOVER. See "
                   "redis-cli --cluster check."});
  } else {
    out.push_back({Level::kOk, "slots", "all are served by " + primaries, ""});
  }
}

void check_versions(const Facts& facts, std::vector<Finding>& out) {
  std::set<std::string> versions;
  for (const NodeFact& node : facts.nodes)
    if (!node.info.empty()) versions.emplace(redis::info_value(node.info, "redis_version"));
  if (versions.size() > 1)
    out.push_back({Level::kWarn, "versions", "the primaries run Redis " + joined(versions),
                   "During an upgrade this is as it should be; else bring all nodes to one version."});
}

void check_patience(const Facts& facts, std::vector<Finding>& out) {
  const auto values = values_of(facts, "cluster-node-timeout");
  if (values.empty()) return;  // check_limits says that CONFIG GET is not allowed
  const auto ms = leading_number<long long>(*values.begin());
  const std::string found = "begins " + joined(values) + " ms after a primary fell silent";
  if (values.size() > 1) {
    out.push_back({Level::kWarn, "fail-over", found, "Set cluster-node-timeout alike on all nodes."});
  } else if (ms < kHastyMs) {
    out.push_back({Level::kWarn, "fail-over", found,
                   "A primary that is busy for a moment is taken for dead. Set cluster-node-timeout to 5000."});
  } else if (ms > kSlowMs) {
    out.push_back({Level::kWarn, "fail-over", found,
                   "The shard serves nobody for so long. Set cluster-node-timeout to 5000, if the network allows it."});
  } else {
    out.push_back({Level::kOk, "fail-over", found, ""});
  }
}

void check_coverage(const Facts& facts, std::vector<Finding>& out) {
  const auto values = values_of(facts, "cluster-require-full-coverage");
  if (values.empty()) return;
  if (values.size() > 1) {
    out.push_back({Level::kWarn, "coverage", "cluster-require-full-coverage differs between nodes",
                   "Set it alike on all nodes."});
    return;
  }
  const bool all = *values.begin() == "yes";
  out.push_back({Level::kOk, "coverage",
                 all ? "a shard without a primary stops the others, too (cluster-require-full-coverage yes)"
                     : "a shard without a primary stops only what is in its slots (cluster-require-full-coverage no)",
                 ""});
}

}  // namespace

void check_cluster(const Facts& facts, std::vector<Finding>& out) {
  check_slots(facts, out);
  check_versions(facts, out);
  check_patience(facts, out);
  check_coverage(facts, out);
}

}  // namespace mas::ctl
