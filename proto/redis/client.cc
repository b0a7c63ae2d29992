// Which of the two it is.
#include "proto/redis/client.h"

#include <algorithm>
#include <utility>

namespace mas::redis {

Client::Client(uv_loop_t* loop, ConnectionOptions options, ConnectionListener* one, ClusterListener* many) {
  if (options.endpoint.topology == Topology::kCluster) {
    ClusterOptions cluster;
    cluster.node = std::move(options);
    cluster_.emplace(loop, std::move(cluster), many);
  } else {
    connection_.emplace(loop, std::move(options), one);
  }
}

bool Client::ready() const {
  if (connection_) return connection_->ready();
  const SlotMap& map = cluster_->map();
  return !map.empty() && map.uncovered() == 0 &&
         std::ranges::all_of(map.primaries(), [this](const Node& primary) { return cluster_->connected(primary); });
}

std::vector<Node> Client::primaries() const { return connection_ ? std::vector<Node>(1) : cluster_->map().primaries(); }

}  // namespace mas::redis
