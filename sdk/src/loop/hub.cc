// Shared connections: who is told what.
#include "sdk/src/loop/hub.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "proto/redis/sentinel/sentinels.h"
#include "proto/wire/limits.h"
#include "sdk/src/loop/runtime.h"

namespace mas::sdk {
namespace {

redis::ConnectionOptions options_for(const redis::Endpoint& endpoint, const std::string& client_name,
                                     std::shared_ptr<redis::Sentinels> sentinels) {
  redis::ConnectionOptions options;
  options.endpoint = endpoint;
  options.client_name = client_name;
  options.sentinels = std::move(sentinels);
  options.secret = true;  // tokens
  options.primary_only = true;
  // Each agent's outbox is bounded, so that one agent cannot take another's room.
  options.max_outgoing_bytes = SIZE_MAX / 2;
  options.max_pending_commands = SIZE_MAX / 2;
  return options;
}

}  // namespace

Hub::Hub(Runtime& runtime, const redis::Endpoint& endpoint, const std::string& client_name)
    : endpoint_(endpoint),
      sentinels_(redis::sentinels_of(runtime.loop(), endpoint, client_name)),
      commands_(runtime.loop(), options_for(endpoint, client_name, sentinels_), this),
      subscriber_(runtime.loop(), options_for(endpoint, client_name, sentinels_), *this, limits::kEnvelopeBytes) {}

void Hub::start() {
  if (sentinels_ != nullptr) sentinels_->watch();
  commands_.start();
  subscriber_.start();
}

void Hub::join(HubMember& member, const std::string& channel) {
  channels_[channel].push_back(&member);
  subscriber_.raise_max_message(member.max_payload());
  subscriber_.subscribe(channel);
}

void Hub::leave(HubMember& member, std::string_view channel) {
  auto it = channels_.find(channel);
  if (it == channels_.end()) return;
  std::erase(it->second, &member);
  if (!it->second.empty()) return;
  subscriber_.unsubscribe(channel);
  channels_.erase(it);
}

/// A copy: a member may leave while it is told.
Hub::Members Hub::everyone() const {
  Members all;
  for (const auto& [channel, members] : channels_) all.insert(all.end(), members.begin(), members.end());
  return all;
}

void Hub::on_ready(redis::Connection& connection) {
  const bool again = connection.generation() > 1;
  if (std::exchange(subscriber_is_older_, false)) subscriber_.renew_link();
  for (auto* member : everyone()) member->on_link_ready(again);
}

void Hub::on_down(redis::Connection&, const Error& why, unsigned attempt) {
  if (attempt == 1) subscriber_is_older_ = subscriber_.ready();
  for (auto* member : everyone()) member->on_link_down(why);
}

void Hub::on_message(std::string_view channel, std::string_view payload) {
  auto it = channels_.find(channel);
  if (it == channels_.end()) return;
  for (size_t i = 0; i < it->second.size(); ++i) it->second[i]->on_payload(payload);
}

void Hub::on_oversized(std::string_view channel, uint64_t bytes) {
  auto it = channels_.find(channel);
  if (it == channels_.end()) return;
  for (size_t i = 0; i < it->second.size(); ++i) it->second[i]->on_oversized(bytes);
}

void Hub::on_subscribed(std::string_view channel) {
  auto it = channels_.find(channel);
  if (it == channels_.end()) return;
  for (auto* member : Members(it->second)) member->on_hearing();
}

void Hub::on_subscriber_down(const Error& why, unsigned) {
  if (why.code == Errc::kConnectionLost) cut_off_in_ = commands_.ready() ? commands_.generation() : 0;
  if (why.code == Errc::kTimeout) cut_off_in_ = 0;
  subscriber_is_older_ = false;
  commands_.ask_role();
  for (auto* member : everyone()) member->on_link_down(why);
}

void Hub::on_subscriber_error(const Error& why) {
  for (auto* member : everyone()) member->on_subscription_refused(why);
}

}  // namespace mas::sdk
