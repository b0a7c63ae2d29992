// Which links there are.
#include "daemons/common/subscriptions.h"

#include <algorithm>
#include <utility>

namespace mas::common {

Subscriptions::Subscriptions(Frame& frame, std::string purpose, At at, redis::SubscriberListener& listener,
                             size_t max_message)
    : frame_(frame), purpose_(std::move(purpose)), at_(at), listener_(listener), max_message_(max_message) {}

void Subscriptions::begin(redis::ConnectionOptions options) {
  auto& link = links_.emplace_back(
      std::make_unique<redis::Subscriber>(frame_.loop(), std::move(options), listener_, max_message_));
  for (const std::string& channel : channels_) link->subscribe(channel);
  link->start();
}

/// One server may be subscribed to before commands can be sent; a cluster's primaries are not known yet.
void Subscriptions::start() {
  if (frame_.redis().connection() != nullptr) begin(frame_.redis_options(purpose_));
}

void Subscriptions::stop() {
  for (auto& link : links_) link->stop();
}

void Subscriptions::on_redis_up() {
  if (const redis::Connection* server = frame_.redis().connection()) {
    if (server->generation() > 1) links_.front()->renew_link();
    return;
  }
  links_.clear();
  const redis::ClusterOptions cluster{.node = frame_.redis_options(purpose_)};
  std::vector<redis::Node> primaries = frame_.redis().primaries();
  if (at_ == At::kOnePrimary) primaries.resize(std::min<size_t>(primaries.size(), 1));
  for (const redis::Node& primary : primaries) begin(cluster.of(primary));
}

bool Subscriptions::subscribed(std::string_view channel) const {
  return !links_.empty() && std::ranges::all_of(links_, [&](const auto& link) { return link->subscribed(channel); });
}

}  // namespace mas::common
