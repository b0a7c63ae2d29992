// A cluster: whose home a node is, and where a home goes.
#include "sdk/src/loop/cluster_hub.h"

#include "proto/redis/cluster/hash_slot.h"
#include "proto/wire/limits.h"
#include "sdk/src/loop/runtime.h"

namespace mas::sdk {

ClusterHub::ClusterHub(Runtime& runtime, const redis::Endpoint& endpoint, const std::string& client_name)
    : Hub(endpoint, options_for(endpoint, client_name), runtime.loop(), nullptr, this),
      cluster_(*commands().cluster()),
      subscriber_(runtime.loop(), cluster_, *this, limits::kEnvelopeBytes) {}

bool ClusterHub::reaches(std::string_view channel) const { return cluster_.ready(redis::hash_slot(channel)); }

bool ClusterHub::serves(std::string_view channel) const { return reaches(channel) && subscriber_.subscribed(channel); }

const redis::Node* ClusterHub::home_of(std::string_view channel) const {
  return cluster_.map().primary_of(redis::hash_slot(channel));
}

/// The first member of a channel makes its home needed, the last one that leaves no longer.
void ClusterHub::hear(const std::string& channel, size_t max_payload) {
  subscriber_.raise_max_message(max_payload);
  subscriber_.subscribe(channel);
  if (members_of(channel).size() > 1) return;
  if (const redis::Node* home = home_of(channel)) homes_[channel] = *home;
  cluster_.connect(redis::hash_slot(channel));
}

void ClusterHub::stop_hearing(std::string_view channel) {
  subscriber_.unsubscribe(channel);
  cluster_.release(redis::hash_slot(channel));
  if (auto it = homes_.find(channel); it != homes_.end()) homes_.erase(it);
}

Hub::Members ClusterHub::at_home_at(const redis::Node& node) const {
  Members members;
  for (const auto& [channel, home] : homes_) {
    if (home != node) continue;
    const Members of_channel = members_of(channel);
    members.insert(members.end(), of_channel.begin(), of_channel.end());
  }
  return members;
}

/// A home that is connected already is told at once; one that is not, when it is.
void ClusterHub::on_map(const redis::SlotMap&) {
  Members moved;
  for (const auto& [channel, members] : channels()) {
    const redis::Node* home = home_of(channel);
    if (home == nullptr) continue;
    auto [known, added] = homes_.try_emplace(channel, *home);
    if (!added && known->second == *home) continue;
    known->second = *home;
    if (reaches(channel)) moved.insert(moved.end(), members.begin(), members.end());
  }
  subscriber_.on_map();
  for (auto* member : moved) member->on_link_ready(true);
}

void ClusterHub::on_node_ready(const redis::Node& node, bool again) {
  if (older_.erase(node) > 0) subscriber_.renew_link(node);
  for (auto* member : at_home_at(node)) member->on_link_ready(again);
}

void ClusterHub::on_node_down(const redis::Node& node, const Error& why, unsigned attempt) {
  if (attempt == 1 && subscriber_.ready(node)) older_.insert(node);
  for (auto* member : at_home_at(node)) member->on_link_down(why);
}

void ClusterHub::on_map_trouble(const Error& why) {
  if (!cluster_.map().empty()) return;
  for (auto* member : everyone()) member->on_link_down(why);
}

void ClusterHub::on_channel_heard(std::string_view channel) {
  for (auto* member : members_of(channel)) member->on_hearing();
}

void ClusterHub::on_channel_lost(std::string_view channel, const Error& why) {
  if (const redis::Node* home = home_of(channel)) older_.erase(*home);
  for (auto* member : members_of(channel)) member->on_link_down(why);
}

void ClusterHub::on_channel_refused(std::string_view channel, const Error& why) {
  for (auto* member : members_of(channel)) member->on_subscription_refused(why);
}

void ClusterHub::on_subscriber_error(const Error& why) {
  for (auto* member : everyone()) member->on_subscription_refused(why);
}

}  // namespace mas::sdk
