// Which messages wait for a person: the rules of [[approval.rule]], in their order.
//
// Happy path: parse() takes each rule's keys and values; find() tells the first rule that holds a message.
// Failure modes:
// - A rule that says nothing, or has a pattern with `*` before its end, is refused with its number.
// Threading: immutable once made; share freely. find() allocates nothing. Ownership: a value.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/result.h"

namespace mas::gateway {

inline constexpr std::string_view kApprovalRuleKeys[] = {"sender", "target", "type", "dlp_type"};

/// All that is not empty must match. A text that ends with `*` matches what begins with the rest of it.
struct ApprovalRule {
  std::string sender, target, type;
  std::string dlp_type;  ///< a type that data-loss prevention found; never a pattern
};

/// What is asked about. @param type of data-loss prevention. @return whether it was found in the message.
struct ApprovalCase {
  std::string_view sender, target, type;
  const std::function<bool(std::string_view type)>& found;
};

class ApprovalRules {
 public:
  using Row = std::vector<std::pair<std::string, std::string>>;  ///< of one rule: keys and values

  /// @return kInvalidArgument that names the rule.
  static Result<ApprovalRules> parse(std::span<const Row> rows);

  /// @return the number of the first rule that matches, from 1.
  std::optional<size_t> find(const ApprovalCase& asked) const;
  const std::vector<ApprovalRule>& all() const { return rules_; }

 private:
  std::vector<ApprovalRule> rules_;
};

/// For people: `rule 2 (sender planner-*, type payment)`. @param number from 1.
std::string describe(const ApprovalRules& rules, size_t number);

}  // namespace mas::gateway
