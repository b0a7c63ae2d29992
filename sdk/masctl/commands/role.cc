// `role …`: what agents may do by their roles. The sets `role:{name}:permissions` and `agent:{id}:roles`.
#include <algorithm>
#include <optional>

#include "daemons/gatewayd/authz/role.h"
#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "proto/wire/limits.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/rule_arguments.h"
#include "sdk/masctl/redis/operator_audit.h"
#include "sdk/masctl/redis/rules_reader.h"
#include "sdk/masctl/redis/transaction.h"

namespace mas::ctl {

namespace {

struct PermissionOptions {
  std::string role;
  std::vector<std::string> permissions;
  std::string by;
};

struct AssignOptions {
  std::string agent;
  std::vector<std::string> roles;
  std::string by;
};

struct ListOptions {};

struct ShowOptions {
  std::string role;
  bool agents = false;
};

Status check_permissions(const PermissionOptions& options) {
  if (auto status = gateway::check_role_name(options.role); !status.ok()) return status;
  for (const auto& text : options.permissions) {
    auto permission = gateway::parse_permission(text);
    if (!permission.ok()) return permission.error();
    bool send = permission->action == gateway::Permission::Action::kSend;
    if (send)
      if (auto status = check_target_argument(permission->object); !status.ok()) return status.error().in(text);
  }
  return {};
}

/// One set changed, with its record. @return how many members came or went.
Result<size_t> change_set(SyncRedis& redis, redis::Command command, const Keys& keys, std::string_view action,
                          const std::string& object, const std::vector<std::string>& members, const std::string& by) {
  append_operator_record(command, keys, operator_name(by), action, object, joined_words(members));
  auto values = transact(redis, command);
  if (!values.ok()) return values.error();
  return static_cast<size_t>(values->front().integer);
}

Error no_such_role(const std::string& role) {
  return Error{Errc::kNotFound, "there is no role '" + role + "'; 'masctl role create' creates it"};
}

/// @return how the role stands now.
Result<NamedRole> read_role(SyncRedis& redis, const Keys& keys, const std::string& name) {
  auto roles = read_roles(redis, keys, std::span(&name, 1));
  if (!roles.ok()) return roles.error();
  return std::move(roles->front());
}

Status check_size(const NamedRole& role, const PermissionOptions& options) {
  if (role.permissions.size() + options.permissions.size() <= limits::kAclEntries) return {};
  return Error{Errc::kTooLarge, "role '" + options.role + "' would have more than " +
                                    std::to_string(limits::kAclEntries) + " permissions"};
}

// The role is watched, so that of two that create it with different permissions one is told.
Result<Document> run_create(Context& context, const PermissionOptions& options) {
  const Keys& keys = context.settings.keys;
  if (auto status = check_permissions(options); !status.ok()) return status.error();
  auto watched = context.redis.ask_one(redis::Command("WATCH", keys.role_permissions(options.role)));
  if (!watched.ok()) return watched.error();
  auto role = read_role(context.redis, keys, options.role);
  if (!role.ok()) return role.error();
  auto wanted = options.permissions;
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  if (role->exists && role->permissions == wanted) return changed_document(0);
  if (role->exists)
    return Error{Errc::kRefused,
                 "role '" + options.role +
                     "' exists with other permissions; use 'masctl role grant' and 'masctl role revoke' to change it"};
  if (auto status = check_size(*role, options); !status.ok()) return status.error();
  auto changed = change_set(context.redis, set_command("SADD", keys.role_permissions(options.role), wanted), keys,
                            "role.create", options.role, wanted, options.by);
  if (!changed.ok()) return changed.error();
  return changed_document(*changed);
}

Result<Document> run_grant(Context& context, const PermissionOptions& options) {
  const Keys& keys = context.settings.keys;
  if (auto status = check_permissions(options); !status.ok()) return status.error();
  auto role = read_role(context.redis, keys, options.role);
  if (!role.ok()) return role.error();
  if (!role->exists) return no_such_role(options.role);
  if (auto status = check_size(*role, options); !status.ok()) return status.error();
  auto changed =
      change_set(context.redis, set_command("SADD", keys.role_permissions(options.role), options.permissions), keys,
                 "role.grant", options.role, options.permissions, options.by);
  if (!changed.ok()) return changed.error();
  return changed_document(*changed);
}

// What cannot be read may stand in the set all the same, and must be possible to take out; so it is not checked.
Result<Document> run_revoke(Context& context, const PermissionOptions& options) {
  const Keys& keys = context.settings.keys;
  if (auto status = gateway::check_role_name(options.role); !status.ok()) return status.error();
  auto changed =
      change_set(context.redis, set_command("SREM", keys.role_permissions(options.role), options.permissions), keys,
                 "role.revoke", options.role, options.permissions, options.by);
  if (!changed.ok()) return changed.error();
  auto role = read_role(context.redis, keys, options.role);
  if (*changed > 0 && role.ok() && !role->exists)
    context.out.note("role '" + options.role + "' has no permission left and was removed");
  return changed_document(*changed);
}

Status check_assignment(const AssignOptions& options) {
  if (auto status = check_agent_id(options.agent); !status.ok()) return status;
  for (const auto& role : options.roles)
    if (auto status = gateway::check_role_name(role); !status.ok()) return status;
  return {};
}

Result<Document> run_assign(Context& context, const AssignOptions& options) {
  const Keys& keys = context.settings.keys;
  if (auto status = check_assignment(options); !status.ok()) return status.error();
  auto roles = read_roles(context.redis, keys, options.roles);
  if (!roles.ok()) return roles.error();
  for (size_t i = 0; i < options.roles.size(); ++i)
    if (!(*roles)[i].exists) return no_such_role(options.roles[i]);
  auto changed = change_set(context.redis, set_command("SADD", keys.roles(options.agent), options.roles), keys,
                            "role.assign", options.agent, options.roles, options.by);
  if (!changed.ok()) return changed.error();
  return changed_document(*changed);
}

Result<Document> run_unassign(Context& context, const AssignOptions& options) {
  const Keys& keys = context.settings.keys;
  if (auto status = check_agent_id(options.agent); !status.ok()) return status.error();
  auto changed = change_set(context.redis, set_command("SREM", keys.roles(options.agent), options.roles), keys,
                            "role.unassign", options.agent, options.roles, options.by);
  if (!changed.ok()) return changed.error();
  return changed_document(*changed);
}

/// A role by its name, and who has it where that was asked for.
struct Shown {
  std::string name;
  NamedRole role;
  std::optional<std::vector<std::string>> agents;
};

void write_role(JsonWriter& json, const Shown& shown) {
  json.begin_object().key("role");
  json_text_or_lossy(json, shown.name);
  json_texts(json, "permissions", shown.role.permissions);
  json_texts(json, "ignored", shown.role.role.unusable());
  json_member_or_null(json, "problem", shown.role.role.problem());
  if (shown.agents) json_texts(json, "agents", *shown.agents);
  json.end_object();
}

void write_list(JsonWriter& json, const std::vector<Shown>& roles) {
  json.begin_object();
  json_list(json, "roles", roles, write_role);
  json.end_object();
}

void print_list(Output& out, const std::vector<Shown>& roles) {
  Table table({"ROLE", "PERMISSIONS"});
  for (const Shown& shown : roles) table.add({shown.name, joined_words(shown.role.permissions)});
  out.table(table, "there is no role");
}

Result<Document> run_list(Context& context, const ListOptions&) {
  auto names = list_roles(context.redis, context.keys());
  if (!names.ok()) return names.error();
  auto roles = read_roles(context.redis, context.keys(), *names);
  if (!roles.ok()) return roles.error();
  std::vector<Shown> all;
  for (size_t i = 0; i < names->size(); ++i) all.push_back({(*names)[i], std::move((*roles)[i]), {}});
  return Document::of(std::move(all), write_list, print_list);
}

void print_role(Output& out, const Shown& shown) {
  Table table({"WHAT", "VALUE"});
  for (const auto& permission : shown.role.permissions) table.add({"permission", permission});
  for (const auto& agent : shown.agents.value_or(std::vector<std::string>())) table.add({"agent", agent});
  out.table(table);
  const gateway::Role& role = shown.role.role;
  for (const auto& what : role.unusable()) out.note("permits nothing, because it cannot be read: " + visible(what));
  if (!role.problem().empty()) out.note("the role permits nothing: " + visible(role.problem()));
}

Result<Document> run_show(Context& context, const ShowOptions& options) {
  if (auto status = gateway::check_role_name(options.role); !status.ok()) return status.error();
  auto role = read_role(context.redis, context.keys(), options.role);
  if (!role.ok()) return role.error();
  if (!role->exists) return no_such_role(options.role);
  Shown shown{options.role, std::move(*role), {}};
  if (options.agents) {
    auto agents = agents_with_role(context.redis, context.keys(), options.role);
    if (!agents.ok()) return agents.error();
    shown.agents = std::move(*agents);
  }
  return Document::of(std::move(shown), write_role, print_role);
}

void add_permission_command(Cli& cli, Command& group, const char* name, const char* description,
                            Result<Document> (*run)(Context&, const PermissionOptions&), const char* footer) {
  Command* command = group.add_subcommand(name, description);
  auto& options = cli.leaf<PermissionOptions>(*command, run);
  command->add_option("ROLE", options.role, "The role's name")->required()->type_name("");
  command
      ->add_option("PERMISSION", options.permissions,
                   "'*', 'send:TARGET', 'manage:WHAT' or 'priority:LANE'; TARGET and WHAT may end in '*' (quote it)")
      ->required()
      ->type_name("");
  add_by_option(*command, options.by);
  command->footer(footer);
}

void add_assign_command(Cli& cli, Command& group, const char* name, const char* description,
                        Result<Document> (*run)(Context&, const AssignOptions&)) {
  Command* command = group.add_subcommand(name, description);
  auto& options = cli.leaf<AssignOptions>(*command, run);
  command->add_option("AGENT", options.agent, "The agent")->required()->type_name("");
  command->add_option("ROLE", options.roles, "A role")->required()->type_name("");
  add_by_option(*command, options.by);
}

}  // namespace

void add_role_commands(Cli& cli) {
  Command& group = cli.group("role", "Roles: named sets of permissions of agents");
  add_permission_command(cli, group, "create", "Create a role with these permissions", run_create,
                         "Examples:\n"
                         "  masctl role create nurse 'send:patient*' send:pharmacy\n"
                         "  masctl role assign alice nurse");
  add_permission_command(cli, group, "grant", "Add permissions to a role", run_grant, "");
  add_permission_command(cli, group, "revoke",
                         "Remove permissions from a role; a permission is given exactly as listed", run_revoke, "");
  add_assign_command(cli, group, "assign", "Give an agent roles", run_assign);
  add_assign_command(cli, group, "unassign", "Remove roles from an agent", run_unassign);

  Command* list = group.add_subcommand("list", "List the roles with their permissions");
  cli.leaf<ListOptions>(*list, run_list);

  Command* show = group.add_subcommand("show", "Print a role's permissions");
  auto& options = cli.leaf<ShowOptions>(*show, run_show);
  show->add_option("ROLE", options.role, "The role")->required()->type_name("");
  show->add_flag("--agents", options.agents, "Also list the agents that have the role; scans all keys");
}

}  // namespace mas::ctl
