// `protocol …`: which protocol the system has agreed on, who speaks which, and how it is raised after an upgrade.

#include <optional>
#include <string>

#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "proto/wire/partitions.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/rule_arguments.h"
#include "sdk/masctl/redis/operator_audit.h"
#include "sdk/masctl/redis/protocol_reader.h"
#include "sdk/masctl/redis/transaction.h"

namespace mas::ctl {

namespace {

struct NoOptions {};

struct SetOptions {
  unsigned protocol = 0;
  std::string by;
};

void write_protocol(JsonWriter& json, const ProtocolView& view) {
  json.begin_object().key("protocol");
  if (const auto number = view.number())
    json.unsigned_integer(*number);
  else if (view.agreed)
    json_text_or_lossy(json, *view.agreed);
  else
    json.null();
  json_list(json, "speakers", view.speakers, [](JsonWriter& each, const auto& entry) {
    const auto& [kind, version, protocol] = entry.first;
    each.begin_object().key("kind").string(kind).key("version").string(version);
    each.key("protocol").unsigned_integer(protocol).key("count").unsigned_integer(entry.second).end_object();
  });
  json.end_object();
}

/// @return the number, an invalid text in quotes, or "none".
std::string agreed_text(const ProtocolView& view) {
  if (const auto number = view.number()) return std::to_string(*number);
  return view.agreed ? "'" + printable(*view.agreed) + "'" : "none";
}

void print_protocol(Output& out, const ProtocolView& view) {
  if (view.number())
    out.line("The system works by protocol " + agreed_text(view));
  else if (view.agreed)
    out.line("mas.config has protocol " + agreed_text(view) + ", which is invalid; masctl protocol set repairs it");
  else
    out.line("mas.config has no protocol yet; the first gateway writes it");
  Table table({"WHAT", "VERSION", "SPEAKS", "RUNNING"});
  for (const auto& [speaker, count] : view.speakers) {
    const auto& [kind, version, protocol] = speaker;
    table.add({kind, version, std::to_string(protocol), std::to_string(count)});
  }
  out.table(table);
}

Result<Document> run_show(Context& context, const NoOptions&) {
  auto view = read_protocol(context.redis, context.keys());
  if (!view.ok()) return view.error();
  return Document::of(std::move(*view), write_protocol, print_protocol);
}

/// Whoever runs must work by it.
Status everybody_works_by(const ProtocolView& view, unsigned protocol) {
  std::string others;
  for (const auto& [speaker, count] : view.speakers) {
    const auto& [kind, version, spoken] = speaker;
    if (works_by(spoken, protocol)) continue;
    others += (others.empty() ? "" : ", ") + std::to_string(count) + " " + kind + " (" + version + ", speaks " +
              std::to_string(spoken) + ")";
  }
  if (others.empty()) return {};
  return Error{Errc::kRefused, "these run and do not work by protocol " + std::to_string(protocol) + ": " + others +
                                   "; upgrade or stop them first"};
}

/// Reads with mas.config WATCHed: the next transaction is refused if somebody changes it first.
Result<ProtocolView> watch_protocol(Context& context) {
  auto watching = context.redis.ask_one(redis::Command("WATCH", context.keys().config()));
  if (!watching.ok()) return watching.error();
  return read_protocol(context.redis, context.keys());
}

/// @param protocol what mas.config shall have; nullopt: none.
Status change_protocol(Context& context, const SetOptions& options, const std::optional<std::string>& protocol,
                       const std::string& detail) {
  const Keys& keys = context.keys();
  redis::Command change;
  if (protocol)
    change.add("HSET", keys.config(), "protocol", *protocol);
  else
    change.add("HDEL", keys.config(), "protocol");
  append_operator_record(change, keys, operator_name(options.by), "protocol.set", "mas.config", detail);
  auto done = transact(context.redis, change);
  return done.ok() ? Status() : done.error();
}

/// Looks again for programs that started while the protocol was changed, and takes the change back if one of them does
/// not work by it.
Status check_again(Context& context, const SetOptions& options, const ProtocolView& before) {
  const std::string wanted = std::to_string(options.protocol);
  auto now = watch_protocol(context);
  if (!now.ok()) return now.error().in("protocol " + wanted + " is set, but who started meanwhile is unknown");
  auto status = everybody_works_by(*now, options.protocol);
  if (status.ok()) return {};
  if (now->agreed != wanted) return Error{Errc::kRefused, "somebody else has changed the protocol since; try again"};
  const std::string detail = "protocol=" + agreed_text(before) + ", before " + wanted + ": taken back";
  if (auto back = change_protocol(context, options, before.agreed, detail); !back.ok())
    return back.error().in("protocol " + wanted + " is set and cannot be taken back, although " +
                           status.error().message);
  return status.error();
}

Result<Document> run_set(Context& context, const SetOptions& options) {
  const unsigned wanted = options.protocol;
  if (!works_by(spoken_protocol(), wanted))
    return Error{Errc::kInvalidArgument, "this masctl speaks protocol " + std::to_string(spoken_protocol()) +
                                             " and cannot judge protocol " + std::to_string(wanted)};
  auto view = watch_protocol(context);
  if (!view.ok()) return view.error();
  const unsigned before = view->number().value_or(wanted);
  if (before + 1 < wanted || wanted + 1 < before)
    return Error{Errc::kRefused,
                 "the system works by protocol " + std::to_string(before) + "; it can change by one at a time"};
  if (auto status = everybody_works_by(*view, wanted); !status.ok()) return status.error();

  const std::string number = std::to_string(wanted);
  if (auto status = change_protocol(context, options, number, "protocol=" + number + ", before " + agreed_text(*view));
      !status.ok())
    return status.error();
  if (auto status = check_again(context, options, *view); !status.ok()) return status.error();
  return Document::line("{\"protocol\":" + number + "}",
                        "The system works by protocol " + number + ", " + agreed_text(*view) + " before");
}

}  // namespace

void add_protocol_commands(Cli& cli) {
  Command& protocol = cli.group("protocol", "The protocol by which daemons and agents work together");
  cli.leaf<NoOptions>(*protocol.add_subcommand("show", "Show the agreed protocol, and who that runs speaks which"),
                      run_show);

  Command* set = protocol.add_subcommand("set", "Raise the protocol after an upgrade, or lower it before going back");
  auto& options = cli.leaf<SetOptions>(*set, run_set);
  set->add_option("NUMBER", options.protocol, "Protocol, one more or one less than now")->required();
  add_by_option(*set, options.by);
  set->footer(
      "A program that speaks protocol N also works by N - 1. So old and new programs run side by side by the lower\n"
      "number, until every daemon and agent is upgraded and the number is raised. It is refused while a daemon or\n"
      "an instance of an agent runs that does not work by it, and taken back when one appears during the change.\n"
      "Programs that start later and do not work by it are refused then. Not seen are agents that are starting and\n"
      "have not registered yet, and agents of other implementations: start none meanwhile, and check the latter.\n"
      "Example:\n"
      "  masctl protocol set 2");
}

}  // namespace mas::ctl
