// `role …`: what agents may do by their roles. The sets `role:{name}:permissions` and `agent:{id}:roles`.
#include <algorithm>

#include "daemons/gatewayd/authz/role.h"
#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "proto/wire/limits.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/json_parts.h"
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
  return Error{Errc::kNotFound, "there is no role '" + role + "'; 'masctl role create' makes one"};
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
ExitCode run_create(Context& context, const PermissionOptions& options) {
  const Keys& keys = context.settings.keys;
  if (auto status = check_permissions(options); !status.ok()) return context.out.fail(status.error());
  auto redis = SyncRedis::open(context.settings);
  if (!redis.ok()) return context.out.fail(redis.error());
  auto watched = (*redis)->ask_one(redis::Command("WATCH", keys.role_permissions(options.role)));
  if (!watched.ok()) return context.out.fail(watched.error());
  auto role = read_role(**redis, keys, options.role);
  if (!role.ok()) return context.out.fail(role.error());
  auto wanted = options.permissions;
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  if (role->exists && role->permissions == wanted) return print_changed(context.out, 0);
  if (role->exists)
    return context.out.fail({Errc::kRefused, "role '" + options.role +
                                                 "' exists with other permissions; 'masctl role grant' and 'revoke' "
                                                 "change it"});
  if (auto status = check_size(*role, options); !status.ok()) return context.out.fail(status.error());
  auto changed = change_set(**redis, set_command("SADD", keys.role_permissions(options.role), wanted), keys,
                            "role.create", options.role, wanted, options.by);
  if (!changed.ok()) return context.out.fail(changed.error());
  return print_changed(context.out, *changed);
}

ExitCode run_grant(Context& context, const PermissionOptions& options) {
  const Keys& keys = context.settings.keys;
  if (auto status = check_permissions(options); !status.ok()) return context.out.fail(status.error());
  auto redis = SyncRedis::open(context.settings);
  if (!redis.ok()) return context.out.fail(redis.error());
  auto role = read_role(**redis, keys, options.role);
  if (!role.ok()) return context.out.fail(role.error());
  if (!role->exists) return context.out.fail(no_such_role(options.role));
  if (auto status = check_size(*role, options); !status.ok()) return context.out.fail(status.error());
  auto changed = change_set(**redis, set_command("SADD", keys.role_permissions(options.role), options.permissions),
                            keys, "role.grant", options.role, options.permissions, options.by);
  if (!changed.ok()) return context.out.fail(changed.error());
  return print_changed(context.out, *changed);
}

// What cannot be read may stand in the set all the same, and must be possible to take out; so it is not checked.
ExitCode run_revoke(Context& context, const PermissionOptions& options) {
  const Keys& keys = context.settings.keys;
  if (auto status = gateway::check_role_name(options.role); !status.ok()) return context.out.fail(status.error());
  auto redis = SyncRedis::open(context.settings);
  if (!redis.ok()) return context.out.fail(redis.error());
  auto changed = change_set(**redis, set_command("SREM", keys.role_permissions(options.role), options.permissions),
                            keys, "role.revoke", options.role, options.permissions, options.by);
  if (!changed.ok()) return context.out.fail(changed.error());
  auto role = read_role(**redis, keys, options.role);
  if (*changed > 0 && role.ok() && !role->exists)
    context.out.note("role '" + options.role + "' has no permission left, and so is no more");
  return print_changed(context.out, *changed);
}

Status check_assignment(const AssignOptions& options) {
  if (auto status = check_agent_id(options.agent); !status.ok()) return status;
  for (const auto& role : options.roles)
    if (auto status = gateway::check_role_name(role); !status.ok()) return status;
  return {};
}

ExitCode run_assign(Context& context, const AssignOptions& options) {
  const Keys& keys = context.settings.keys;
  if (auto status = check_assignment(options); !status.ok()) return context.out.fail(status.error());
  auto redis = SyncRedis::open(context.settings);
  if (!redis.ok()) return context.out.fail(redis.error());
  auto roles = read_roles(**redis, keys, options.roles);
  if (!roles.ok()) return context.out.fail(roles.error());
  for (size_t i = 0; i < options.roles.size(); ++i)
    if (!(*roles)[i].exists) return context.out.fail(no_such_role(options.roles[i]));
  auto changed = change_set(**redis, set_command("SADD", keys.roles(options.agent), options.roles), keys, "role.assign",
                            options.agent, options.roles, options.by);
  if (!changed.ok()) return context.out.fail(changed.error());
  return print_changed(context.out, *changed);
}

ExitCode run_unassign(Context& context, const AssignOptions& options) {
  const Keys& keys = context.settings.keys;
  if (auto status = check_agent_id(options.agent); !status.ok()) return context.out.fail(status.error());
  auto redis = SyncRedis::open(context.settings);
  if (!redis.ok()) return context.out.fail(redis.error());
  auto changed = change_set(**redis, set_command("SREM", keys.roles(options.agent), options.roles), keys,
                            "role.unassign", options.agent, options.roles, options.by);
  if (!changed.ok()) return context.out.fail(changed.error());
  return print_changed(context.out, *changed);
}

