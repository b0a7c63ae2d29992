// `partitions …`: how many partitions there are, and how that is changed.

#include <charconv>
#include <map>

#include "proto/base/json_writer.h"
#include "proto/wire/waiting_retry.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/json_parts.h"
#include "sdk/masctl/redis/gateway_reader.h"
#include "sdk/masctl/redis/operator_audit.h"
#include "sdk/masctl/redis/transaction.h"

namespace mas::ctl {

namespace {

constexpr unsigned kMostPartitions = 1024;

struct NoOptions {};

struct SetOptions {
  unsigned partitions = 0;
  std::string by;
};

ExitCode run_show(Context& context, const NoOptions&) {
  auto redis = SyncRedis::open(context.settings);
  if (!redis.ok()) return context.out.fail(redis.error());
  auto view = read_gateways(**redis, context.settings.keys);
  if (!view.ok()) return context.out.fail(view.error());
  if (view->partitions.empty())
    return context.out.fail(Error{Errc::kNotFound, "mas.config names no partitions yet: the first gateway writes it"});
  if (!context.out.json()) {
    Table table({"PARTITION", "WAITING", "OWNER", "AT REST"});
    for (size_t p = 0; p < view->partitions.size(); ++p) {
      const auto& [waiting, owner, resting] = view->partitions[p];
      table.add({std::to_string(p), std::to_string(waiting), owner, resting});
    }
    context.out.table(table);
    return ExitCode::kOk;
  }
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("partitions").begin_array();
  for (const auto& partition : view->partitions) {
    json.begin_object().key("waiting").unsigned_integer(partition.waiting).key("owner");
    json_text_or_lossy(json, partition.owner);
    json.key("resting");
    json_text_or_lossy(json, partition.resting);
    json.end_object();
  }
  json.end_array().end_object();
  context.out.line(text);
  return ExitCode::kOk;
}

/// While a gateway holds a partition, its memory of senders is in two places.
Status nobody_owns(const GatewayView& view) {
  if (!view.gateways.empty())
    return Error{Errc::kRefused, std::to_string(view.gateways.size()) + " gateways run; stop all of them first"};
  for (size_t p = 0; p < view.partitions.size(); ++p)
    if (!view.partitions[p].owner.empty())
      return Error{Errc::kRefused, "the lease of partition " + std::to_string(p) + " has not ended; try again soon"};
  return {};
}

constexpr size_t kMembersAtOnce = 64;  // they may be large

/// Every message that waits to be delivered again goes to the partition that its agent has from now on.
Status move_retries(SyncRedis& redis, const Keys& keys, unsigned before, unsigned after, redis::Command& change) {
  redis::Command added;  // behind every DEL
  for (unsigned p = 0; p < before; ++p) {
    change.add("DEL", keys.retries(p));
    for (size_t at = 0;; at += kMembersAtOnce) {
      auto page = redis.ask_one(redis::Command("ZRANGE", keys.retries(p), at, at + kMembersAtOnce - 1, "WITHSCORES"));
      if (!page.ok()) return page.error();
      for (size_t i = 0; i + 1 < page->elements.size(); i += 2) {
        const std::string& member = page->elements[i].text;
        auto waiting = WaitingRetry::decode(member);
        unsigned to = waiting ? partition_of(waiting->agent, after) : 0;  // a gateway tells what cannot be read
        added.add("ZADD", keys.retries(to), page->elements[i + 1].text, member);
      }
      if (page->elements.size() < 2 * kMembersAtOnce) break;
    }
  }
  change.add(added);
  return {};
}

/// Every field of mas.sender:{p} goes to the partition that its sender has from now on.
Result<redis::Command> moves(SyncRedis& redis, const Keys& keys, unsigned before, unsigned after) {
  redis::Command change;
  change.add("HSET", keys.config(), "partitions", after);
  if (before == 0) return change;  // no gateway has run yet
  redis::Command read;
  for (unsigned p = 0; p < before; ++p) read.add("HGETALL", keys.senders(p));
  auto states = redis.ask(read);
  if (!states.ok()) return states.error();
  for (unsigned p = 0; p < before; ++p) {
    change.add("DEL", keys.senders(p));
    change.add("DEL", keys.ingress(p));
    change.add("INCR", keys.partition_epoch(p));  // a gateway that starts meanwhile by the old number commits nothing
  }
  for (const auto& state : *states) {
    if (state.is_error()) return Error{Errc::kRefused, state.text};
    for (size_t i = 0; i + 1 < state.elements.size(); i += 2) {
      const std::string& field = state.elements[i].text;
      std::string_view sender = std::string_view(field).substr(0, field.find('/'));
      change.add("HSET", keys.senders(partition_of(sender, after)), field, state.elements[i + 1].text);
    }
  }
  if (auto status = move_retries(redis, keys, before, after, change); !status.ok()) return status.error();
  return change;
}

ExitCode run_set(Context& context, const SetOptions& options) {
  const Keys& keys = context.settings.keys;
  if (options.partitions < 1 || options.partitions > kMostPartitions)
    return context.out.fail(Error{Errc::kInvalidArgument, "'" + std::to_string(options.partitions) +
                                                              "' is not a number of partitions; expected 1 to " +
                                                              std::to_string(kMostPartitions)});
  auto redis = SyncRedis::open(context.settings, SyncRedis::kMessageBytes);
  if (!redis.ok()) return context.out.fail(redis.error());
  auto view = read_gateways(**redis, keys);
  if (!view.ok()) return context.out.fail(view.error());
  auto before = static_cast<unsigned>(view->partitions.size());
  std::vector<std::string> watched{"WATCH", keys.config()};
  for (unsigned p = 0; p < before; ++p)
    watched.insert(watched.end(), {keys.partition_lease(p), keys.senders(p), keys.retries(p)});
  if (auto watching = (*redis)->ask_one(redis::Command::of(watched)); !watching.ok())
    return context.out.fail(watching.error());
  view = read_gateways(**redis, keys);  // again: from here on, who changes something is noticed
  if (!view.ok()) return context.out.fail(view.error());
  if (auto status = nobody_owns(*view); !status.ok()) return context.out.fail(status.error());

  auto change = moves(**redis, keys, before, options.partitions);
  if (!change.ok()) return context.out.fail(change.error());
  append_operator_record(*change, keys, operator_name(options.by), "partitions.set", "mas.config",
                         "partitions=" + std::to_string(options.partitions) + ", before " + std::to_string(before));
  auto done = transact(**redis, *change);
  if (!done.ok()) return context.out.fail(done.error());
  context.out.line(context.out.json() ? "{\"partitions\":" + std::to_string(options.partitions) + "}"
                                      : std::to_string(options.partitions) + " partitions, " + std::to_string(before) +
                                            " before; start the gateways again");
  return ExitCode::kOk;
}

}  // namespace

void add_partitions_commands(Cli& cli) {
  Command& partitions = cli.group("partitions", "The partitions that gateways share");
  cli.leaf<NoOptions>(
      *partitions.add_subcommand("show", "List them: what waits, who owns each, and why one is at rest"), run_show);

  Command* set = partitions.add_subcommand("set", "Change their number, while no gateway runs");
  auto& options = cli.leaf<SetOptions>(*set, run_set);
  set->add_option("NUMBER", options.partitions, "How many, 1 to 1024")->required();
  add_by_option(*set, options.by);
  set->footer(
      "Stop every gateway, set the number, start them again. What is remembered of senders moves with it, and so do\n"
      "messages that wait to be delivered again. Frames that wait in the lists had no receipt: they are removed, and "
      "their\n"
      "senders send them again, with the same numbers, into the partition that is theirs now. The audit's chains stay\n"
      "where they are.\n"
      "Example:\n"
      "  masctl partitions set 64");
}

}  // namespace mas::ctl
