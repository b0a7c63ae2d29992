// Reading the replies to CLUSTER SHARDS and CLUSTER SLOTS.
#include "proto/redis/cluster/slot_map.h"

#include <algorithm>
#include <numeric>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"
#include "proto/redis/reply_values.h"

namespace mas::redis {
namespace {

Error unexpected(const std::string& what) { return Error{Errc::kProtocol, "the cluster's map: " + what}; }

std::string_view text_field(const Reply& pairs, std::string_view name) {
  const Reply* value = field_of(pairs, name);
  return value != nullptr && value->is_text() ? value->text : std::string_view();
}

/// "?" stands for a host name that a node should announce and does not.
std::optional<Node> address_of(std::string_view endpoint, std::string_view ip, const Reply* port,
                               std::string_view asked) {
  if (port == nullptr || !port->is_integer() || port->integer < 1 || port->integer > UINT16_MAX) return std::nullopt;
  std::string_view host = endpoint.empty() ? asked : endpoint == "?" ? ip : endpoint;
  if (!is_host(host)) return std::nullopt;
  return Node{std::string(host), static_cast<uint16_t>(port->integer)};
}

}  // namespace

std::optional<Node> parse_node(std::string_view text, std::string_view asked) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.empty()) host = asked;
  const auto port = parse_number<uint16_t>(text.substr(colon + 1));
  if (!port || *port == 0 || !is_host(host)) return std::nullopt;
  return Node{std::string(host), *port};
}

uint16_t SlotMap::index_of(const Node& node) {
  const auto it = std::find(primaries_.begin(), primaries_.end(), node);
  if (it != primaries_.end()) return static_cast<uint16_t>(it - primaries_.begin());
  primaries_.push_back(node);
  return static_cast<uint16_t>(primaries_.size() - 1);
}

Status SlotMap::give(const Node& node, int64_t first, int64_t last) {
  if (first < 0 || first > last || last >= kHashSlots) return unexpected("a range of slots is out of bounds");
  const uint16_t owner = index_of(node);
  if (primaries_.size() > kMaxPrimaries) return unexpected("more than " + std::to_string(kMaxPrimaries) + " primaries");
  owners_.resize(kHashSlots, kNobody);
  for (auto slot = static_cast<size_t>(first); slot <= static_cast<size_t>(last); ++slot) {
    if (owners_[slot] != kNobody && owners_[slot] != owner)
      return unexpected("slot " + std::to_string(slot) + " has two primaries");
    owners_[slot] = owner;
  }
  return {};
}

/// So that two nodes that see the same cluster give equal maps.
void SlotMap::sort_primaries() {
  std::vector<uint16_t> order(primaries_.size()), place(primaries_.size());
  std::iota(order.begin(), order.end(), uint16_t{0});
  std::sort(order.begin(), order.end(), [this](auto a, auto b) { return primaries_[a] < primaries_[b]; });
  for (size_t i = 0; i < order.size(); ++i) place[order[i]] = static_cast<uint16_t>(i);
  for (uint16_t& owner : owners_)
    if (owner != kNobody) owner = place[owner];
  std::sort(primaries_.begin(), primaries_.end());
  std::sort(peers_.begin(), peers_.end());
  peers_.erase(std::unique(peers_.begin(), peers_.end()), peers_.end());
}

Status SlotMap::take_shard(const Reply& shard, const Source& source) {
  const Reply *slots = field_of(shard, "slots"), *nodes = field_of(shard, "nodes");
  if (slots == nullptr || nodes == nullptr || !slots->is_array() || !nodes->is_array() || slots->count % 2 != 0)
    return unexpected("a shard has no slots or nodes");
  std::optional<Node> primary;
  bool online = false;
  for (const Reply& node : *nodes) {
    auto address = address_of(text_field(node, "endpoint"), text_field(node, "ip"),
                              field_of(node, source.tls ? "tls-port" : "port"), source.host);
    if (!address) continue;
    const std::string_view health = text_field(node, "health");
    const bool serves = health == "online";
    const bool leads = text_field(node, "role") == "master" && slots->count > 0;
    if (leads && (!primary || (serves && !online))) {
      primary = address;
      online = serves;
    } else if (health != "fail" && !leads && peers_.size() < kMaxPeers) {
      peers_.push_back(std::move(*address));
    }
  }
  for (size_t i = 0; primary && i < slots->count; i += 2) {
    if (!(*slots)[i].is_integer() || !(*slots)[i + 1].is_integer()) return unexpected("a slot is not a number");
    if (auto given = give(*primary, (*slots)[i].integer, (*slots)[i + 1].integer); !given) return given;
  }
  return {};
}

Result<SlotMap> SlotMap::from_shards(const Reply& reply, const Source& source) {
  if (!reply.is_array()) return unexpected("expected a list of shards");
  SlotMap map;
  for (const Reply& shard : reply)
    if (auto taken = map.take_shard(shard, source); !taken) return taken.error();
  map.sort_primaries();
  return map;
}

Result<SlotMap> SlotMap::from_slots(const Reply& reply, const Source& source) {
  if (!reply.is_array()) return unexpected("expected a list of ranges");
  SlotMap map;
  for (const Reply& range : reply) {
    if (!range.is_array() || range.count < 3 || !range[0].is_integer() || !range[1].is_integer())
      return unexpected("a range of slots has another form");
    for (size_t i = 2; i < range.count; ++i) {
      const Reply& node = range[i];
      if (!node.is_array() || node.count < 2) return unexpected("a node has another form");
      const std::string_view host = node[0].is_text() ? node[0].text : std::string_view();
      auto address = address_of(host, {}, &node[1], source.host);
      if (!address) continue;
      if (i > 2) {
        if (map.peers_.size() < kMaxPeers) map.peers_.push_back(std::move(*address));
      } else if (auto given = map.give(*address, range[0].integer, range[1].integer); !given) {
        return given.error();
      }
    }
  }
  map.sort_primaries();
  return map;
}

size_t SlotMap::uncovered() const {
  if (owners_.empty()) return kHashSlots;
  return static_cast<size_t>(std::count(owners_.begin(), owners_.end(), kNobody));
}

bool SlotMap::move(unsigned slot, const Node& node) {
  const Node* before = primary_of(slot);
  if (before != nullptr && *before == node) return false;
  owners_.resize(kHashSlots, kNobody);
  const bool known = std::find(primaries_.begin(), primaries_.end(), node) != primaries_.end();
  if (!known && primaries_.size() >= kMaxPrimaries) return false;
  owners_[slot] = index_of(node);
  sort_primaries();
  return true;
}

}  // namespace mas::redis