void write_role(JsonWriter& json, const std::string& name, const NamedRole& role) {
  json.key("role");
  json_text_or_lossy(json, name);
  write_texts(json, "permissions", role.permissions);
  write_texts(json, "ignored", role.role.unusable());
  json.key("problem");
  if (role.role.problem().empty()) {
    json.null();
  } else {
    json_text_or_lossy(json, role.role.problem());
  }
}

ExitCode run_list(Context& context, const ListOptions&) {
  auto redis = SyncRedis::open(context.settings);
  if (!redis.ok()) return context.out.fail(redis.error());
  auto names = list_roles(**redis, context.settings.keys);
  if (!names.ok()) return context.out.fail(names.error());
  auto roles = read_roles(**redis, context.settings.keys, *names);
  if (!roles.ok()) return context.out.fail(roles.error());
  if (context.out.json()) {
    std::string text;
    JsonWriter json(text);
    json.begin_object().key("roles").begin_array();
    for (size_t i = 0; i < names->size(); ++i) {
      json.begin_object();
      write_role(json, (*names)[i], (*roles)[i]);
      json.end_object();
    }
    json.end_array().end_object();
    context.out.foreign(text);
    return ExitCode::kOk;
  }
  Table table({"ROLE", "PERMISSIONS"});
  for (size_t i = 0; i < names->size(); ++i) table.add({(*names)[i], joined_words((*roles)[i].permissions)});
  context.out.table(table);
  if (context.out.terminal() && table.empty()) context.out.note("there is no role");
  return ExitCode::kOk;
}

ExitCode run_show(Context& context, const ShowOptions& options) {
  const Keys& keys = context.settings.keys;
  if (auto status = gateway::check_role_name(options.role); !status.ok()) return context.out.fail(status.error());
  auto redis = SyncRedis::open(context.settings);
  if (!redis.ok()) return context.out.fail(redis.error());
  auto role = read_role(**redis, keys, options.role);
  if (!role.ok()) return context.out.fail(role.error());
  if (!role->exists) return context.out.fail(no_such_role(options.role));
  std::vector<std::string> agents;
  if (options.agents) {
    auto found = agents_with_role(**redis, keys, options.role);
    if (!found.ok()) return context.out.fail(found.error());
    agents = std::move(*found);
  }
  if (context.out.json()) {
    std::string text;
    JsonWriter json(text);
    json.begin_object();
    write_role(json, options.role, *role);
    if (options.agents) write_texts(json, "agents", agents);
    json.end_object();
    context.out.foreign(text);
    return ExitCode::kOk;
  }
  Table table({"WHAT", "VALUE"});
  for (const auto& permission : role->permissions) table.add({"permission", permission});
  for (const auto& agent : agents) table.add({"agent", agent});
  context.out.table(table);
  for (const auto& what : role->role.unusable())
    context.out.note("permits nothing, as it cannot be read: " + visible(what));
  if (!role->role.problem().empty()) context.out.note("the role permits nothing: " + visible(role->role.problem()));
  return ExitCode::kOk;
}

void add_permission_command(Cli& cli, Command& group, const char* name, const char* description,
                            ExitCode (*run)(Context&, const PermissionOptions&), const char* footer) {
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
                        ExitCode (*run)(Context&, const AssignOptions&)) {
  Command* command = group.add_subcommand(name, description);
  auto& options = cli.leaf<AssignOptions>(*command, run);
  command->add_option("AGENT", options.agent, "The agent")->required()->type_name("");
  command->add_option("ROLE", options.roles, "A role")->required()->type_name("");
  add_by_option(*command, options.by);
}

}  // namespace

void add_role_commands(Cli& cli) {
  Command& group = cli.group("role", "What agents may do by their roles");
  add_permission_command(cli, group, "create", "Make a role with these permissions", run_create,
                         "Examples:\n"
                         "  masctl role create nurse 'send:patient*' send:pharmacy\n"
                         "  masctl role assign alice nurse");
  add_permission_command(cli, group, "grant", "Add permissions to a role", run_grant, "");
  add_permission_command(cli, group, "revoke", "Take permissions from a role, as they stand there", run_revoke, "");
  add_assign_command(cli, group, "assign", "Give an agent roles", run_assign);
  add_assign_command(cli, group, "unassign", "Take roles from an agent", run_unassign);

  Command* list = group.add_subcommand("list", "List the roles with their permissions");
  cli.leaf<ListOptions>(*list, run_list);

  Command* show = group.add_subcommand("show", "Print a role's permissions");
  auto& options = cli.leaf<ShowOptions>(*show, run_show);
  show->add_option("ROLE", options.role, "The role")->required()->type_name("");
  show->add_flag("--agents", options.agents, "Also who has the role; looks through all keys");
}

}  // namespace mas::ctl
