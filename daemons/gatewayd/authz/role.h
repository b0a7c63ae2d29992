// A role: a name and what it permits, from the set `role:{name}:permissions`.
//
// A permission is `*` (everything), `send:TARGET`, `manage:WHAT` or `priority:LANE`; TARGET and WHAT are exact, a
// prefix with
// `*` at its end, or `*`. `send` is about messages; `manage` about administrative actions; `priority` about the lanes
// that messages may take, LANE and every less urgent one.
// Failure is closed: a permission that cannot be read permits nothing and is listed; a set that is past
// limits::kAclEntries or could not be read makes a role that permits nothing and has a problem.
// Threading: immutable after construction; share freely.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/authz/target_set.h"
#include "proto/base/result.h"
#include "proto/wire/lane.h"

namespace mas::gateway {

struct Permission {
  enum class Action : uint8_t { kEverything, kSend, kManage, kPriority };
  Action action;
  std::string_view
      object;  ///< `*`, `patient*`, `bob`, `high`; a view of the text that was parsed; empty for kEverything
};

/// @return kInvalidArgument that says what a permission looks like.
Result<Permission> parse_permission(std::string_view text);

/// @return ok, or kInvalidArgument that says what a role's name looks like: as an agent's id.
Status check_role_name(std::string_view name);

class Role {
 public:
  /// @param permissions the members of the role's set, in any order; empty for a role that does not exist.
  static Role parse(std::string_view name, std::span<const std::string_view> permissions);
  /// A role whose set could not be read (a key of another type, say). @param problem one sentence.
  static Role unreadable(std::string_view name, std::string_view problem);

  const std::string& name() const { return name_; }
  /// @return the object of the permission that lets its holder send to `target`; `everything()` is asked before it.
  std::optional<std::string_view> may_send(std::string_view target) const { return send_.find(target); }
  std::optional<std::string_view> may_manage(std::string_view what) const { return manage_.find(what); }
  /// The most urgent lane that it permits; nullopt: it says nothing about lanes.
  std::optional<Lane> highest_lane() const { return highest_lane_; }
  /// Whether it has the permission `*`.
  bool everything() const { return everything_; }

  /// Permissions that cannot be read, sorted.
  const std::vector<std::string>& unusable() const { return unusable_; }
  /// Why the role cannot be judged by; empty: it can.
  const std::string& problem() const { return problem_; }

 private:
  std::string name_;
  TargetSet send_, manage_;
  std::optional<Lane> highest_lane_;
  bool everything_ = false;
  std::vector<std::string> unusable_;
  std::string problem_;
};

}  // namespace mas::gateway
