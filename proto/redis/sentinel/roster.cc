// The order of the sentinels.
#include "proto/redis/sentinel/roster.h"

#include <algorithm>

namespace mas::redis {
namespace {

bool has(const std::vector<Node>& nodes, const Node& node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

}  // namespace

void Roster::believe(const Node& by, const std::vector<Node>& others) {
  std::vector<Node> next = {by};
  for (const Node& node : order_)
    if ((has(configured_, node) || has(others, node)) && !has(next, node)) next.push_back(node);
  for (const Node& node : others)
    if (!has(next, node)) next.push_back(node);
  order_ = std::move(next);
}

void Roster::doubt(const Node& by) {
  std::stable_partition(order_.begin(), order_.end(), [&by](const Node& node) { return !(node == by); });
}

}  // namespace mas::redis
