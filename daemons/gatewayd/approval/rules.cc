// Rules, read and matched.
#include "daemons/gatewayd/approval/rules.h"

namespace mas::gateway {
namespace {

bool is_pattern(std::string_view text) {
  const size_t star = text.find('*');
  return star == std::string_view::npos || star + 1 == text.size();
}

bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return true;
  if (!pattern.ends_with('*')) return pattern == text;
  return text.starts_with(pattern.substr(0, pattern.size() - 1));
}

Error wrong(size_t number, const std::string& what) {
  return Error{Errc::kInvalidArgument, "rule " + std::to_string(number) + ": " + what};
}

std::string* field_of(ApprovalRule& rule, std::string_view key) {
  if (key == "sender") return &rule.sender;
  if (key == "target") return &rule.target;
  if (key == "type") return &rule.type;
  return key == "dlp_type" ? &rule.dlp_type : nullptr;
}

}  // namespace

Result<ApprovalRules> ApprovalRules::parse(std::span<const Row> rows) {
  ApprovalRules out;
  for (const Row& row : rows) {
    const size_t number = out.rules_.size() + 1;
    ApprovalRule& rule = out.rules_.emplace_back();
    if (row.empty()) return wrong(number, "expected sender, target, type or dlp_type");
    for (const auto& [key, value] : row) {
      std::string* field = field_of(rule, key);
      if (field == nullptr) return wrong(number, "unknown key " + key);
      const bool exact = field == &rule.dlp_type;
      if (value.empty() || !(exact ? value.find('*') == std::string::npos : is_pattern(value)))
        return wrong(number, key + " is not a " + (exact ? "type of data-loss prevention" : "pattern") + ": " + value);
      *field = value;
    }
  }
  return out;
}

std::optional<size_t> ApprovalRules::find(const ApprovalCase& asked) const {
  for (size_t i = 0; i < rules_.size(); ++i) {
    const ApprovalRule& rule = rules_[i];
    if (!matches(rule.sender, asked.sender) || !matches(rule.target, asked.target)) continue;
    if (!matches(rule.type, asked.type)) continue;
    if (rule.dlp_type.empty() || asked.found(rule.dlp_type)) return i + 1;
  }
  return std::nullopt;
}

std::string describe(const ApprovalRules& rules, size_t number) {
  const ApprovalRule& rule = rules.all()[number - 1];
  std::string parts;
  auto add = [&parts](std::string_view name, const std::string& value) {
    if (!value.empty()) parts.append(parts.empty() ? "" : ", ").append(name).append(" ").append(value);
  };
  add("sender", rule.sender);
  add("target", rule.target);
  add("type", rule.type);
  add("dlp_type", rule.dlp_type);
  return "rule " + std::to_string(number) + " (" + parts + ")";
}

}  // namespace mas::gateway
