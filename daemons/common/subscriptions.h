// What a daemon subscribes to: on one server by one link; on a cluster by a link to one primary, where every node hears
// what is published anywhere, or by one to each, for what each tells of its own keys.
//
// Happy path: subscribe(), start(); on_redis_up() with each new link for commands: a link that was made before may lead
// to another server by now, and on a cluster there may be other primaries.
// Failure: as Subscriber's, told by each link.
// Threading: loop thread. Ownership: must not be destroyed inside its listener.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/common/service.h"
#include "proto/redis/subscriber.h"

namespace mas::common {

class Subscriptions {
 public:
  enum class At : uint8_t { kOnePrimary, kEachPrimary };

  /// @param purpose a word for CLIENT LIST. @param max_message bytes of the largest payload that the listener takes.
  Subscriptions(Frame& frame, std::string purpose, At at, redis::SubscriberListener& listener, size_t max_message);

  /// Before start().
  void subscribe(std::string channel) { channels_.push_back(std::move(channel)); }
  void start();
  void stop();
  void on_redis_up();
  /// @return whether every link has the channel confirmed.
  bool subscribed(std::string_view channel) const;

 private:
  void begin(redis::ConnectionOptions options);

  Frame& frame_;
  const std::string purpose_;
  const At at_;
  redis::SubscriberListener& listener_;
  const size_t max_message_;
  std::vector<std::string> channels_;
  std::vector<std::unique_ptr<redis::Subscriber>> links_;
};

}  // namespace mas::common
