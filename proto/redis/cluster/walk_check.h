// Whether a walk over the keys of a cluster's primaries has seen every key, or has to begin again. Pure.
//
// Each primary is asked for its slots (CLUSTER NODES) before the walk and after it. A client's map is not enough: it
// may be out of date until a command is refused because of it.
//
//     asked ──kWalk──▶ walk over the primaries ──▶ asked again ──▶ kDone: the slots stayed where they were
//                ▲                                    │
//                └─── kWalk: slots moved, are moving, or are missing ──▶ kGiveUp, after kMaxWalks
//
// Failure mode: kGiveUp. Threading: none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/redis/url.h"

namespace mas::redis {

/// @param nodes a reply to CLUSTER NODES. @return the slots of the node that answered, "0-99 150", with those that it
/// is moving in brackets, "[7->-id]"; empty: it serves none.
std::string_view own_slots(std::string_view nodes);

/// The primaries that a client knows, and what own_slots() each of them has.
struct SlotOwners {
  std::vector<Node> primaries;
  std::vector<std::string> slots;

  /// Whether each of them serves slots, none moves one, and together they serve every slot once.
  bool steady() const;
  bool operator==(const SlotOwners&) const = default;
};

class WalkCheck {
 public:
  static constexpr unsigned kMaxWalks = 3;
  enum class Next : uint8_t { kWalk, kDone, kGiveUp };

  /// @param now the answers before the first walk, and then those after each.
  Next next(const SlotOwners& now);
  /// Whether next() has asked for a walk.
  bool walked() const { return walks_ > 0; }
  /// The error of a walk that gives up.
  static Error moving() { return Error{Errc::kUnavailable, "slots of the cluster are moving"}; }

 private:
  unsigned walks_ = 0;
  SlotOwners before_;
};

}  // namespace mas::redis
