// Which options are not part of the policy, and the digest of the others.
#include "daemons/gatewayd/settings/policy_digest.h"

#include <algorithm>
#include <span>

namespace mas::gateway {
namespace {

// These decide nothing about a message.
constexpr std::string_view kSectionsBeside[] = {"redis", "http", "log", "daemon", "lease", "archive", "turn"};
constexpr std::string_view kOptionsBeside[] = {
    "gateway.master_key_file",
    "dlp.rules_file",  // the digest of the rules in force is added to this one
    "delivery.wait_replicas",  "delivery.wait_timeout", "audit.signing_key",
    "audit.head_interval",     "audit.head_blocks",     "audit.heads_file",
    "audit.retention",         "audit.retired_dir",     "audit.retired_file_size",
};

// Whether there is such a file decides; where it is does not.
constexpr std::string_view kFile = "dlp.encryption_key_file";

bool has(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Digest policy_digest(const common::OptionTable& table) {
  std::string text = "mas.policy.v2";
  for (const auto& option : table.options()) {
    const std::string name = option.name();
    if (has(kSectionsBeside, option.section) || has(kOptionsBeside, name)) continue;
    std::string value = option.text();
    if (name == kFile && !value.empty()) value = "set";
    text.append("\n").append(name).append("=").append(value);
  }
  return sha256(text);
}

}  // namespace mas::gateway
