// Looking things up in the facts, and which type each key of the protocol has, by its name.
#include "sdk/masctl/doctor/facts.h"

#include <algorithm>

namespace mas::ctl {

namespace {

struct TypeRule {
  std::string_view head;
  std::string_view tail;  ///< empty: any
  std::string_view type;
};

// First match wins: sub-keys of an agent before the agent itself.
constexpr TypeRule kRules[] = {
    {"agent:", ":heartbeat", "string"},    {"agent:", ":instances", "hash"}, {"agent:", ":allowed_targets", "set"},
    {"agent:", ":blocked_targets", "set"}, {"agent:", ":roles", "set"},      {"agent.state:", "", "hash"},
    {"mas.capability:", "", "set"},        {"mas.daemon:", "", "string"},    {"mas.lease:", "", "string"},
    {"mas.epoch:", "", "string"},          {"mas.trial:", "", "string"},
};

struct ExactRule {
  std::string_view name;
  std::string_view type;
};

constexpr ExactRule kExact[] = {
    {"mas.agents", "set"}, {"mas.daemons", "set"}, {"mas.index", "string"}, {"mas.config", "hash"}};

}  // namespace

std::optional<std::string> Facts::config_value(std::string_view name) const {
  for (const auto& [key, value] : config) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string_view expected_type(const Keys& keys, std::string_view key) {
  if (!key.starts_with(keys.prefix())) return {};
  key.remove_prefix(keys.prefix().size());
  for (const auto& rule : kExact) {
    if (key == rule.name) return rule.type;
  }
  for (const auto& rule : kRules) {
    if (key.starts_with(rule.head) && key.ends_with(rule.tail)) return rule.type;
  }
  if (!key.starts_with("agent:")) return {};
  return key.find(":alive:") != std::string_view::npos ? "string" : "hash";
}

}  // namespace mas::ctl
