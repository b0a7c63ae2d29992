// What both gates do: checks of a server, and telling.
#include "daemons/common/redis_gate.h"

#include <charconv>
#include <utility>

#include "daemons/common/cluster_gate.h"
#include "daemons/common/server_gate.h"
#include "proto/base/ids.h"

namespace mas::common {
namespace {

constexpr unsigned kOldest[] = {6, 2};

bool new_enough(std::string_view version) {
  unsigned parts[2] = {0, 0};
  const char* at = version.data();
  const char* end = at + version.size();
  for (unsigned& part : parts) {
    auto [next, error] = std::from_chars(at, end, part);
    if (error != std::errc()) return false;
    at = next == end ? next : next + 1;
  }
  return parts[0] > kOldest[0] || (parts[0] == kOldest[0] && parts[1] >= kOldest[1]);
}

Error unusable(std::string text) { return Error{Errc::kUnavailable, std::move(text)}; }

}  // namespace

Result<ServerInfo> server_info(const redis::Reply& hello) {
  ServerInfo info;
  if (!hello.is_array()) return Error{Errc::kProtocol, "unexpected answer to HELLO; expected a list"};
  for (size_t i = 0; i + 1 < hello.count; i += 2) {
    if (!hello[i].is_text() || !hello[i + 1].is_text()) continue;
    if (hello[i].text == "version") info.version = printable(hello[i + 1].text);
    if (hello[i].text == "mode") info.mode = printable(hello[i + 1].text);
  }
  if (info.version.empty()) return Error{Errc::kProtocol, "the answer to HELLO has no version"};
  return info;
}

Status check_server(const ServerInfo& info, redis::Topology expected) {
  if (!new_enough(info.version)) return unusable("Redis " + info.version + " is too old; expected 6.2 or newer");
  if (info.mode == "cluster" && expected != redis::Topology::kCluster)
    return unusable("this Redis is a node of a cluster; expected a URL redis+cluster:// or rediss+cluster://");
  return {};
}

std::unique_ptr<RedisGate> RedisGate::make(uv_loop_t* loop, redis::ConnectionOptions options, Log& log,
                                           RedisGateListener& listener) {
  if (options.endpoint.topology == redis::Topology::kCluster)
    return std::make_unique<ClusterGate>(loop, std::move(options), log, listener);
  return std::make_unique<ServerGate>(loop, std::move(options), log, listener);
}

RedisGate::RedisGate(uv_loop_t* loop, redis::ConnectionOptions options, Log& log, RedisGateListener& listener,
                     redis::ConnectionListener* one, redis::ClusterListener* many)
    : log_(log), listener_(listener), client_(loop, std::move(options), one, many) {}

void RedisGate::tell_up(std::string version) {
  version_ = std::move(version);
  reason_.clear();
  repeat_.reset();
  log_.info("redis_up", {{"address", address()}, {"version", version_}});
  listener_.on_gate_up();
}

void RedisGate::set_reason(std::string reason) {
  if (reason == reason_) return;
  reason_ = std::move(reason);
  listener_.on_gate_reason();
}

}  // namespace mas::common
