// Records of Redis users, member by member.
#include "proto/users/user_record.h"

#include <algorithm>
#include <iterator>
#include <span>

#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "proto/base/numbers.h"
#include "proto/wire/agent_entry.h"
#include "proto/wire/json.h"
#include "proto/wire/limits.h"

namespace mas {
namespace {

constexpr std::string_view kRoles[] = {"agent", "gatewayd", "registryd", "healthd", "admin", "operator", "auditor"};
static_assert(std::size(kRoles) == kUserRoles);
constexpr std::string_view kModes[] = {"gateway", "p2p", "both"};
constexpr std::string_view kStates[] = {"active", "suspended", "revoked"};
constexpr int64_t kMaxTime = 253'402'300'799;  // the end of the year 9999

template <typename Enum>
std::optional<Enum> parse_name(std::span<const std::string_view> names, std::string_view text) {
  auto at = std::find(names.begin(), names.end(), text);
  if (at == names.end()) return std::nullopt;
  return static_cast<Enum>(at - names.begin());
}

/// Says what was expected, and nothing when the token is right.
using MemberReader = std::string (*)(std::string_view token, UserRecord& record);

template <typename Enum>
std::string read_name(std::span<const std::string_view> names, std::string_view token, Enum& ret_value) {
  auto value = parse_name<Enum>(names, token.starts_with('"') ? json_text(token) : "");
  if (value) return ret_value = *value, std::string();
  std::string expected;
  for (auto name : names) expected.append(expected.empty() ? "" : ", ").append(name);
  return expected;
}

std::string read_time(std::string_view token, int64_t& ret_time) {
  auto time = parse_number<int64_t>(token);
  if (!time || *time < 0 || *time > kMaxTime) return "whole seconds since 1970, 0 for none";
  ret_time = *time;
  return {};
}

std::string read_digest(std::string_view token, Digest& ret_digest) {
  auto digest = token.starts_with('"') ? digest_from_hex(json_text(token)) : std::nullopt;
  if (!digest) return "64 hexadecimal digits";
  ret_digest = *digest;
  return {};
}

std::string read_id(std::string_view token, UserRecord& record) {
  record.id = token.starts_with('"') ? json_text(token) : "";
  return check_agent_id(record.id).ok() ? "" : "1-128 of [A-Za-z0-9._-], starting with a letter or digit";
}

std::string read_discover(std::string_view token, UserRecord& record) {
  record.discover = token == "true";
  return record.discover || token == "false" ? "" : "true or false";
}

std::string read_capabilities(std::string_view token, UserRecord& record) {
  auto capabilities = JsonReader::local().string_array(token);
  if (!capabilities) return "an array of capabilities";
  record.capabilities = std::move(*capabilities);
  return {};
}

std::string read_old_password(std::string_view token, UserRecord& record) {
  return read_digest(token, record.password_old.emplace());
}

std::string read_version(std::string_view token, UserRecord& record) {
  record.version = parse_number<uint64_t>(token).value_or(0);
  return record.version > 0 ? "" : "a number from 1";
}

struct Member {
  std::string_view name;
  bool required;
  MemberReader read;
};

constexpr Member kMembers[] = {
    {"role", true, [](std::string_view t, UserRecord& r) { return read_name<UserRole>(kRoles, t, r.role); }},
    {"id", true, read_id},
    {"modes", false, [](std::string_view t, UserRecord& r) { return read_name<AgentModes>(kModes, t, r.modes); }},
    {"discover", false, read_discover},
    {"capabilities", false, read_capabilities},
    {"state", true, [](std::string_view t, UserRecord& r) { return read_name<UserState>(kStates, t, r.state); }},
    {"password", true, [](std::string_view t, UserRecord& r) { return read_digest(t, r.password); }},
    {"password_old", false, read_old_password},
    {"password_old_until", false, [](std::string_view t, UserRecord& r) { return read_time(t, r.password_old_until); }},
    {"created_at", true, [](std::string_view t, UserRecord& r) { return read_time(t, r.created_at); }},
    {"expires_at", true, [](std::string_view t, UserRecord& r) { return read_time(t, r.expires_at); }},
    {"version", true, read_version},
};

Error malformed(std::string_view member, std::string_view expected) {
  return {Errc::kMalformed, "user: " + std::string(member) + ": expected " + std::string(expected)};
}

}  // namespace

std::string_view user_role_text(UserRole role) { return kRoles[static_cast<size_t>(role)]; }
std::string_view agent_modes_text(AgentModes modes) { return kModes[static_cast<size_t>(modes)]; }
std::string_view user_state_text(UserState state) { return kStates[static_cast<size_t>(state)]; }
std::optional<UserRole> parse_user_role(std::string_view text) { return parse_name<UserRole>(kRoles, text); }
std::optional<AgentModes> parse_agent_modes(std::string_view text) { return parse_name<AgentModes>(kModes, text); }

std::string user_field(UserRole role, std::string_view id) {
  return std::string(user_role_text(role)).append(".").append(id);
}

Result<UserRecord> parse_user_record(std::string_view field, std::string_view json) {
  auto members = JsonReader::local().members(json);
  if (!members) return members.error().in("user");
  UserRecord record;
  bool seen[std::size(kMembers)] = {};
  for (const auto& [name, token] : *members) {
    auto member = std::find_if(std::begin(kMembers), std::end(kMembers),
                               [&name = name](const Member& m) { return m.name == name; });
    if (member == std::end(kMembers)) continue;
    if (std::string expected = member->read(token, record); !expected.empty()) return malformed(name, expected);
    seen[member - std::begin(kMembers)] = true;
  }
  for (size_t i = 0; i < std::size(kMembers); ++i)
    if (kMembers[i].required && !seen[i]) return malformed(kMembers[i].name, "the member");
  if (user_field(record.role, record.id) != field) return malformed("role and id", "those in the field's name");
  return record;
}

std::string user_record_json(const UserRecord& record) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("role").string(user_role_text(record.role)).key("id").string(record.id);
  if (record.role == UserRole::kAgent) {
    json.key("modes").string(agent_modes_text(record.modes)).key("discover").boolean(record.discover);
    json.key("capabilities").begin_array();
    for (const auto& capability : record.capabilities) json.string(capability);
    json.end_array();
  }
  json.key("state").string(user_state_text(record.state)).key("password").string(to_hex(record.password));
  if (record.password_old) {
    json.key("password_old").string(to_hex(*record.password_old));
    json.key("password_old_until").integer(record.password_old_until);
  }
  json.key("created_at").integer(record.created_at).key("expires_at").integer(record.expires_at);
  json.key("version").unsigned_integer(record.version).end_object();
  return out;
}

bool user_is_good(const UserRecord& record, int64_t now) {
  return record.state == UserState::kActive && (record.expires_at == 0 || now < record.expires_at);
}

int64_t user_changes_at(const UserRecord& record, int64_t now) {
  if (!user_is_good(record, now)) return 0;
  int64_t at = record.expires_at;
  bool old_ends = record.password_old && record.password_old_until > now;
  if (old_ends && (at == 0 || record.password_old_until < at)) at = record.password_old_until;
  return at;
}

}  // namespace mas
