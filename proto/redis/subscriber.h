// Subscriptions on a connection of their own.
//
// Happy path: subscribe() any time; once the link is ready everything wanted is subscribed in one command, again after
// every reconnect. on_subscribed is called when Redis has confirmed: from then on messages arrive.
// Failure: as Connection; besides, a HELLO or PING goes out every `ping_interval`, and a link on which nothing came for
// five of them is replaced. So a subscriber never looks healthy while it receives nothing or, with `primary_only`,
// while its server is a replica. With each of them, refused subscriptions are requested again. Messages that were
// published without a link are lost; listeners learn that by on_subscriber_down and on_subscribed, and must read the
// present state themselves. A message of more than `max_message` bytes is left out as it comes, whatever its publisher
// sent: on_oversized.
// Sharded channels (of a cluster's node): the node ends a subscription when the channel's slot moves, which is told by
// on_unsubscribed, and the channel is asked for again at once; the node then says where the slot is: on_redirected.
// Threading: one loop, its thread. Ownership: as Connection.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proto/redis/cluster/redirect.h"
#include "proto/redis/connection.h"

namespace mas::redis {

class SubscriberListener {
 public:
  virtual ~SubscriberListener() = default;
  /// A message. Views are valid during the call.
  virtual void on_message(std::string_view channel, std::string_view payload) = 0;
  /// A message that is larger than permitted. @param bytes of its payload, which was not kept.
  virtual void on_oversized(std::string_view channel, uint64_t bytes) = 0;
  /// Redis confirmed `channel` (first time, and again after each reconnect).
  virtual void on_subscribed(std::string_view channel) = 0;
  virtual void on_subscriber_down(const Error& why, unsigned attempt) = 0;
  /// Redis refused a subscription or answered an error (NOPERM, say).
  virtual void on_subscriber_error(const Error& why) = 0;
  /// Redis refused the subscription to one sharded channel, which is requested again with the next ping.
  virtual void on_channel_refused(std::string_view /*channel*/, const Error& why) { on_subscriber_error(why); }
  /// The subscription to a sharded channel is over: Redis ended it, or confirmed that it was ended.
  virtual void on_unsubscribed(std::string_view /*channel*/) {}
  /// A sharded channel is not this node's, or not now.
  virtual void on_redirected(const Redirect& /*redirect*/) {}
};

enum class ChannelKind : uint8_t { kOrdinary, kSharded };

class Subscriber {
 public:
  /// @param max_message bytes of the largest payload that the listener takes. Not 0.
  Subscriber(uv_loop_t* loop, ConnectionOptions options, SubscriberListener& listener, size_t max_message,
             Duration ping_interval = std::chrono::seconds(2), ChannelKind kind = ChannelKind::kOrdinary);
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  void start();
  void stop();

  /// Idempotent. Errors come through on_subscriber_error.
  void subscribe(std::string_view channel);
  void unsubscribe(std::string_view channel);
  /// From the next message on the largest payload has at least so many bytes.
  void raise_max_message(size_t bytes);

  /// @return whether the link is ready and Redis confirmed `channel` on it.
  bool subscribed(std::string_view channel) const;
  bool ready() const;
  /// Asks for what Redis has neither confirmed nor refused, before the next ping does.
  void ask_again();
  /// Makes a new link: another link of the same owner was made anew, perhaps to another server.
  void renew_link();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mas::redis
