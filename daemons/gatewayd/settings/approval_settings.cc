// Every option of human approval with its range and help.
#include "daemons/gatewayd/settings/approval_settings.h"

#include <algorithm>

namespace mas::gateway {

void ApprovalSettings::describe(common::OptionTable& table) {
  using namespace std::chrono_literals;
  using common::Apply;
  table.section("approval",
                "Messages that wait until a person grants or denies them (docs/GATEWAY.md, Human approval). Their "
                "senders get HELD.");
  table.choice("mode", mode, kModeNames, Apply::kReload,
               "enforce: a message that a rule matches is held. shadow: it is delivered, and that it would have been "
               "held is counted and audited. off: no rule is evaluated; messages that were held before can still be "
               "granted and denied.");
  table.tables(
      "rule", rules, kApprovalRuleKeys, Apply::kReload,
      "Rules; in a file, each is a table [[approval.rule]]. Everything that a rule names must match, and the first "
      "rule that matches holds the message. sender, target and type are exact or end with *; dlp_type is a "
      "type that data-loss prevention must have found in the payload.");
  table.duration("expires", expires, {1s, 8760h}, Apply::kReload,
                 "Time that a message is held. After that it is removed and audited as EXPIRED.");
  table.integer("held_max", held_max, {1, 10'000'000}, Apply::kReload,
                "Maximum number of messages that are held. Past it, a message that a rule matches is refused as "
                "UNAVAILABLE.");
  table.size("held_max_bytes", held_max_bytes, {64 * 1024, 1ull << 40}, Apply::kReload,
             "Maximum memory in Redis of the messages that are held. Past it, the same happens as past held_max.");
}

void ApprovalSettings::check(common::Problems& problems, Mode dlp_mode, const dlp::Rules* dlp_rules) const {
  auto parsed = ApprovalRules::parse(rules);
  if (!parsed) return problems.push_back("approval.rule: " + parsed.error().message);
  if (mode != Mode::kOff && rules.empty()) problems.push_back("approval.mode: there is no [[approval.rule]]");
  for (size_t i = 0; i < parsed->all().size(); ++i) {
    const std::string& type = parsed->all()[i].dlp_type;
    if (type.empty()) continue;
    const std::string where = "approval.rule: rule " + std::to_string(i + 1) + ": dlp_type " + type;
    if (mode != Mode::kOff && dlp_mode == Mode::kOff) problems.push_back(where + " needs a dlp.mode other than off");
    if (dlp_rules == nullptr) continue;
    const auto& types = dlp_rules->types;
    if (std::none_of(types.begin(), types.end(), [&type](const auto& known) { return known.name == type; }))
      problems.push_back(where + " is not a type of data-loss prevention");
  }
}

void ApprovalSettings::set_policy(Policy& policy) const {
  policy.approval = mode;
  policy.held_max = {static_cast<uint64_t>(held_max), held_max_bytes};
  auto parsed = ApprovalRules::parse(rules);  // check() has told what is wrong
  if (parsed) policy.approval_rules = std::make_shared<const ApprovalRules>(std::move(*parsed));
}

}  // namespace mas::gateway
