// The policy's digest, over every option of the gateway.
#include "daemons/gatewayd/settings/settings.h"

#include <algorithm>
#include <set>

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;

namespace {

/// Another value that the option takes.
std::string other_value(const common::Option& option) {
  std::string before = option.text();
  std::vector<std::string> candidates(option.choices.begin(), option.choices.end());
  if (const auto* range = std::get_if<common::IntegerRange>(&option.range))
    candidates = {std::to_string(range->min), std::to_string(range->max)};
  if (const auto* range = std::get_if<common::SizeRange>(&option.range))
    candidates = {common::size_text(range->min), common::size_text(range->max)};
  if (const auto* range = std::get_if<common::DurationRange>(&option.range))
    candidates = {common::duration_text(range->min), common::duration_text(range->max)};
  if (option.type == common::OptionType::kBool) candidates = {"true", "false"};
  if (option.type == common::OptionType::kTables) candidates = {R"([{sender = "x"}])"};
  candidates.emplace_back("x");
  return *std::find_if(candidates.begin(), candidates.end(), [&](const auto& text) { return text != before; });
}

// The gateway's own options that decide nothing about a message.
const std::set<std::string> kDecideNothing = {
    "gateway.master_key_file",
    "lease.ttl",
    "dlp.rules_file",  // the rules in it count; the service adds their digest
    "delivery.wait_replicas",
    "delivery.wait_timeout",
    "audit.signing_key",
    "audit.head_interval",
    "audit.head_blocks",
    "audit.heads_file",
    "audit.retention",
    "audit.retired_dir",
    "audit.retired_file_size",
    "archive.encryption_key_file",
    "archive.encryption_key_id",
    "archive.old_key_file",
    "archive.old_key_id",
    "archive.keep",
    "archive.max_bytes",
    "turn.messages",
    "turn.bytes",
    "turn.cached_agents",
};

struct Plain : common::Settings {
  Plain() : common::Settings(1) {}
};

}  // namespace

TEST_CASE("the policy's digest changes with each option that decides, and with no other") {
  Settings settings;
  common::OptionTable table;
  settings.describe(table);
  Plain plain;
  common::OptionTable of_all_daemons;
  plain.describe(of_all_daemons);
  const Digest before = settings.policy().digest;
  std::set<Digest> seen{before};
  size_t deciding = 0;
  for (auto& option : table.options()) {
    INFO(option.name());
    const bool decides =
        of_all_daemons.find(option.section, option.key) == nullptr && !kDecideNothing.contains(option.name());
    deciding += decides ? 1 : 0;
    const std::string value = option.text();
    REQUIRE(option.set(other_value(option)).ok());
    const Digest after = settings.policy().digest;
    CHECK((after != before) == decides);
    CHECK(seen.insert(after).second == decides);  // and no two changes give the same
    REQUIRE(option.set(value).ok());
    CHECK(settings.policy().digest == before);
  }
  CHECK(deciding + kDecideNothing.size() + of_all_daemons.options().size() == table.options().size());
}
