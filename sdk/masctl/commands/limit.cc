// `limit …`: how much an agent may send, and how often it is tried. The hash `ratelimit:{id}:limits`.

#include "daemons/gatewayd/limits/limit_settings.h"
#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/rule_arguments.h"
#include "sdk/masctl/redis/bounded_reads.h"
#include "sdk/masctl/redis/operator_audit.h"
#include "sdk/masctl/redis/transaction.h"

namespace mas::ctl {

namespace {

constexpr const auto& kFields = gateway::kOwnLimitFields;
constexpr size_t kAttempts = kFields.size() - 1;

struct SetOptions {
  std::string agent;
  std::array<std::string, kFields.size()> values;  ///< in the order of kFields; empty: not given
  std::string by;
};

struct AgentOptions {
  std::string agent;
  std::string by;
};

Status check_set(const SetOptions& options) {
  if (auto status = check_agent_id(options.agent); !status.ok()) return status;
  bool any = false;
  for (size_t i = 0; i < options.values.size(); ++i) {
    if (options.values[i].empty()) continue;
    any = true;
    if (i == kAttempts) {
      if (auto attempts = gateway::parse_attempts(options.values[i]); !attempts)
        return Error{Errc::kInvalidArgument, attempts.error().message};
      continue;
    }
    if (!gateway::parse_rate(options.values[i], gateway::kLimitMost[i]))
      return Error{Errc::kInvalidArgument, std::string(kFields[i]) + " '" + printable(options.values[i]) +
                                               "' is not a whole number from 0 (no limit) to " +
                                               std::to_string(gateway::kLimitMost[i])};
  }
  if (any) return {};
  return Error{
      Errc::kInvalidArgument,
      "nothing to set; expected --per-minute, --per-hour, --burst, --bytes-per-minute, --burst-bytes or --attempts"};
}

Result<Document> run_set(Context& context, const SetOptions& options) {
  const Keys& keys = context.settings.keys;
  if (auto status = check_set(options); !status.ok()) return status.error();
  std::vector<std::string> args = {"HSET", keys.limits(options.agent)};
  std::vector<std::string> words;
  for (size_t i = 0; i < options.values.size(); ++i) {
    if (options.values[i].empty()) continue;
    args.emplace_back(kFields[i]);
    args.push_back(options.values[i]);
    words.push_back(std::string(kFields[i]) + "=" + options.values[i]);
  }
  redis::Command command = redis::Command::of(args);
  append_operator_record(command, keys, operator_name(options.by), "limit.set", options.agent, joined_words(words));
  auto values = transact(context.redis, command);
  if (!values.ok()) return values.error();
  return Document::line("{\"written\":" + std::to_string(words.size()) + "}", joined_words(words) + " written");
}

Result<Document> run_clear(Context& context, const AgentOptions& options) {
  const Keys& keys = context.settings.keys;
  if (auto status = check_agent_id(options.agent); !status.ok()) return status.error();
  redis::Command command("DEL", keys.limits(options.agent));
  append_operator_record(command, keys, operator_name(options.by), "limit.clear", options.agent, "");
  auto values = transact(context.redis, command);
  if (!values.ok()) return values.error();
  bool existed = values->front().integer > 0;
  return Document::line(
      std::string("{\"existed\":") + (existed ? "true" : "false") + "}",
      existed ? "limits removed: the gateway's defaults apply" : "the agent had no limits of its own");
}

/// An agent's limits as they stand, and what is wrong with them.
struct Shown {
  std::string agent;
  Value reply;                                   // to HMGET
  std::string limits_problem, attempts_problem;  // empty: they can be read
};

void write_limits(JsonWriter& json, const Shown& shown) {
  const auto values = shown.reply.values();
  json.begin_object().key("agent").string(shown.agent);
  for (size_t i = 0; i < values.size(); ++i) {
    json.key(kFields[i]);
    const auto& value = values[i];
    auto rate = value ? gateway::parse_rate(*value, gateway::kMaxByteRate) : std::nullopt;
    if (rate) {
      json.unsigned_integer(*rate);
    } else if (value) {
      json_text_or_lossy(json, *value);
    } else {
      json.null();
    }
  }
  json_member_or_null(json, "problem", shown.limits_problem.empty() ? shown.attempts_problem : shown.limits_problem);
  json.end_object();
}

void print_limits(Output& out, const Shown& shown) {
  Table table({"LIMIT", "VALUE"});
  const auto values = shown.reply.values();
  for (size_t i = 0; i < values.size(); ++i)
    table.add({std::string(kFields[i]), std::string(values[i].value_or("the gateway's default"))});
  out.table(table);
  if (!shown.limits_problem.empty())
    out.note("every message of '" + shown.agent + "' is refused: " + shown.limits_problem);
  if (!shown.attempts_problem.empty()) out.note("the gateway's default applies: " + shown.attempts_problem);
}

Result<Document> run_show(Context& context, const AgentOptions& options) {
  if (auto status = check_agent_id(options.agent); !status.ok()) return status.error();
  auto reply =
      context.redis.ask_one(redis::bounded(kNames, {"HMGET", context.keys().limits(options.agent), kFields[0],
                                                    kFields[1], kFields[2], kFields[3], kFields[4], kFields[5]}));
  if (!reply.ok()) return reply.error();
  auto own = gateway::read_own_limits(reply->values(), {});
  Shown shown{options.agent, std::move(*reply), {}, {}};
  if (!own.limits.ok()) shown.limits_problem = own.limits.error().message;
  if (!own.attempts.ok()) shown.attempts_problem = own.attempts.error().message;
  return Document::of(std::move(shown), write_limits, print_limits);
}

}  // namespace

void add_limit_commands(Cli& cli) {
  Command& group = cli.group("limit", "Rate limits and delivery attempts of an agent in gateway mode");

  Command* set = group.add_subcommand("set", "Set an agent's own limits; limits that are not given stay unchanged");
  auto& options = cli.leaf<SetOptions>(*set, run_set);
  set->add_option("AGENT", options.agent, "The sender")->required()->type_name("");
  set->add_option("--per-minute", options.values[0], "Messages per minute; 0: no limit")->type_name("N");
  set->add_option("--per-hour", options.values[1], "Messages per hour; 0: no limit")->type_name("N");
  set->add_option("--burst", options.values[2],
                  "Messages that the agent may send at once. Default: as many as its rate")
      ->type_name("N");
  set->add_option("--bytes-per-minute", options.values[3], "Bytes of envelopes per minute; 0: no limit")
      ->type_name("N");
  set->add_option("--burst-bytes", options.values[4],
                  "Bytes that the agent may send at once. Default: as many as in a minute")
      ->type_name("N");
  set->add_option("--attempts", options.values[kAttempts],
                  "Maximum deliveries of a message to this agent whose handler fails, including the first")
      ->type_name("N");
  add_by_option(*set, options.by);
  set->footer(
      "Examples:\n"
      "  masctl limit set crawler --per-minute 600 --burst 50\n"
      "  masctl limit set trusted --per-minute 0 --per-hour 0\n"
      "  masctl limit set importer --attempts 20");

  Command* show = group.add_subcommand("show", "Print an agent's own limits");
  auto& shown = cli.leaf<AgentOptions>(*show, run_show);
  show->add_option("AGENT", shown.agent, "The sender")->required()->type_name("");

  Command* clear = group.add_subcommand("clear", "Remove an agent's own limits, so that the defaults apply");
  auto& cleared = cli.leaf<AgentOptions>(*clear, run_clear);
  clear->add_option("AGENT", cleared.agent, "The sender")->required()->type_name("");
  add_by_option(*clear, cleared.by);
}

}  // namespace mas::ctl
