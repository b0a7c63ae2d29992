// Which of the two it is, and what they have in common.
#include "daemons/gatewayd/turn/turn_link.h"

#include <algorithm>

#include "daemons/gatewayd/turn/cluster_turn_link.h"
#include "daemons/gatewayd/turn/server_turn_link.h"

namespace mas::gateway {
namespace {

constexpr size_t kLeastReplyBytes = 256u * 1024 * 1024;  // what is known of a partition's senders comes in one reply

}  // namespace

std::unique_ptr<TurnLink> TurnLink::make(common::Frame& frame, const TurnOptions& options, TurnLinkListener& listener) {
  if (frame.keys().layout() == KeyLayout::kCluster) return std::make_unique<ClusterTurnLink>(frame, options, listener);
  return std::make_unique<ServerTurnLink>(frame, options, listener);
}

redis::ConnectionOptions turn_options(redis::ConnectionOptions options, const TurnOptions& turn) {
  options.max_outgoing_bytes = 512u * 1024 * 1024;  // a turn is bounded; one large envelope is written several times
  options.reply_limits.text_bytes = turn.element_bytes();
  options.reply_limits.reply_bytes =
      std::max(kLeastReplyBytes, TurnOptions::kWholeReads * turn.bytes + turn.element_bytes());
  return options;
}

Duration turn_patience(const redis::ConnectionOptions& options, const TurnOptions& turn) {
  return turn.wait_replicas > 0 ? options.command_timeout + turn.wait_timeout : Duration::zero();
}

}  // namespace mas::gateway
