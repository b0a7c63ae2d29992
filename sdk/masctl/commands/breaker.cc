// `breaker …`: the circuits of targets, and an operator's say in them. The hashes `circuit:{id}`.

#include <algorithm>

#include "daemons/gatewayd/breaker/breaker.h"
#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "proto/wire/events.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/event_line.h"
#include "sdk/masctl/commands/rule_arguments.h"
#include "sdk/masctl/redis/bounded_reads.h"
#include "sdk/masctl/redis/operator_audit.h"
#include "sdk/masctl/redis/transaction.h"

namespace mas::ctl {

namespace {

using gateway::Circuit;
using gateway::CircuitState;

struct ListOptions {
  bool open = false;
};

struct AgentOptions {
  std::string agent;
  std::string by;
};

/// A circuit as it stands; closed where it cannot be read, as the gateways take it.
struct Listed {
  std::string agent;
  Circuit circuit;
  std::string problem;  ///< why it cannot be read; empty: it can
};

std::string_view state_text(const Circuit& circuit) {
  return gateway::kCircuitStateNames[static_cast<size_t>(circuit.state)];
}
std::string_view cause_text(const Circuit& circuit) {
  return gateway::kCircuitCauseNames[static_cast<size_t>(circuit.cause)];
}
std::string when_text(WallMicros time) { return time == 0 ? "-" : utc_seconds(static_cast<double>(time) / 1e6); }

void add_read(redis::Command& command, const Keys& keys, std::string_view agent) {
  const auto& f = gateway::kCircuitFields;
  redis::add_bounded(command, kNames, {"HMGET", keys.circuit(agent), f[0], f[1], f[2], f[3], f[4], f[5]});
}

Listed listed_of(std::string agent, const Value& reply) {
  Listed out{std::move(agent), {}, {}};
  if (reply.is_error()) {
    out.problem = printable(reply.text, 128);
    return out;
  }
  const auto values = reply.values();
  auto circuit = gateway::parse_circuit(values);
  out.circuit = circuit.ok() ? *circuit : gateway::closed_circuit(values);
  if (!circuit.ok()) out.problem = circuit.error().message;
  return out;
}

Result<Listed> read_circuit(SyncRedis& redis, const Keys& keys, const std::string& agent) {
  redis::Command command;
  add_read(command, keys, agent);
  auto replies = redis.ask(command);
  if (!replies.ok()) return replies.error();
  return listed_of(agent, replies->front());
}

Result<std::vector<std::string>> agents_with_circuit(SyncRedis& redis, const Keys& keys) {
  return names_matching(redis, keys.circuit_scan_pattern(), {},
                        [&](std::string_view key) { return keys.agent_id_of_circuit(key); });
}

void write_circuit(JsonWriter& json, const Listed& one) {
  const Circuit& circuit = one.circuit;
  json.begin_object().key("agent");
  json_text_or_lossy(json, one.agent);
  json.key("state").string(state_text(circuit)).key("cause").string(cause_text(circuit));
  json.key("since").number(static_cast<double>(circuit.since) / 1e6);
  json.key("until").number(static_cast<double>(circuit.until) / 1e6);
  json.key("opens").unsigned_integer(circuit.opens).key("generation").unsigned_integer(circuit.generation);
  json_member_or_null(json, "problem", one.problem);
  json.end_object();
}

void write_list(JsonWriter& json, const std::vector<Listed>& circuits) {
  json.begin_object();
  json_list(json, "circuits", circuits, write_circuit);
  json.end_object();
}

void print_list(Output& out, const std::vector<Listed>& circuits, std::string_view if_none) {
  Table table({"AGENT", "STATE", "CAUSE", "SINCE", "UNTIL", "OPENS"});
  for (const Listed& one : circuits)
    table.add({one.agent, std::string(state_text(one.circuit)), std::string(cause_text(one.circuit)),
               when_text(one.circuit.since), when_text(one.circuit.until), std::to_string(one.circuit.opens)});
  out.table(table, if_none);
  for (const Listed& one : circuits)
    if (!one.problem.empty()) out.note(visible(one.agent + ": treated as closed: " + one.problem));
}

Result<Document> run_list(Context& context, const ListOptions& options) {
  auto agents = agents_with_circuit(context.redis, context.keys());
  if (!agents.ok()) return agents.error();
  std::vector<Listed> circuits;
  for (size_t first = 0; first < agents->size(); first += 1000) {
    redis::Command command;
    const size_t end = std::min(agents->size(), first + 1000);
    for (size_t i = first; i < end; ++i) add_read(command, context.keys(), (*agents)[i]);
    auto replies = context.redis.ask(command);
    if (!replies.ok()) return replies.error();
    for (size_t i = first; i < end; ++i) {
      Listed one = listed_of((*agents)[i], (*replies)[i - first]);
      if (!options.open || one.circuit.state != CircuitState::kClosed) circuits.push_back(std::move(one));
    }
  }
  const char* if_none = options.open ? "no circuit is open" : "no circuit has ever opened";
  return Document::of(std::move(circuits), write_list,
                      [if_none](Output& out, const auto& all) { print_list(out, all, if_none); });
}

void print_circuit(Output& out, const Listed& one) {
  const Circuit& circuit = one.circuit;
  Table table({"WHAT", "VALUE"});
  table.add({"state", std::string(state_text(circuit))});
  if (circuit.generation > 0) {
    table.add({"cause", std::string(cause_text(circuit))});
    table.add({"since", when_text(circuit.since)});
    table.add({"until", when_text(circuit.until)});
    table.add({"opens", std::to_string(circuit.opens)});
    table.add({"changes", std::to_string(circuit.generation)});
  }
  out.table(table);
  if (!one.problem.empty()) out.note(visible("treated as closed: " + one.problem));
}

Result<Document> run_show(Context& context, const AgentOptions& options) {
  if (auto status = check_agent_id(options.agent); !status.ok()) return status.error();
  auto one = read_circuit(context.redis, context.keys(), options.agent);
  if (!one.ok()) return one.error();
  return Document::of(std::move(*one), write_circuit, print_circuit);
}

/// The circuit is watched, so that no gateway's change is overwritten unseen. @return whether it was changed.
Result<bool> change(SyncRedis& redis, const Keys& keys, const AgentOptions& options, CircuitState wanted) {
  const std::string key = keys.circuit(options.agent);
  auto watched = redis.ask_one(redis::Command("WATCH", key));
  if (!watched.ok()) return watched.error();
  auto held = read_circuit(redis, keys, options.agent);
  if (!held.ok()) return held.error();
  const bool was_closed = held->circuit.state == CircuitState::kClosed;
  gateway::Breaker breaker;
  breaker.learn(held->circuit, {});
  const bool open = wanted == CircuitState::kForcedOpen;
  open ? breaker.force_open(wall_now()) : breaker.reset(wall_now());
  uint64_t from = 0;
  const bool changed = breaker.take_change(from);
  redis::Command command;
  if (changed) {
    const auto values = gateway::circuit_values(breaker.circuit());
    std::vector<std::string_view> words{"HSET", key};
    for (size_t i = 0; i < values.size(); ++i) words.insert(words.end(), {gateway::kCircuitFields[i], values[i]});
    command.add(words);
    if (was_closed == open)
      command.add("PUBLISH", keys.system_channel(),
                  agent_event(open ? EventType::kCircuitOpened : EventType::kCircuitClosed, options.agent, "operator",
                              wall_now()));
  }
  append_operator_record(command, keys, operator_name(options.by), open ? "breaker.open" : "breaker.reset",
                         options.agent, "was " + std::string(state_text(held->circuit)));
  auto values = transact(redis, command);
  if (!values.ok()) return values.error();
  return changed;
}

Result<Document> run_change(Context& context, const AgentOptions& options, CircuitState wanted) {
  constexpr int kTries = 5;
  if (auto status = check_agent_id(options.agent); !status.ok()) return status.error();
  Result<bool> changed = false;
  for (int i = 0; i < kTries; ++i) {
    changed = change(context.redis, context.settings.keys, options, wanted);
    if (changed.ok() || changed.error().code != Errc::kRefused) break;  // else a gateway was first
  }
  if (!changed.ok()) return changed.error();
  std::string people = "closed";
  if (wanted == CircuitState::kForcedOpen)
    people = *changed ? "open until 'masctl breaker reset'" : "an operator had opened it";
  return Document::line(std::string("{\"changed\":") + (*changed ? "true" : "false") + "}", std::move(people));
}

Result<Document> run_open(Context& context, const AgentOptions& options) {
  return run_change(context, options, CircuitState::kForcedOpen);
}
Result<Document> run_reset(Context& context, const AgentOptions& options) {
  return run_change(context, options, CircuitState::kClosed);
}

void add_change_command(Cli& cli, Command& group, const char* name, const char* description,
                        Result<Document> (*run)(Context&, const AgentOptions&)) {
  Command* command = group.add_subcommand(name, description);
  auto& options = cli.leaf<AgentOptions>(*command, run);
  command->add_option("AGENT", options.agent, "The target")->required()->type_name("");
  add_by_option(*command, options.by);
}

}  // namespace

void add_breaker_commands(Cli& cli) {
  Command& group = cli.group("breaker", "Circuit breakers: targets that get no messages for a while");

  Command* list = group.add_subcommand("list", "List all circuits that have ever changed, with their state");
  auto& listed = cli.leaf<ListOptions>(*list, run_list);
  list->add_flag("--open", listed.open, "Only circuits that are not closed");

  Command* show = group.add_subcommand("show", "Print a target's circuit");
  auto& shown = cli.leaf<AgentOptions>(*show, run_show);
  show->add_option("AGENT", shown.agent, "The target")->required()->type_name("");

  add_change_command(cli, group, "open",
                     "Open a target's circuit: gateways refuse messages to it until 'masctl breaker reset'", run_open);
  add_change_command(cli, group, "reset",
                     "Close a target's circuit, whatever opened it, and reset its count of openings", run_reset);
}

}  // namespace mas::ctl
