// What operators write into Redis for the gateway to judge by. The input: a line with a target, a line with the three
// fields of limits (tab-separated), the bytes of a limiter state, then lines that are the members of a set.
#include <vector>

#include "daemons/gatewayd/authz/authorise.h"
#include "daemons/gatewayd/limits/limiter.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;
using namespace mas::gateway;

namespace {

std::string_view take_until(std::string_view& text, char end) {
  auto part = text.substr(0, text.find(end));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return part;
}

/// What TargetSet promises, the slow way.
bool matches(std::string_view pattern, std::string_view target) {
  if (!is_target_pattern(pattern)) return false;
  if (!pattern.ends_with('*')) return pattern == target;
  return target.starts_with(pattern.substr(0, pattern.size() - 1));
}

void check_rules(std::string_view target, const std::vector<std::string_view>& members) {
  bool any = false, odd = false;
  for (auto member : members) {
    any = any || matches(member, target);
    odd = odd || !is_target_pattern(member);
  }
  auto set = TargetSet::parse(members);
  auto found = set.find(target);
  require(found.has_value() == any, "a target is found exactly when a member matches it");
  require(!found || matches(*found, target), "the member that is told matches");

  auto block_rules = parse_rules({}, members, {});
  auto blocked = authorise(target, block_rules, {}, DefaultRule::kAllowWithoutAny);
  require(blocked.allowed == !(any || odd), "a block list blocks what it matches, and everything when it is odd");
  auto allow_rules = parse_rules(members, {}, {});
  auto allowed = authorise(target, allow_rules, {}, DefaultRule::kDeny);
  require(allowed.allowed == any, "an allow list allows what it matches and nothing else");
  require(!allowed.describe().empty() && !blocked.describe().empty(), "a verdict can be told");

  auto role = Role::parse("r", members);
  const Role* roles[] = {&role};
  SenderRules no_rules;
  auto by_role = authorise(target, no_rules, roles, DefaultRule::kDeny);
  bool permitted = false;
  for (auto member : members) {
    auto permission = parse_permission(member);
    if (!permission) continue;
    permitted = permitted || permission->action == Permission::Action::kEverything ||
                (permission->action == Permission::Action::kSend && matches(permission->object, target));
  }
  require(by_role.allowed == permitted, "a role permits what its permissions say");
}

void check_limits(std::string_view fields, std::string_view state_bytes) {
  std::array<std::optional<std::string_view>, kLimitFields.size()> values;
  for (auto& value : values)
    if (!fields.empty()) value = take_until(fields, '\t');
  auto settings = parse_limits(values, {});
  auto state = LimiterState::decode(state_bytes);
  if (state.ok()) {
    std::string again;
    state->encode(again);
    require(again == state_bytes, "a state survives being written");
  }
  if (!settings.ok() || !state.ok()) return;
  WallMicros now = state->updated;
  TakeResult result = take(*state, *settings, now);
  if (result.allowed) return;
  require(result.retry_after_micros > 0 && result.retry_after_ms() <= 3'600'000, "a wait is at most an hour");
  LimiterState earlier = *state;
  auto wait = static_cast<WallMicros>(result.retry_after_micros);
  require(!take(earlier, *settings, now + wait - 1).allowed, "refused just before");
  require(take(*state, *settings, now + wait).allowed, "allowed at it");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto text = text_of(data, size);
  auto target = take_until(text, '\n');
  auto fields = take_until(text, '\n');
  auto state = text.substr(0, LimiterState::kEncodedBytes);
  text.remove_prefix(state.size());
  check_limits(fields, state);
  std::vector<std::string_view> members;
  while (!text.empty()) members.push_back(take_until(text, '\n'));
  check_rules(target, members);
  return 0;
}
