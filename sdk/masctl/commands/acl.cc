// `acl …`: whom an agent may send to by name. The sets `agent:{id}:allowed_targets` and `…:blocked_targets`.
//
// A command makes all of its changes and their audit records in one transaction, and does nothing where nothing is to
// be done, so that it may be repeated.
#include <algorithm>

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

/// What one sender's list gets or loses.
struct Change {
  std::string agent;
  std::vector<std::string> targets;
};

/// The two lists, as the command line names them.
struct Lists {
  bool allowed = false;
  bool blocked = false;
};

struct ListOptions {
  std::string agent;
  std::vector<std::string> targets;
  std::string by;
};

struct RevokeOptions : ListOptions {
  bool allow_only = false;
  bool block_only = false;
};

struct NetworkOptions {
  std::vector<std::string> agents;
  bool chain = false;
  std::string by;
};

struct PairOptions {
  std::string a, b;
  std::string by;
};

struct OneOptions {
  std::string agent;
  std::string by;
};

Status check_changes(const std::vector<Change>& changes) {
  for (const auto& change : changes) {
    if (auto status = check_agent_id(change.agent); !status.ok()) return status;
    for (const auto& target : change.targets)
      if (auto status = check_target_argument(target); !status.ok()) return status;
  }
  return {};
}

/// A list past its limit would deny its agent everything, so it is not made that long.
Status check_sizes(const std::vector<Change>& changes, const std::vector<AgentRules>& before, Lists lists) {
  for (size_t i = 0; i < changes.size(); ++i) {
    const auto& list = lists.blocked ? before[i].blocked : before[i].allowed;
    auto is_new = [&](const auto& target) { return !std::binary_search(list.begin(), list.end(), target); };
    auto more = static_cast<size_t>(std::count_if(changes[i].targets.begin(), changes[i].targets.end(), is_new));
    if (list.size() + more > limits::kAclEntries)
      return Error{Errc::kTooLarge, "the list of '" + changes[i].agent + "' would have more than " +
                                        std::to_string(limits::kAclEntries) + " members; use a prefix, such as team*"};
  }
  return {};
}

Result<std::vector<AgentRules>> read_all(SyncRedis& redis, const Keys& keys, const std::vector<Change>& changes) {
  redis::Command command;
  for (const auto& change : changes) append_rules_query(command, keys, change.agent);
  auto replies = redis.ask(command);
  if (!replies.ok()) return replies.error();
  std::vector<AgentRules> all;
  for (size_t i = 0; i < changes.size(); ++i) {
    all.push_back(rules_of(std::span(*replies).subspan(3 * i, 3)));
    if (!all.back().all_are_sets)
      return Error{Errc::kRefused, "agent '" + changes[i].agent + "': " + all.back().rules.problem};
  }
  return all;
}

/// Changes the sets, each with its record. @param verb "SADD" or "SREM". @return how many members came or went.
Result<size_t> apply(SyncRedis& redis, const Keys& keys, const std::vector<Change>& changes, Lists lists,
                     const std::string& verb, std::string_view action, const std::string& by) {
  redis::Command command;
  for (const auto& change : changes) {
    if (lists.allowed) command.add(set_command(verb, keys.allowed_targets(change.agent), change.targets));
    if (lists.blocked) command.add(set_command(verb, keys.blocked_targets(change.agent), change.targets));
    append_operator_record(command, keys, operator_name(by), action, change.agent, joined_words(change.targets));
  }
  auto values = transact(redis, command);
  if (!values.ok()) return values.error();
  size_t changed = 0;
  for (const auto& value : *values)
    if (value.type == redis::Reply::Type::kInteger) changed += static_cast<size_t>(value.integer);
  return changed;
}

/// Says which of the targets that were allowed stay blocked, since the block list wins.
void warn_of_blocks(Output& out, const std::vector<Change>& changes, const std::vector<AgentRules>& before) {
  for (size_t i = 0; i < changes.size(); ++i)
    for (const auto& target : changes[i].targets)
      if (auto by = before[i].rules.blocked.find(target))
        out.note("'" + target + "' is still blocked for '" + changes[i].agent + "' by '" + visible(*by) +
                 "'; 'masctl acl revoke --block' removes the block");
}

