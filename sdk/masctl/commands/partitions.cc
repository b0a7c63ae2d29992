// `partitions …`: how many partitions there are, and how that is changed.

#include <map>

#include "proto/base/json_writer.h"
#include "proto/wire/partitions.h"
#include "proto/wire/waiting_retry.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/partitions_change.h"
#include "sdk/masctl/commands/replayed_frames.h"
#include "sdk/masctl/commands/rule_arguments.h"
#include "sdk/masctl/commands/top_view.h"
#include "sdk/masctl/redis/gateway_reader.h"
#include "sdk/masctl/redis/operator_audit.h"
#include "sdk/masctl/redis/transaction.h"

namespace mas::ctl {

namespace {

struct NoOptions {};

void write_partitions(JsonWriter& json, const GatewayView& view) {
  json.begin_object();
  json_list(json, "partitions", view.partitions, write_partition);
  if (view.changing) json.key("changing_to").unsigned_integer(view.changing->to);
  json.end_object();
}

void print_partitions(Output& out, const GatewayView& view) {
  Table table({"PARTITION", "WAITING", "OWNER", "AT REST"});
  for (size_t p = 0; p < view.partitions.size(); ++p) {
    const auto& [waiting, owner, resting] = view.partitions[p];
    table.add({std::to_string(p), std::to_string(waiting), owner, resting});
  }
  out.table(table);
  if (view.changing)
    out.note("the number of partitions is being changed to " + std::to_string(view.changing->to) +
             "; gateways decide nothing until masctl partitions set has finished");
}

struct SetOptions {
  unsigned partitions = 0;
  std::string by;
};

Result<Document> run_show(Context& context, const NoOptions&) {
  auto view = read_gateways(context.redis, context.keys());
  if (!view.ok()) return view.error();
  if (view->partitions.empty())
    return Error{Errc::kNotFound, "mas.config has no number of partitions yet; the first gateway writes it"};
  return Document::of(std::move(*view), write_partitions, print_partitions);
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

Document done(unsigned partitions, unsigned before) {
  return Document::line(
      "{\"partitions\":" + std::to_string(partitions) + "}",
      std::to_string(partitions) + " partitions, " + std::to_string(before) + " before; start the gateways again");
}

Result<Document> run_set(Context& context, const SetOptions& options) {
  const Keys& keys = context.keys();
  if (options.partitions < 1 || options.partitions > kMaxPartitions)
    return Error{Errc::kInvalidArgument, "'" + std::to_string(options.partitions) +
                                             "' is not a number of partitions; expected 1 to " +
                                             std::to_string(kMaxPartitions)};
  context.redis.expect_messages();
  if (context.redis.on_cluster()) {
    auto before = PartitionsChange(context.redis, keys, options.partitions, operator_name(options.by)).run();
    return before.ok() ? done(options.partitions, *before) : Result<Document>(before.error());
  }
  auto view = read_gateways(context.redis, keys);
  if (!view.ok()) return view.error();
  auto before = static_cast<unsigned>(view->partitions.size());
  std::vector<std::string> watched{"WATCH", keys.config()};
  for (unsigned p = 0; p < before; ++p)
    watched.insert(watched.end(), {keys.partition_lease(p), keys.senders(p), keys.retries(p)});
  if (auto watching = context.redis.ask_one(redis::Command::of(watched)); !watching.ok()) return watching.error();
  view = read_gateways(context.redis, keys);  // again: from here on, who changes something is noticed
  if (!view.ok()) return view.error();
  if (auto status = nobody_owns(*view); !status.ok()) return status.error();
  if (auto status = no_replayed_frames(context.redis, keys, before); !status.ok()) return status.error();

  auto change = moves(context.redis, keys, before, options.partitions);
  if (!change.ok()) return change.error();
  append_operator_record(*change, keys, operator_name(options.by), "partitions.set", "mas.config",
                         "partitions=" + std::to_string(options.partitions) + ", before " + std::to_string(before));
  auto changed = transact(context.redis, *change);
  if (!changed.ok()) return changed.error();
  return done(options.partitions, before);
}

}  // namespace

void add_partitions_commands(Cli& cli) {
  Command& partitions = cli.group("partitions", "The partitions, which gateways share among themselves");
  cli.leaf<NoOptions>(
      *partitions.add_subcommand("show", "List the partitions: waiting frames, owner, and why one is at rest"),
      run_show);

  Command* set = partitions.add_subcommand("set", "Change the number of partitions, while no gateway is running");
  auto& options = cli.leaf<SetOptions>(*set, run_set);
  set->add_option("NUMBER", options.partitions, "Number of partitions, 1 to 1024")->required();
  add_by_option(*set, options.by);
  set->footer(
      "Stop every gateway, set the number, and start them again. The states of senders and the messages that wait\n"
      "to be delivered again move to their new partitions. Frames in the ingress lists have no receipt yet: they\n"
      "are removed, and their senders send them again with the same numbers to the new partition. The audit's\n"
      "chains stay where they are.\n"
      "Example:\n"
      "  masctl partitions set 64");
}

}  // namespace mas::ctl
