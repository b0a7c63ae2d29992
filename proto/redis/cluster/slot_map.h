// Which primary of a Redis Cluster serves which slot, as one node described it. Pure.
//
// Happy path: from_shards() reads the reply to CLUSTER SHARDS, from_slots() that of CLUSTER SLOTS (Redis before 7);
// primary_of() answers for a slot; move() takes over what a MOVED says until the next reply.
// Failure modes: kProtocol for a reply of another form, one past the bounds, or one in which two shards have the same
// slot.
// What is left out: nodes without slots, primaries that offer no port of the wanted kind, and replicas, which are kept
// as peers(): they can be asked for a newer map.
// Threading: none. Ownership: nothing is kept of the reply.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/redis/cluster/hash_slot.h"
#include "proto/redis/reply.h"
#include "proto/redis/url.h"

namespace mas::redis {

/// @return the address in `text`, "host:port"; the last colon separates. `asked`: the host that stands for an empty
/// one. nullopt: it is not an address.
std::optional<Node> parse_node(std::string_view text, std::string_view asked);

class SlotMap {
 public:
  static constexpr size_t kMaxPrimaries = 1000;  ///< the largest cluster that Redis recommends
  static constexpr size_t kMaxPeers = 4000;

  /// From whom the reply came, and which port is wanted.
  struct Source {
    std::string host;  ///< as it was reached: stands for an endpoint that a node leaves open
    bool tls = false;
  };

  static Result<SlotMap> from_shards(const Reply& reply, const Source& source);
  /// The reply names one port per node: that of the kind of connection it was asked on.
  static Result<SlotMap> from_slots(const Reply& reply, const Source& source);

  /// Primaries with slots, sorted.
  const std::vector<Node>& primaries() const { return primaries_; }
  /// Other nodes that answer: replicas, and primaries without slots.
  const std::vector<Node>& peers() const { return peers_; }
  /// @return null where no primary serves the slot.
  const Node* primary_of(unsigned slot) const {
    return owners_.empty() || owners_[slot] == kNobody ? nullptr : &primaries_[owners_[slot]];
  }
  bool empty() const { return primaries_.empty(); }
  /// @return slots that have no primary.
  size_t uncovered() const;

  /// A node said that `slot` is now served by `node`. One that has no slot left stays among the primaries.
  /// @return whether that is new.
  bool move(unsigned slot, const Node& node);

  bool operator==(const SlotMap&) const = default;

 private:
  static constexpr uint16_t kNobody = UINT16_MAX;

  Status take_shard(const Reply& shard, const Source& source);
  Status give(const Node& node, int64_t first, int64_t last);
  void sort_primaries();
  uint16_t index_of(const Node& node);

  std::vector<Node> primaries_, peers_;
  std::vector<uint16_t> owners_;  // slot → index in primaries_, or kNobody; empty: no slot is served
};

}  // namespace mas::redis