Result<Document> add_to_lists(Context& context, const std::vector<Change>& changes, Lists lists,
                              std::string_view action, const std::string& by) {
  if (auto status = check_changes(changes); !status.ok()) return status.error();
  auto before = read_all(context.redis, context.settings.keys, changes);
  if (!before.ok()) return before.error();
  if (auto status = check_sizes(changes, *before, lists); !status.ok()) return status.error();
  auto changed = apply(context.redis, context.settings.keys, changes, lists, "SADD", action, by);
  if (!changed.ok()) return changed.error();
  if (lists.allowed) warn_of_blocks(context.out, changes, *before);
  return changed_document(*changed);
}

Result<Document> run_allow(Context& context, const ListOptions& options) {
  return add_to_lists(context, {{options.agent, options.targets}}, {.allowed = true}, "acl.allow", options.by);
}

Result<Document> run_block(Context& context, const ListOptions& options) {
  return add_to_lists(context, {{options.agent, options.targets}}, {.blocked = true}, "acl.block", options.by);
}

Result<Document> run_revoke(Context& context, const RevokeOptions& options) {
  // What cannot be read may stand in a list all the same, and must be possible to take out; so targets are not checked.
  if (auto status = check_agent_id(options.agent); !status.ok()) return status.error();
  Lists lists{.allowed = !options.block_only, .blocked = !options.allow_only};
  const char* action = options.allow_only ? "acl.revoke.allow" : options.block_only ? "acl.revoke.block" : "acl.revoke";
  auto changed = apply(context.redis, context.settings.keys, {{options.agent, options.targets}}, lists, "SREM", action,
                       options.by);
  if (!changed.ok()) return changed.error();
  return changed_document(*changed);
}

Result<Document> run_bidirectional(Context& context, const PairOptions& options) {
  return add_to_lists(context, {{options.a, {options.b}}, {options.b, {options.a}}}, {.allowed = true}, "acl.allow",
                      options.by);
}

Result<Document> run_network(Context& context, const NetworkOptions& options) {
  std::vector<Change> changes;
  const auto& agents = options.agents;
  if (agents.size() < 2) return Error{Errc::kInvalidArgument, "a network has at least two agents"};
  for (const auto& agent : agents)
    if (auto status = check_agent_id(agent); !status.ok()) return status.error();
  for (size_t i = 0; i < agents.size(); ++i) {
    Change change{agents[i], {}};
    if (options.chain && i + 1 < agents.size()) change.targets = {agents[i + 1]};
    if (!options.chain)
      std::copy_if(agents.begin(), agents.end(), std::back_inserter(change.targets),
                   [&](const auto& other) { return other != agents[i]; });
    if (!change.targets.empty()) changes.push_back(std::move(change));
  }
  return add_to_lists(context, changes, {.allowed = true}, "acl.allow", options.by);
}

Result<Document> run_wildcard(Context& context, const OneOptions& options) {
  return add_to_lists(context, {{options.agent, {"*"}}}, {.allowed = true}, "acl.allow", options.by);
}

/// An agent's rules, as `show` tells them.
struct Shown {
  std::string agent;
  AgentRules rules;
};

void write_rules(JsonWriter& json, const Shown& shown) {
  json.begin_object().key("agent");
  json_text_or_lossy(json, shown.agent);
  json_texts(json, "allowed_targets", shown.rules.allowed);
  json_texts(json, "blocked_targets", shown.rules.blocked);
  json_texts(json, "roles", shown.rules.roles);
  json_texts(json, "ignored", shown.rules.rules.unusable);
  json_member_or_null(json, "problem", shown.rules.rules.problem);
  json.end_object();
}

