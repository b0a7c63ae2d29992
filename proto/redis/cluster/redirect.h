// What a node of a cluster says instead of running a command, and what follows from it. Pure; threading: none.
//
// None of these commands was executed, so each may be sent again:
//
//   error        meaning                                      where next                     map      counted
//   MOVED        another node serves the slot                 that node, by the map          refresh  yes
//   ASK          the slot is moving, and the key has left     that node, once, after ASKING  as is    yes
//   TRYAGAIN     the slot is moving, and splits the keys      by the map, after a backoff    as is    no
//   CLUSTERDOWN  the slot has no primary for now              by the map, after a backoff    refresh  no
//   LOADING      the node reads its data from disk            by the map, after a backoff    refresh  no
//   MASTERDOWN   a replica without its primary                by the map, after a backoff    refresh  no
//
// What is counted is sent on at once at most kMaxRedirects times. After that nodes point at each other, as they may
// until all of them have heard of a fail-over, or as long as a slot that moves splits the keys (Redis 7.0 says ASK, and
// the other node TRYAGAIN): each further time comes after a backoff, too. So does what follows a MOVED that the map
// does not take over, since nodes contradict each other (topology_watch.h). All end with the command's own deadline.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/redis/cluster/slot_map.h"
#include "proto/redis/reply.h"

namespace mas::redis {

inline constexpr unsigned kMaxRedirects = 5;

enum class Onward : uint8_t {
  kMoved,  ///< to the node that is named, for good
  kAsk,    ///< to the node that is named, this time
  kLater,  ///< by the map, after a backoff
};

struct Redirect {
  Onward onward = Onward::kLater;
  bool refresh = false;  ///< the map is out of date, or may be
  unsigned slot = 0;     ///< kMoved, kAsk
  Node node;             ///< kMoved, kAsk
};

/// @param asked the host of the node that answered, which stands for a host that is left open.
/// @return nullopt: the reply is the command's own.
std::optional<Redirect> redirect_of(const Reply& reply, std::string_view asked);

}  // namespace mas::redis
