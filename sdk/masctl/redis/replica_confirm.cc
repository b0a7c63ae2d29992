// INFO once, WAIT each time.
#include "sdk/masctl/redis/replica_confirm.h"

#include <algorithm>
#include <string>

#include "proto/redis/replicas.h"

namespace mas::ctl {

Status ReplicaConfirm::find() {
  auto nodes = redis_.primaries();
  if (!nodes.ok()) return nodes.error();
  replicas_.clear();
  for (const auto& node : *nodes) {
    auto info = redis_.ask_node(node, redis::Command("INFO", "replication"));
    if (!info.ok()) return info.error().in("INFO of " + node.text());
    replicas_[node] = redis::online_replicas(info->text);
  }
  return {};
}

Status ReplicaConfirm::confirm() {
  auto nodes = redis_.primaries();
  if (!nodes.ok()) return nodes.error();
  const bool same =
      nodes->size() == replicas_.size() &&
      std::all_of(nodes->begin(), nodes->end(), [this](const auto& node) { return replicas_.contains(node); });
  if (!same) return Error{Errc::kRefused, "the cluster has other primaries than when the command began"};
  for (const auto& [node, replicas] : replicas_) {
    if (replicas == 0) continue;
    auto done = redis_.ask_node(node, redis::Command("WAIT", replicas, to_millis(kWithin)));
    if (!done.ok()) return done.error().in("WAIT at " + node.text());
    if (done->integer >= static_cast<int64_t>(replicas)) continue;
    return Error{Errc::kRefused, std::to_string(done->integer) + " of the " + std::to_string(replicas) +
                                     " replicas of " + node.text() + " confirmed within " +
                                     std::to_string(to_millis(kWithin)) +
                                     " ms what was written; a fail-over now could lose it"};
  }
  return {};
}

}  // namespace mas::ctl
