// Which channel is asked for where.
#include "proto/redis/cluster/cluster_subscriber.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace mas::redis {

struct ClusterSubscriber::Link final : SubscriberListener {
  Link(ClusterSubscriber& its_owner, Node its_address, ConnectionOptions options)
      : owner(its_owner),
        address(std::move(its_address)),
        subscriber(its_owner.loop_, std::move(options), *this, its_owner.max_message_, std::chrono::seconds(2),
                   ChannelKind::kSharded) {}

  void on_message(std::string_view channel, std::string_view payload) override {
    owner.listener_.on_message(channel, payload);
  }
  void on_oversized(std::string_view channel, uint64_t bytes) override { owner.listener_.on_oversized(channel, bytes); }
  void on_subscribed(std::string_view channel) override { owner.listener_.on_channel_heard(channel); }
  void on_subscriber_down(const Error& why, unsigned) override {
    owner.cluster_.refresh();
    owner.cluster_.ask_role(address);
    owner.lost(*this, why);
  }
  void on_subscriber_error(const Error& why) override { owner.listener_.on_subscriber_error(why); }
  void on_unsubscribed(std::string_view channel) override {
    if (!owner.timer_.armed()) owner.timer_.once(kAgain);
    owner.listener_.on_channel_lost(
        channel, Error{Errc::kConnectionLost, address.text() + " ended the subscription: the channel's slot moves"});
  }
  void on_redirected(const Redirect& redirect) override {
    if (!owner.timer_.armed()) owner.timer_.once(kAgain);
    if (redirect.onward == Onward::kMoved) return owner.cluster_.moved(redirect.slot, redirect.node);
    owner.cluster_.refresh();
  }

  ClusterSubscriber& owner;
  const Node address;
  Subscriber subscriber;
};

ClusterSubscriber::ClusterSubscriber(uv_loop_t* loop, ClusterLink& link, ChannelListener& listener, size_t max_message)
    : loop_(loop), cluster_(link), listener_(listener), max_message_(max_message), timer_(loop, [this] {
        on_timer();
      }) {}

ClusterSubscriber::~ClusterSubscriber() = default;

/// @return the link to the primary of the channel's slot; null: it is not known.
ClusterSubscriber::Link* ClusterSubscriber::link_for(std::string_view channel) {
  const Node* primary = cluster_.map().primary_of(hash_slot(channel));
  if (primary == nullptr) return nullptr;
  auto it = links_.find(*primary);
  if (it == links_.end()) {
    it = links_.emplace(*primary, std::make_unique<Link>(*this, *primary, cluster_.options().of(*primary))).first;
    it->second->subscriber.start();
  }
  return it->second.get();
}

void ClusterSubscriber::subscribe(std::string_view channel) {
  auto [it, added] = channels_.emplace(channel, nullptr);
  if (added) place(it->first, it->second);
  if (!timer_.armed()) timer_.once(kAgain);
}

void ClusterSubscriber::unsubscribe(std::string_view channel) {
  auto it = channels_.find(channel);
  if (it == channels_.end()) return;
  if (it->second != nullptr) it->second->subscriber.unsubscribe(channel);
  channels_.erase(it);
  if (!timer_.armed()) timer_.once(kAgain);
}

/// @param at where the channel is asked for until now.
void ClusterSubscriber::place(std::string_view channel, Link*& at) {
  Link* link = link_for(channel);
  if (link == at || link == nullptr) return;
  const bool heard = subscribed(channel);
  Link* before = std::exchange(at, link);
  if (before != nullptr) before->subscriber.unsubscribe(channel);
  link->subscriber.subscribe(channel);
  if (heard)
    listener_.on_channel_lost(
        channel, Error{Errc::kConnectionLost,
                       "the channel's slot moves from " + before->address.text() + " to " + link->address.text()});
}

bool ClusterSubscriber::subscribed(std::string_view channel) const {
  auto it = channels_.find(channel);
  return it != channels_.end() && it->second != nullptr && it->second->subscriber.subscribed(channel);
}

void ClusterSubscriber::raise_max_message(size_t bytes) {
  max_message_ = std::max(max_message_, bytes);
  for (auto& [address, link] : links_) link->subscriber.raise_max_message(bytes);
}

/// Copies: a listener may subscribe, or end a subscription.
void ClusterSubscriber::on_map() {
  std::vector<std::string> names;
  for (const auto& [channel, link] : channels_) names.push_back(channel);
  for (const auto& name : names)
    if (auto it = channels_.find(name); it != channels_.end()) place(name, it->second);
  if (!timer_.armed()) timer_.once(kAgain);
}

void ClusterSubscriber::lost(const Link& link, const Error& why) {
  std::vector<std::string> names;
  for (const auto& [channel, at] : channels_)
    if (at == &link) names.push_back(channel);
  for (const auto& name : names) listener_.on_channel_lost(name, why);
}

bool ClusterSubscriber::ready(const Node& node) const {
  auto it = links_.find(node);
  return it != links_.end() && it->second->subscriber.ready();
}

void ClusterSubscriber::renew_link(const Node& node) {
  if (auto it = links_.find(node); it != links_.end()) it->second->subscriber.renew_link();
}

/// Links go from here, and not from their own callbacks.
void ClusterSubscriber::on_timer() {
  std::erase_if(links_, [this](const auto& entry) {
    return std::none_of(channels_.begin(), channels_.end(),
                        [&](const auto& channel) { return channel.second == entry.second.get(); });
  });
  for (auto& [address, link] : links_) link->subscriber.ask_again();
  const bool all_heard = std::all_of(channels_.begin(), channels_.end(),
                                     [this](const auto& channel) { return subscribed(channel.first); });
  if (!all_heard) timer_.once(kAgain);
}

}  // namespace mas::redis
