// Links to nodes: made, found, let go.
#include "proto/redis/cluster/node_pool.h"

#include <algorithm>
#include <utility>

#include "proto/base/random.h"

namespace mas::redis {

NodeLink::NodeLink(uv_loop_t* loop, NodeListener& its_listener, Node its_address, unsigned its_number,
                   ConnectionOptions options)
    : listener(its_listener),
      address(std::move(its_address)),
      number(its_number),
      connection(loop, std::move(options), this) {}

NodeLink& NodePool::of(const Node& address) {
  auto it = links_.find(address);
  if (it == links_.end()) {
    auto link = std::make_unique<NodeLink>(loop_, listener_, address, next_number_++, options_.of(address));
    it = links_.emplace(address, std::move(link)).first;
    it->second->connection.start();
  }
  it->second->asked_for = true;
  return *it->second;
}

NodeLink* NodePool::find(const Node& address) const {
  auto it = links_.find(address);
  return it == links_.end() ? nullptr : it->second.get();
}

NodeLink* NodePool::any() {
  NodeLink* connecting = nullptr;
  for (const Node& primary : map_.primaries()) {
    NodeLink* link = find(primary);
    if (link == nullptr) continue;
    if (link->connection.ready()) return link;
    if (connecting == nullptr && link->connection.state() != LinkState::kBackingOff) connecting = link;
  }
  if (connecting != nullptr || map_.empty()) return connecting;
  return &of(map_.primaries()[random_u64() % map_.primaries().size()]);
}

bool NodePool::connected(const Node& address) const {
  const NodeLink* link = find(address);
  return link != nullptr && link->connection.ready();
}

void NodePool::want(unsigned slot) {
  wanted_.insert(slot);
  connect_wanted();
}

void NodePool::release(unsigned slot) {
  if (auto it = wanted_.find(slot); it != wanted_.end()) wanted_.erase(it);
}

void NodePool::want_all() {
  all_wanted_ = true;
  connect_wanted();
}

void NodePool::connect_wanted() {
  if (stopped_) return;
  if (all_wanted_)
    for (const Node& primary : map_.primaries()) of(primary);
  for (unsigned slot : wanted_)
    if (const Node* primary = map_.primary_of(slot)) of(*primary);
}

bool NodePool::tidy() {
  bool more = false;
  const auto& primaries = map_.primaries();
  const MonoTime now = mono_now();
  std::erase_if(links_, [&](const auto& entry) {
    NodeLink& link = *entry.second;
    if (std::exchange(link.asked_for, false)) link.used_at = now;
    if (std::binary_search(primaries.begin(), primaries.end(), entry.first)) return false;
    const bool idle = link.in_flight == 0 && now - link.used_at >= kLinger;
    more = more || !idle;
    if (idle) gone_ += link.connection.counters();
    return idle;
  });
  return more;
}

void NodePool::stop() {
  stopped_ = true;
  for (auto& [address, link] : links_) link->connection.stop();
}

void NodePool::flush() {
  for (auto& [address, link] : links_)
    if (link->in_flight > 0) link->connection.flush();
}

void NodePool::drop_links(const Error& why) {
  for (auto& [address, link] : links_) link->connection.drop_link(why);
}

Connection::Counters NodePool::counters() const {
  Connection::Counters all = gone_;
  for (const auto& [address, link] : links_) all += link->connection.counters();
  return all;
}

}  // namespace mas::redis
