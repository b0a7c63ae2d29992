// Node by node.
#include "daemons/common/cluster_gate.h"

#include <utility>

namespace mas::common {
namespace {

constexpr Duration kCheckAgain = std::chrono::seconds(2);

Error unavailable(std::string text) { return Error{Errc::kUnavailable, std::move(text)}; }

}  // namespace

ClusterGate::ClusterGate(uv_loop_t* loop, redis::ConnectionOptions options, Log& log, RedisGateListener& listener)
    : RedisGate(loop, options, log, listener, nullptr, this),
      address_(options.endpoint.address()),
      cluster_(*client().cluster()),
      again_(loop, [this] { ask_refused(); }) {
  cluster_.connect_all();
}

void ClusterGate::stop() {
  again_.stop();
  RedisGate::stop();
}

void ClusterGate::on_map(const redis::SlotMap&) { look(); }

void ClusterGate::on_node_ready(const redis::Node& node, bool) { ask(node); }

void ClusterGate::ask(const redis::Node& node) {
  checked_.insert_or_assign(node, unavailable("it is being asked for its version"));
  asked_[++last_tag_] = node;
  auto sent = cluster_.send_to(node, redis::Command("HELLO"), redis::reply_to<&ClusterGate::on_hello>(this, last_tag_));
  if (sent) return;
  asked_.erase(last_tag_);
  checked_.insert_or_assign(node, sent.error());
  again_.once(kCheckAgain);
}

void ClusterGate::on_hello(uint64_t tag, const redis::Answer& answer) {
  auto asked = asked_.extract(tag);
  if (asked.empty() || checked_.count(asked.mapped()) == 0) return;
  const redis::Node& node = asked.mapped();
  auto hello = redis::checked(answer);
  Result<ServerInfo> info = hello ? server_info(**hello) : Result<ServerInfo>(hello.error().in("HELLO"));
  Status status = info ? check_server(*info, redis::Topology::kCluster) : Status(info.error());
  if (status) {
    checked_.insert_or_assign(node, info->version);
  } else {
    checked_.insert_or_assign(node, status.error());
    again_.once(kCheckAgain);
  }
  look();
}

void ClusterGate::ask_refused() {
  for (const redis::Node& node : client().primaries())
    if (auto it = checked_.find(node); it != checked_.end() && !it->second) ask(node);
}

void ClusterGate::on_node_down(const redis::Node& node, const Error& why, unsigned attempt) {
  checked_.erase(node);
  if (worth_a_line(why))
    log().warn("redis_down", {{"address", node.text()}, {"why", why.message}, {"attempt", attempt}});
  look();
}

void ClusterGate::on_map_trouble(const Error& why) {
  if (!up_) close(why);
}

Status ClusterGate::check() const {
  const redis::SlotMap& map = cluster_.map();
  if (map.empty()) return unavailable("no node of the cluster was reached yet");
  if (size_t missing = map.uncovered(); missing > 0)
    return unavailable(std::to_string(missing) + " slots of the cluster have no primary");
  for (const redis::Node& node : map.primaries()) {
    auto it = checked_.find(node);
    if (it == checked_.end()) return unavailable(node.text() + " is not connected");
    if (!it->second) return it->second.error().in(node.text());
  }
  return {};
}

void ClusterGate::look() {
  const Status status = check();
  if (!status) return close(status.error());
  const auto& primaries = cluster_.map().primaries();
  if (up_ && served_by_ == primaries) return;
  if (up_) close(unavailable("the cluster has other primaries"));
  up_ = true;
  served_by_ = primaries;
  tell_up(*checked_.at(primaries.front()));
}

void ClusterGate::close(const Error& why) {
  set_reason(why.message);
  if (!std::exchange(up_, false)) return;
  if (worth_a_line(why)) log().warn("redis_down", {{"address", address_}, {"why", why.message}});
  tell_down();
}

}  // namespace mas::common
