// Between whom a message goes, and what the configuration says about some of them alone.
//
// An override holds where sender and target match. Of several that name the same type the most specific holds: first by
// the sender (an id before a prefix, a longer prefix before a shorter one), then by the target. Two with the same
// sender and target are refused when they are read, so that it never depends on their order.
// Threading: plain data. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemons/gatewayd/dlp/types.h"
#include "proto/base/result.h"

namespace mas::dlp {

/// An agent's id, or `prefix*`; `*` is everybody.
struct AgentPattern {
  std::string text;  ///< without the star
  bool prefix = true;

  static Result<AgentPattern> parse(std::string_view text);
  bool matches(std::string_view id) const { return prefix ? id.starts_with(text) : id == text; }
  bool operator==(const AgentPattern&) const = default;
  /// Of two that match the same id, whether this one says less than the other.
  bool is_wider_than(const AgentPattern& other) const {
    return prefix != other.prefix ? prefix : text.size() < other.text.size();
  }
};

struct Override {
  AgentPattern sender, target;
  std::vector<std::pair<uint16_t, Action>> actions;  ///< by type
};

/// In the order in which they are applied: the most specific last.
void sort_overrides(std::vector<Override>& overrides);

/// Applies those that match. @param actions by type.
void apply_overrides(const std::vector<Override>& overrides, std::string_view sender, std::string_view target,
                     std::vector<Action>& actions);

}  // namespace mas::dlp
