// Even shares with few moves, and suspicion of gateways that take nothing.
#include "daemons/gatewayd/ownership/partitioner.h"

#include <algorithm>

namespace mas::gateway {
namespace {

using namespace std::chrono_literals;

// The first outlives a dead process's heartbeat, so that a crash is suspected once.
constexpr Duration kFirstSuspicion = 20s;
constexpr Duration kLongestSuspicion = 10min;

struct Share {
  std::string gateway;
  std::vector<size_t> owned;
  size_t size = 0;
};

/// Shares in the order in which they get the larger size: who owns most first, then by name.
std::vector<Share> shares_of(const std::vector<std::string>& gateways, const std::vector<std::string>& owners) {
  std::vector<Share> shares;
  for (const auto& gateway : gateways) {
    Share share{gateway, {}, 0};
    for (size_t p = 0; p < owners.size(); ++p)
      if (owners[p] == gateway) share.owned.push_back(p);
    shares.push_back(std::move(share));
  }
  std::sort(shares.begin(), shares.end(), [](const Share& a, const Share& b) {
    return a.owned.size() != b.owned.size() ? a.owned.size() > b.owned.size() : a.gateway < b.gateway;
  });
  size_t base = owners.size() / shares.size();
  size_t extra = owners.size() % shares.size();
  for (size_t i = 0; i < shares.size(); ++i) shares[i].size = base + (i < extra ? 1 : 0);
  return shares;
}

}  // namespace

std::vector<std::string> even_assignment(const std::vector<std::string>& gateways,
                                         const std::vector<std::string>& owners) {
  std::vector<std::string> assignment(owners.size());
  auto shares = shares_of(gateways, owners);
  for (auto& share : shares) {
    if (share.owned.size() > share.size) share.owned.resize(share.size);
    for (size_t p : share.owned) assignment[p] = share.gateway;
  }
  auto taker = shares.begin();
  for (auto& owner : assignment) {
    if (!owner.empty()) continue;
    while (taker->owned.size() >= taker->size) ++taker;  // sizes add up, so there is one
    taker->owned.push_back(0);
    owner = taker->gateway;
  }
  return assignment;
}

std::vector<bool> Partitioner::plan(const View& view, MonoTime now) {
  if (free_since_.size() != view.owners.size()) {
    free_since_.assign(view.owners.size(), MonoTime::max());
    last_assignment_.assign(view.owners.size(), {});
  }
  for (size_t p = 0; p < view.owners.size(); ++p)
    free_since_[p] = view.owners[p].empty() ? std::min(free_since_[p], now) : MonoTime::max();

  auto owned = owned_counts(view);
  update_suspicions(view, owned, now);
  last_assignment_ = assign(view, owned, now);
  std::vector<bool> mine;
  for (const auto& owner : last_assignment_) mine.push_back(owner == self_);
  return mine;
}

Partitioner::Counts Partitioner::owned_counts(const View& view) const {
  Counts owned;
  for (const auto& gateway : view.gateways) owned[gateway] = 0;
  owned[self_] = 0;
  for (const auto& owner : view.owners)
    if (auto found = owned.find(owner); found != owned.end()) ++found->second;
  return owned;
}

void Partitioner::update_suspicions(const View& view, const Counts& owned, MonoTime now) {
  for (auto it = suspicions_.begin(); it != suspicions_.end();) {
    auto found = owned.find(it->first);
    it = found == owned.end() || found->second > 0 ? suspicions_.erase(it) : std::next(it);
  }
  bool some_free = std::any_of(view.owners.begin(), view.owners.end(), [](const auto& o) { return o.empty(); });
  for (const auto& [gateway, count] : owned)
    if (count == 0 && some_free && owned_before_.contains(gateway)) suspect(gateway, now);
  for (size_t p = 0; p < view.owners.size(); ++p) {
    auto found = owned.find(last_assignment_[p]);
    bool lies = free_since_[p] != MonoTime::max() && now - free_since_[p] > grace_;
    if (lies && found != owned.end() && found->second == 0) suspect(found->first, now);
  }
  owned_before_.clear();
  for (const auto& [gateway, count] : owned)
    if (count > 0) owned_before_.insert(gateway);
}

void Partitioner::suspect(const std::string& gateway, MonoTime now) {
  if (gateway == self_) return;
  auto [it, fresh] = suspicions_.try_emplace(gateway, Suspicion{now, kFirstSuspicion});
  if (!fresh && now < it->second.until) return;
  it->second.until = now + it->second.next;
  it->second.next = std::min(it->second.next * 2, kLongestSuspicion);
}

std::vector<std::string> Partitioner::assign(const View& view, const Counts& owned, MonoTime now) {
  std::vector<std::string> counted;
  for (const auto& [gateway, count] : owned) {
    auto suspicion = suspicions_.find(gateway);
    if (suspicion == suspicions_.end() || now >= suspicion->second.until) counted.push_back(gateway);
  }
  blocked_ = owned.size() - counted.size();
  return even_assignment(counted, view.owners);
}

}  // namespace mas::gateway
