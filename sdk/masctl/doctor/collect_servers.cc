// Asks every primary by the link that there is, and every replica by one of its own.
#include <algorithm>
#include <sstream>

#include "proto/base/numbers.h"
#include "proto/redis/replicas.h"
#include "proto/redis/reply_values.h"
#include "proto/wire/agent_functions.h"
#include "sdk/masctl/doctor/servers.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

namespace {

constexpr Duration kReplicaPatience = std::chrono::seconds(2);  // several may be away

void ask_server(SyncRedis& redis, const redis::Node& node, ServerFact& fact) {
  using Library = ServerFact::Library;
  auto events = redis.ask_node(node, redis::Command("CONFIG", "GET", "notify-keyspace-events"));
  if (events.ok() && events->elements.size() == 2) fact.events = std::move(events->elements[1].text);
  auto listed = redis.ask_node(node, redis::Command("FUNCTION", "LIST", "LIBRARYNAME", kAgentLibrary));
  if (listed.ok())
    fact.library = listed->elements.empty() ? Library::kMissing : Library::kThere;
  else if (listed.error().message.find("unknown command") != std::string::npos)
    fact.library = Library::kUnsupported;
  else
    fact.library = Library::kForbidden;
}

/// @param nodes the answer to CLUSTER NODES: "id ip:port@bus,host flags primary …". @return the replicas, by the
/// addresses that they announce; without those that all hold for dead.
std::vector<redis::Node> replicas_among(std::string_view nodes) {
  std::vector<redis::Node> replicas;
  for (std::istringstream lines{std::string(nodes)}; lines;) {
    std::string line, id, address, flags;
    std::getline(lines, line);
    std::istringstream words(line);
    words >> id >> address >> flags;
    flags = "," + flags + ",";
    const size_t at = address.find('@'), colon = address.rfind(':', at);
    if (at == std::string::npos || colon == std::string::npos) continue;
    if (flags.find(",slave,") == std::string::npos || flags.find(",fail,") != std::string::npos) continue;
    const auto port = parse_number<uint16_t>(std::string_view(address).substr(colon + 1, at - colon - 1));
    if (port && redis::is_host(address.substr(0, colon))) replicas.push_back({address.substr(0, colon), *port});
  }
  return replicas;
}

/// @return the replicas of a primary. In a cluster they are those of all primaries, by the view of the first.
std::vector<redis::Node> replicas_of(SyncRedis& redis, const redis::Node& primary) {
  const redis::Command command =
      redis.on_cluster() ? redis::Command("CLUSTER", "NODES") : redis::Command("INFO", "replication");
  auto told = redis.ask_node(primary, command);
  if (!told.ok()) return {};
  return redis.on_cluster() ? replicas_among(told->text) : redis::replicas_of(told->text);
}

/// @return nothing of a replica that never takes over.
std::optional<ServerFact> read_replica(const Settings& settings, const redis::Node& node) {
  ServerFact fact{node.text(), true};
  Settings own = settings;
  own.endpoint = redis::endpoint_of(settings.endpoint, node);
  own.timeout = std::min(settings.timeout, kReplicaPatience);
  SyncRedis replica(own);
  auto nodes = replica.primaries();  // the one server that it is
  if (!nodes.ok()) {
    fact.unreachable = nodes.error();
    return fact;
  }
  auto info = replica.ask_node(nodes->front(), redis::Command("INFO", "replication"));
  if (info.ok() && redis::info_value(info->text, "slave_priority") == "0") return std::nullopt;
  ask_server(replica, nodes->front(), fact);
  return fact;
}

}  // namespace

std::vector<ServerFact> collect_servers(SyncRedis& redis, const Settings& settings) {
  std::vector<ServerFact> servers;
  auto primaries = redis.primaries();
  if (!primaries.ok()) return servers;
  for (const auto& node : *primaries) {
    servers.push_back({redis.on_cluster() ? node.text() : settings.endpoint.address()});
    ask_server(redis, node, servers.back());
  }
  if (primaries->empty()) return servers;
  for (const auto& replica : replicas_of(redis, primaries->front()))
    if (auto found = read_replica(settings, replica)) servers.push_back(std::move(*found));
  return servers;
}

}  // namespace mas::ctl