void print_rules(Output& out, const Shown& shown) {
  const AgentRules& rules = shown.rules;
  Table table({"LIST", "MEMBER"});
  for (const auto& target : rules.blocked) table.add({"blocked", target});
  for (const auto& target : rules.allowed) table.add({"allowed", target});
  for (const auto& role : rules.roles) table.add({"role", role});
  out.table(table, "no rules: the profile decides; development allows, production denies");
  for (const auto& what : rules.rules.unusable) out.note("ignored by the gateway: " + visible(what));
  if (!rules.rules.problem.empty())
    out.note("every message is denied to '" + shown.agent + "': " + visible(rules.rules.problem));
}

Result<Document> run_show(Context& context, const OneOptions& options) {
  if (auto status = check_agent_id(options.agent); !status.ok()) return status.error();
  auto rules = read_rules(context.redis, context.keys(), options.agent);
  if (!rules.ok()) return rules.error();
  return Document::of(Shown{options.agent, std::move(*rules)}, write_rules, print_rules);
}

constexpr const char* kTargetHelp = "A target: an agent's id, a prefix such as 'team*', or '*' (quote it)";

template <typename Options>
Command& add_list_command(Cli& cli, Command& acl, const char* name, const char* description,
                          Result<Document> (*run)(Context&, const Options&), Options** ret_options) {
  Command* command = acl.add_subcommand(name, description);
  auto& options = cli.leaf<Options>(*command, run);
  command->add_option("AGENT", options.agent, "The sender")->required()->type_name("");
  command->add_option("TARGET", options.targets, kTargetHelp)->required()->type_name("");
  add_by_option(*command, options.by);
  *ret_options = &options;
  return *command;
}

void add_conveniences(Cli& cli, Command& acl) {
  Command* both = acl.add_subcommand("allow-bidirectional", "Let two agents send to each other");
  auto& pair = cli.leaf<PairOptions>(*both, run_bidirectional);
  both->add_option("A", pair.a, "The first agent")->required()->type_name("");
  both->add_option("B", pair.b, "The second agent")->required()->type_name("");
  add_by_option(*both, pair.by);

  Command* network = acl.add_subcommand("allow-network", "Let each of several agents send to all others");
  auto& net = cli.leaf<NetworkOptions>(*network, run_network);
  network->add_option("AGENT", net.agents, "The agents, two or more")->required()->type_name("");
  network->add_flag("--chain", net.chain, "Let each agent send only to the next one");
  add_by_option(*network, net.by);

  ListOptions* cast = nullptr;
  add_list_command(cli, acl, "allow-broadcast", "Let an agent send to several targets, but not they to it", run_allow,
                   &cast);

  Command* wildcard =
      acl.add_subcommand("allow-wildcard", "Let an agent send to every agent that is not on its block list");
  auto& one = cli.leaf<OneOptions>(*wildcard, run_wildcard);
  wildcard->add_option("AGENT", one.agent, "The sender")->required()->type_name("");
  add_by_option(*wildcard, one.by);
}

}  // namespace

void add_acl_commands(Cli& cli) {
  Command& acl = cli.group("acl", "Allow and block lists: which targets an agent may send to through the gateway");

  ListOptions* list = nullptr;
  Command& allow = add_list_command(cli, acl, "allow", "Add targets to an agent's allow list", run_allow, &list);
  allow.footer(
      "Examples:\n"
      "  masctl acl allow planner solver 'worker-*'\n"
      "  masctl explain planner worker-7");
  add_list_command(cli, acl, "block", "Add targets to an agent's block list, which overrides every other rule",
                   run_block, &list);

  RevokeOptions* revoke_options = nullptr;
  Command& revoke =
      add_list_command(cli, acl, "revoke", "Remove targets from both lists; a target is given exactly as listed",
                       run_revoke, &revoke_options);
  auto* allow_only = revoke.add_flag("--allow", revoke_options->allow_only, "Only from the allow list");
  revoke.add_flag("--block", revoke_options->block_only, "Only from the block list")->excludes(allow_only);

  Command* show = acl.add_subcommand("show", "Print an agent's lists and roles");
  auto& shown = cli.leaf<OneOptions>(*show, run_show);
  show->add_option("AGENT", shown.agent, "The sender")->required()->type_name("");

  add_conveniences(cli, acl);
}

}  // namespace mas::ctl
