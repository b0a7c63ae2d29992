// Who is told what.
#include "sdk/src/loop/hub.h"

#include <algorithm>
#include <utility>

#include "proto/redis/sentinel/sentinels.h"
#include "sdk/src/loop/cluster_hub.h"
#include "sdk/src/loop/runtime.h"
#include "sdk/src/loop/server_hub.h"

namespace mas::sdk {

std::shared_ptr<Hub> Hub::make(Runtime& runtime, const redis::Endpoint& endpoint, const std::string& client_name) {
  if (endpoint.topology == redis::Topology::kCluster)
    return std::make_shared<ClusterHub>(runtime, endpoint, client_name);
  redis::ConnectionOptions options = options_for(endpoint, client_name);
  options.sentinels = redis::sentinels_of(runtime.loop(), endpoint, client_name);
  return std::make_shared<ServerHub>(runtime, options);
}

Hub::Hub(const redis::Endpoint& endpoint, redis::ConnectionOptions options, uv_loop_t* loop,
         redis::ConnectionListener* one, redis::ClusterListener* many)
    : endpoint_(endpoint), commands_(loop, std::move(options), one, many) {}

redis::ConnectionOptions Hub::options_for(const redis::Endpoint& endpoint, const std::string& client_name) {
  redis::ConnectionOptions options;
  options.endpoint = endpoint;
  options.client_name = client_name;
  options.secret = true;  // tokens
  options.primary_only = true;
  // Each agent's outbox is bounded, so that one agent cannot take another's room.
  options.max_outgoing_bytes = SIZE_MAX / 2;
  options.max_pending_commands = SIZE_MAX / 2;
  return options;
}

void Hub::join(HubMember& member, const std::string& channel) {
  channels_[channel].push_back(&member);
  hear(channel, member.max_payload());
}

void Hub::leave(HubMember& member, std::string_view channel) {
  auto it = channels_.find(channel);
  if (it == channels_.end()) return;
  std::erase(it->second, &member);
  if (!it->second.empty()) return;
  stop_hearing(channel);
  channels_.erase(it);
}

Hub::Members Hub::everyone() const {
  Members all;
  for (const auto& [channel, members] : channels_) all.insert(all.end(), members.begin(), members.end());
  return all;
}

Hub::Members Hub::members_of(std::string_view channel) const {
  auto it = channels_.find(channel);
  return it == channels_.end() ? Members() : it->second;
}

void Hub::deliver(std::string_view channel, std::string_view payload) {
  auto it = channels_.find(channel);
  if (it == channels_.end()) return;
  for (size_t i = 0; i < it->second.size(); ++i) it->second[i]->on_payload(payload);
}

void Hub::leave_out(std::string_view channel, uint64_t bytes) {
  auto it = channels_.find(channel);
  if (it == channels_.end()) return;
  for (size_t i = 0; i < it->second.size(); ++i) it->second[i]->on_oversized(bytes);
}

}  // namespace mas::sdk
