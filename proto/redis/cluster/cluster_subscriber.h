// Sharded subscriptions on a cluster: a Subscriber at each primary that has a wanted channel.
//
//     nowhere ──map──▶ asked for ──confirmed──▶ heard ──other primary──▶ leaving ──confirmed, link lost, kLeave──┐
//                        ▲  ▲                     │ link lost, ended by the node                                │
//                        │  └─────────────────────┘                                                            │
//                        └───────────── at the other primary ───────────────────────────────────────────────────┘
//
// Happy path: subscribe(); the channel is asked for at the primary of its slot, and on_channel_heard comes when the
// node has confirmed it.
// Failure: a channel that is not heard any more, for whatever reason (its link was lost, its slot moved), is told by
// on_channel_lost and asked for again: at the same node, which says where the slot is, and where the map says, when it
// changes. What no node answers is asked for every kAgain. Messages that were published meanwhile are lost.
// Order: a channel is heard at one node at a time, and what the old primary sent before it was left comes before all of
// the new one. While a primary fails over, its shard's nodes pass each other what is published, and this is not enough.
// Threading: one loop, its thread. Ownership: may be destroyed at any time but from inside its own callbacks; the link
// must outlive it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto/redis/cluster/cluster_link.h"
#include "proto/redis/subscriber.h"

namespace mas::redis {

class ChannelListener {
 public:
  virtual ~ChannelListener() = default;
  /// As SubscriberListener's.
  virtual void on_message(std::string_view channel, std::string_view payload) = 0;
  virtual void on_oversized(std::string_view channel, uint64_t bytes) = 0;
  virtual void on_channel_heard(std::string_view channel) = 0;
  /// It was heard, and is not; or the attempt to hear it failed.
  virtual void on_channel_lost(std::string_view channel, const Error& why) = 0;
  /// A node refused the subscription (NOPERM, say), and is asked again every few seconds.
  virtual void on_channel_refused(std::string_view channel, const Error& why) = 0;
  /// Another command of a connection for subscriptions failed.
  virtual void on_subscriber_error(const Error& why) = 0;
};

class ClusterSubscriber {
 public:
  static constexpr Duration kAgain = std::chrono::milliseconds(200);
  static constexpr Duration kLeave = std::chrono::milliseconds(100);

  /// @param link whose map is used, and told what nodes say. @param max_message as Subscriber's.
  ClusterSubscriber(uv_loop_t* loop, ClusterLink& link, ChannelListener& listener, size_t max_message);
  ~ClusterSubscriber();
  ClusterSubscriber(const ClusterSubscriber&) = delete;
  ClusterSubscriber& operator=(const ClusterSubscriber&) = delete;

  void subscribe(std::string_view channel);
  void unsubscribe(std::string_view channel);
  bool subscribed(std::string_view channel) const;
  void raise_max_message(size_t bytes);
  /// The link has another map.
  void on_map();
  /// @return whether the connection to that node is ready.
  bool ready(const Node& node) const;
  /// As Subscriber::renew_link(), for one node.
  void renew_link(const Node& node);

 private:
  struct Link;
  /// Where a channel is asked for, or heard.
  struct Place {
    Link* link = nullptr;               // null: nowhere
    std::optional<MonoTime> leaving{};  // since when it is being left
  };

  Link* link_for(std::string_view channel);
  void place(const std::string& channel, Place& place);
  void arrive(const std::string& channel, Place& place);
  void on_message(const Link& link, std::string_view channel, std::string_view payload);
  void on_oversized(const Link& link, std::string_view channel, uint64_t bytes);
  void on_refused(const Link& link, std::string_view channel, const Error& why);
  void on_ended(const Link& link, std::string_view channel);
  void on_down(const Link& link, const Error& why);
  void look_again();
  void on_timer();

  uv_loop_t* const loop_;
  ClusterLink& cluster_;
  ChannelListener& listener_;
  size_t max_message_;
  std::map<Node, std::unique_ptr<Link>> links_;
  std::map<std::string, Place, std::less<>> channels_;
  Timer timer_;  // while some channel is not heard, or a link is unused
};

}  // namespace mas::redis
