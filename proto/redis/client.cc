// Which of the two it is.
#include "proto/redis/client.h"

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

}  // namespace mas::redis
