// Lines such as "slave0:ip=10.0.0.2,port=6379,state=online,offset=14,lag=0".
#include "proto/redis/replicas.h"

#include <algorithm>

#include "proto/base/numbers.h"

namespace mas::redis {
namespace {

constexpr size_t kMost = 100;

std::string_view member(std::string_view line, std::string_view name) {
  const size_t at = line.find(name);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + name.size());
  return line.substr(0, line.find(','));
}

/// "slave" and a number; not "slave_repl_offset".
bool names_replica(std::string_view line) {
  const size_t colon = line.find(':');
  return line.starts_with("slave") && colon != std::string_view::npos &&
         parse_number<unsigned>(line.substr(5, colon - 5)).has_value();
}

/// @return the next line, which `info` then lacks.
std::string_view take_line(std::string_view& info) {
  std::string_view line = info.substr(0, info.find('\n'));
  info.remove_prefix(std::min(info.size(), line.size() + 1));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

std::vector<Node> replicas_of(std::string_view info) {
  std::vector<Node> replicas;
  while (!info.empty() && replicas.size() < kMost) {
    const std::string_view line = take_line(info);
    if (!names_replica(line)) continue;
    const std::string_view host = member(line, "ip=");
    const auto port = parse_number<uint16_t>(member(line, ",port="));
    if (is_host(host) && port && *port != 0) replicas.push_back({std::string(host), *port});
  }
  return replicas;
}

size_t online_replicas(std::string_view info) {
  size_t count = 0;
  while (!info.empty()) {
    const std::string_view line = take_line(info);
    if (names_replica(line) && member(line, ",state=") == "online") ++count;
  }
  return count;
}

Endpoint endpoint_of(const Endpoint& endpoint, const Node& node) {
  Endpoint one = endpoint;
  if (one.kind == Endpoint::Kind::kUnix) one.kind = Endpoint::Kind::kTcp;
  one.topology = Topology::kSingle;
  one.nodes.clear();
  one.sentinel = {};
  one.host = node.host;
  one.port = node.port;
  return one;
}

}  // namespace mas::redis
