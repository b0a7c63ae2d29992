// `protocol …`: which protocol the system has agreed on, who speaks which, and how it is raised after an upgrade.

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
  json.begin_object().key("protocol").unsigned_integer(view.agreed.value_or(0));
  json_list(json, "speakers", view.speakers, [](JsonWriter& each, const auto& entry) {
    const auto& [kind, version, protocol] = entry.first;
    each.begin_object().key("kind").string(kind).key("version").string(version);
    each.key("protocol").unsigned_integer(protocol).key("count").unsigned_integer(entry.second).end_object();
  });
  json.end_object();
}

void print_protocol(Output& out, const ProtocolView& view) {
  out.line(view.agreed ? "The system works by protocol " + std::to_string(*view.agreed)
                       : "mas.config has no protocol yet; the first gateway writes it");
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

Result<Document> run_set(Context& context, const SetOptions& options) {
  const Keys& keys = context.keys();
  const unsigned wanted = options.protocol;
  if (!works_by(spoken_protocol(), wanted))
    return Error{Errc::kInvalidArgument, "this masctl speaks protocol " + std::to_string(spoken_protocol()) +
                                             " and cannot judge protocol " + std::to_string(wanted)};
  if (auto watching = context.redis.ask_one(redis::Command("WATCH", keys.config())); !watching.ok())
    return watching.error();
  auto view = read_protocol(context.redis, keys);
  if (!view.ok()) return view.error();
  const unsigned before = view->agreed.value_or(wanted);
  if (before + 1 < wanted || wanted + 1 < before)
    return Error{Errc::kRefused,
                 "the system works by protocol " + std::to_string(before) + "; it can change by one at a time"};
  if (auto status = everybody_works_by(*view, wanted); !status.ok()) return status.error();

  redis::Command change("HSET", keys.config(), "protocol", wanted);
  append_operator_record(change, keys, operator_name(options.by), "protocol.set", "mas.config",
                         "protocol=" + std::to_string(wanted) + ", before " + std::to_string(before));
  auto done = transact(context.redis, change);
  if (!done.ok()) return done.error();
  return Document::line(
      "{\"protocol\":" + std::to_string(wanted) + "}",
      "The system works by protocol " + std::to_string(wanted) + ", " + std::to_string(before) + " before");
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
      "an instance of an agent runs that does not work by it. Programs that start later and do not work by it are\n"
      "refused then.\n"
      "Example:\n"
      "  masctl protocol set 2");
}

}  // namespace mas::ctl
