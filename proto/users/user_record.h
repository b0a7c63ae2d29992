// The record of one Redis user that MAS made: a field of the hash `mas.users`. The records are the truth; the users in
// Redis are written from them, again and again, because Redis replicates no ACL users.
//
//   mas.users   agent.bob → {"role":"agent","id":"bob","modes":"both","discover":true,"capabilities":["chat"],
//                            "state":"active","password":"64 hex digits","password_old":"…","password_old_until":1,
//                            "created_at":1,"expires_at":0,"version":1}
//
// Passwords are SHA-256 digests, as Redis takes them; times are whole seconds since 1970, 0 for none. Readers ignore
// members that they do not know.
// Failure: kMalformed with the member and what was expected, never a password. A user whose record cannot be read must
// not exist.
// Threading: values. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/wire/digest.h"

namespace mas {

/// What a user is for.
enum class UserRole : uint8_t { kAgent, kGatewayd, kRegistryd, kHealthd, kAdmin, kOperator, kAuditor };
inline constexpr size_t kUserRoles = 7;

/// Which ways of sending and receiving an agent's user is for.
enum class AgentModes : uint8_t { kGateway, kPeer, kBoth };

enum class UserState : uint8_t { kActive, kSuspended, kRevoked };

/// @return the name, as in the record: "agent", "gateway", "active" and so on.
std::string_view user_role_text(UserRole role);
std::string_view agent_modes_text(AgentModes modes);
std::string_view user_state_text(UserState state);
std::optional<UserRole> parse_user_role(std::string_view text);
std::optional<AgentModes> parse_agent_modes(std::string_view text);

struct UserRecord {
  UserRole role = UserRole::kAgent;
  std::string id;                         ///< the agent's, or a name
  AgentModes modes = AgentModes::kBoth;   ///< of an agent
  bool discover = true;                   ///< an agent may find others
  std::vector<std::string> capabilities;  ///< patterns of what an agent may claim
  UserState state = UserState::kActive;
  Digest password{};
  std::optional<Digest> password_old;  ///< still good until password_old_until
  int64_t password_old_until = 0;
  int64_t created_at = 0;
  int64_t expires_at = 0;  ///< 0: never
  uint64_t version = 1;    ///< counts the changes

  bool operator==(const UserRecord&) const = default;
};

/// The field of a record: `agent.bob`, `gatewayd.gw1`. No two records have the same one.
std::string user_field(UserRole role, std::string_view id);

/// @param field the name of the field, which must be the record's own.
Result<UserRecord> parse_user_record(std::string_view field, std::string_view json);
std::string user_record_json(const UserRecord& record);

/// @return whether the user may log in at that time (seconds since 1970).
bool user_is_good(const UserRecord& record, int64_t now);

/// @return when the passwords that are good, or the user's existence, change next by time alone; 0: never.
int64_t user_changes_at(const UserRecord& record, int64_t now);

}  // namespace mas
