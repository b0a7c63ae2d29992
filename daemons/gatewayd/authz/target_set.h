// A set of targets: agent ids, prefixes such as `patient*`, and `*` for everybody.
//
// Happy path: parse() takes the members of a Redis set, find() says whether a target is in it and by which member.
// Failure: a member that can name no target is left out and listed; what that means is the caller's to decide.
// Threading: immutable after construction; share freely. find() does not allocate: one hash look-up and one binary
// search, whatever the size.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/keyed_map.h"

namespace mas::gateway {

class TargetSet {
 public:
  TargetSet() = default;
  /// @param members distinct, in any order.
  static TargetSet parse(std::span<const std::string_view> members);

  /// @return the member that `target` is in the set by: `*`, the id itself, or a prefix; the view lives as long as the
  /// set. nullopt: it is not in it.
  std::optional<std::string_view> find(std::string_view target) const;

  /// Whether there was no member at all, not even one that was left out.
  bool empty() const { return !any_ && ids_.empty() && prefixes_.empty() && unusable_.empty(); }
  /// Members that can name no target (`a*b`, control characters, too long), sorted.
  const std::vector<std::string>& unusable() const { return unusable_; }

 private:
  void add(std::string_view member);
  void drop_covered_prefixes();

  KeyedSet ids_;
  std::vector<std::string> prefixes_;  // with their `*`; sorted, and none is a prefix of another
  std::vector<std::string> unusable_;
  bool any_ = false;
};

/// @return whether `text` can stand in a target set: 1–512 bytes of UTF-8 without control characters, and `*` only at
/// its end. Ids outside our alphabet are taken: they name agents of others.
bool is_target_pattern(std::string_view text);

}  // namespace mas::gateway
