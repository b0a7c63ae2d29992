// Which of the two it is.
#include "sdk/src/gateway/inbox_reader.h"

#include "sdk/src/gateway/cluster_reader.h"
#include "sdk/src/gateway/reader.h"

namespace mas::sdk {

std::unique_ptr<InboxReader> InboxReader::make(ModeHost& host, Deliveries& deliveries, DedupeWindow& dedupe) {
  if (host.context().keys.layout() == KeyLayout::kCluster)
    return std::make_unique<ClusterReader>(host, deliveries, dedupe);
  return std::make_unique<GatewayReader>(host, deliveries, dedupe);
}

}  // namespace mas::sdk
