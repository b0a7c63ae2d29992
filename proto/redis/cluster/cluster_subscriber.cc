// Which channel is asked for where.
#include "proto/redis/cluster/cluster_subscriber.h"

#include <algorithm>
#include <vector>

namespace mas::redis {

struct ClusterSubscriber::Link final : SubscriberListener {
  Link(ClusterSubscriber& its_owner, Node its_address, ConnectionOptions options)
      : owner(its_owner),
        address(std::move(its_address)),
        subscriber(its_owner.loop_, std::move(options), *this, its_owner.max_message_, std::chrono::seconds(2),
                   ChannelKind::kSharded) {}

  void on_message(std::string_view channel, std::string_view payload) override {
    owner.on_message(*this, channel, payload);
  }
  void on_oversized(std::string_view channel, uint64_t bytes) override { owner.on_oversized(*this, channel, bytes); }
  void on_subscribed(std::string_view channel) override { owner.listener_.on_channel_heard(channel); }
  void on_subscriber_down(const Error& why, unsigned) override { owner.on_down(*this, why); }
  void on_subscriber_error(const Error& why) override { owner.listener_.on_subscriber_error(why); }
  void on_channel_refused(std::string_view channel, const Error& why) override {
    owner.on_refused(*this, channel, why);
  }
  void on_unsubscribed(std::string_view channel) override { owner.on_ended(*this, channel); }
  void on_redirected(const Redirect& redirect) override {
    owner.look_again();
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

void ClusterSubscriber::look_again() {
  if (!timer_.armed()) timer_.once(kAgain);
}

void ClusterSubscriber::subscribe(std::string_view channel) {
  auto [it, added] = channels_.try_emplace(std::string(channel));
  if (added) arrive(it->first, it->second);
  look_again();
}

void ClusterSubscriber::unsubscribe(std::string_view channel) {
  auto it = channels_.find(channel);
  if (it == channels_.end()) return;
  if (it->second.link != nullptr) it->second.link->subscriber.unsubscribe(channel);
  channels_.erase(it);
  look_again();
}

/// The map has changed: a channel that is heard elsewhere is left first.
void ClusterSubscriber::place(const std::string& channel, Place& place) {
  const Link* link = link_for(channel);
  if (place.leaving || link == place.link || link == nullptr) return;
  if (!subscribed(channel)) return arrive(channel, place);
  place.leaving = mono_now();
  place.link->subscriber.unsubscribe(channel);
  timer_.once(kLeave);
  listener_.on_channel_lost(
      channel, Error{Errc::kConnectionLost,
                     "the channel's slot moves from " + place.link->address.text() + " to " + link->address.text()});
}

/// The channel is heard nowhere, and asked for where the map says.
void ClusterSubscriber::arrive(const std::string& channel, Place& place) {
  place.leaving.reset();
  Link* link = link_for(channel);
  if (place.link != nullptr && place.link != link) place.link->subscriber.unsubscribe(channel);
  place.link = link;
  if (link != nullptr) link->subscriber.subscribe(channel);
}

bool ClusterSubscriber::subscribed(std::string_view channel) const {
  auto it = channels_.find(channel);
  return it != channels_.end() && it->second.link != nullptr && it->second.link->subscriber.subscribed(channel);
}

void ClusterSubscriber::raise_max_message(size_t bytes) {
  max_message_ = std::max(max_message_, bytes);
  for (auto& [address, link] : links_) link->subscriber.raise_max_message(bytes);
}

/// By name: a listener may end a subscription.
void ClusterSubscriber::on_map() {
  std::vector<std::string> names;
  for (const auto& [channel, place] : channels_) names.push_back(channel);
  for (const auto& name : names)
    if (auto it = channels_.find(name); it != channels_.end()) place(name, it->second);
  look_again();
}

void ClusterSubscriber::on_message(const Link& link, std::string_view channel, std::string_view payload) {
  auto it = channels_.find(channel);
  if (it != channels_.end() && it->second.link == &link) listener_.on_message(channel, payload);
}

void ClusterSubscriber::on_oversized(const Link& link, std::string_view channel, uint64_t bytes) {
  auto it = channels_.find(channel);
  if (it != channels_.end() && it->second.link == &link) listener_.on_oversized(channel, bytes);
}

void ClusterSubscriber::on_refused(const Link& link, std::string_view channel, const Error& why) {
  auto it = channels_.find(channel);
  if (it != channels_.end() && it->second.link == &link) listener_.on_channel_refused(channel, why);
}

void ClusterSubscriber::on_ended(const Link& link, std::string_view channel) {
  auto it = channels_.find(channel);
  if (it == channels_.end() || it->second.link != &link) return;
  look_again();
  if (it->second.leaving) return arrive(it->first, it->second);
  listener_.on_channel_lost(
      channel, Error{Errc::kConnectionLost, link.address.text() + " ended the subscription: the channel's slot moves"});
}

void ClusterSubscriber::on_down(const Link& link, const Error& why) {
  cluster_.refresh();
  cluster_.ask_role(link.address);
  std::vector<std::string> names;
  for (auto& [channel, place] : channels_) {
    if (place.link != &link) continue;
    place.leaving ? arrive(channel, place) : names.push_back(channel);
  }
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
  for (auto& [channel, place] : channels_)
    if (place.link == nullptr || (place.leaving && mono_now() - *place.leaving >= kLeave)) arrive(channel, place);
  std::erase_if(links_, [this](const auto& entry) {
    return std::none_of(channels_.begin(), channels_.end(),
                        [&](const auto& channel) { return channel.second.link == entry.second.get(); });
  });
  for (auto& [address, link] : links_) link->subscriber.ask_again();
  const bool all_heard = std::all_of(channels_.begin(), channels_.end(),
                                     [this](const auto& channel) { return subscribed(channel.first); });
  if (!all_heard) look_again();
}

}  // namespace mas::redis
