// Permissions: parsing, and a role made of them.
#include "daemons/gatewayd/authz/role.h"

#include <algorithm>

#include "proto/base/ids.h"
#include "proto/wire/limits.h"

namespace mas::gateway {

namespace {

constexpr std::string_view kSendPrefix = "send:";
constexpr std::string_view kManagePrefix = "manage:";
constexpr std::string_view kPriorityPrefix = "priority:";

/// Takes `prefix` off `text`. @return whether it stood there.
bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

Result<Permission> parse_permission(std::string_view text) {
  if (text == "*") return Permission{Permission::Action::kEverything, {}};
  std::string_view object = text;
  if (take_prefix(object, kSendPrefix) && is_target_pattern(object))
    return Permission{Permission::Action::kSend, object};
  object = text;
  if (take_prefix(object, kManagePrefix) && is_target_pattern(object))
    return Permission{Permission::Action::kManage, object};
  object = text;
  if (take_prefix(object, kPriorityPrefix) && parse_lane(object))
    return Permission{Permission::Action::kPriority, object};
  return Error{Errc::kInvalidArgument, "permission '" + printable(text) +
                                           "' cannot be read; expected *, send:TARGET or manage:WHAT, where * may "
                                           "stand at the end, such as send:patient*, or priority:LANE"};
}

Status check_role_name(std::string_view name) {
  if (check_agent_id(name).ok()) return {};
  return Error{Errc::kInvalidArgument, "role '" + printable(name) +
                                           "' is not allowed; expected 1 to 128 of [A-Za-z0-9._-], starting with a "
                                           "letter or digit"};
}

Role Role::parse(std::string_view name, std::span<const std::string_view> permissions) {
  if (permissions.size() > limits::kAclEntries)
    return unreadable(name, "has " + std::to_string(permissions.size()) + " permissions, at most " +
                                std::to_string(limits::kAclEntries) + " are read");
  Role role;
  role.name_ = name;
  std::vector<std::string_view> send, manage;
  for (auto text : permissions) {
    auto permission = parse_permission(text);
    if (!permission) {
      role.unusable_.emplace_back(text);
    } else if (permission->action == Permission::Action::kEverything) {
      role.everything_ = true;
      role.highest_lane_ = kLanes.front();
    } else if (permission->action == Permission::Action::kPriority) {
      Lane lane = *parse_lane(permission->object);
      role.highest_lane_ = std::min(role.highest_lane_.value_or(lane), lane);
    } else {
      (permission->action == Permission::Action::kSend ? send : manage).push_back(permission->object);
    }
  }
  role.send_ = TargetSet::parse(send);
  role.manage_ = TargetSet::parse(manage);
  std::sort(role.unusable_.begin(), role.unusable_.end());
  return role;
}

Role Role::unreadable(std::string_view name, std::string_view problem) {
  Role role;
  role.name_ = name;
  role.problem_ = problem;
  return role;
}

}  // namespace mas::gateway
