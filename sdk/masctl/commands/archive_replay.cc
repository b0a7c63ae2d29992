// `archive replay`: records that are chosen by name or filter, handed to a gateway as requests (archive/request.h).
//
// A page of requests is added at a time, with the operator's record in the same transaction. masctl opens nothing and
// needs no key: the gateway that holds it does.
// On a cluster each partition has requests, of its senders only, so that a gateway moves them by one script.
#include "sdk/masctl/commands/archive_replay.h"

#include <map>

#include "proto/wire/partitions.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/archive_filters.h"
#include "sdk/masctl/commands/rule_arguments.h"
#include "sdk/masctl/redis/archive_reader.h"
#include "sdk/masctl/redis/operator_audit.h"
#include "sdk/masctl/redis/partitions_reader.h"
#include "sdk/masctl/redis/transaction.h"

namespace mas::ctl {

namespace {

namespace archive = gateway::archive;

constexpr size_t kPage = 100;                        // requests of one transaction
constexpr uint64_t kRequestBytes = 4 * 1024 * 1024;  // of the messages of one request, when there is more than one

struct ReplayOptions {
  std::vector<std::string> records;
  ArchiveFilterOptions filter;
  size_t limit = 10'000;
  bool all = false;
  bool dry_run = false;
  std::string by;
};

Status check(const ReplayOptions& options) {
  int ways = int{!options.records.empty()} + int{options.filter.any()} + int{options.all};
  if (ways == 1) return {};
  return Error{Errc::kInvalidArgument, ways == 0 ? "expected RECORD, a filter such as --target or --from, or --all"
                                                 : "expected only one of RECORD, filters and --all"};
}

Result<std::vector<ArchivedRecord>> choose(ArchiveReader& reader, const ReplayOptions& options) {
  if (options.records.empty()) {
    auto filter = archive_filter(options.filter, wall_now());
    if (!filter.ok()) return filter.error();
    return reader.find(*filter, false, options.limit + 1);
  }
  std::vector<ArchivedRecord> chosen;
  for (const auto& name : options.records) {
    auto named = parse_record_name(name);
    if (!named.ok()) return named.error();
    auto found = reader.find_named(*named);
    if (!found.ok()) return Error{found.error().code, found.error().message + "; nothing was changed"};
    chosen.insert(chosen.end(), found->begin(), found->end());
  }
  return chosen;
}

using Requests = std::map<unsigned, std::vector<std::string>>;  ///< by their place

/// Records of one entry that follow each other become one request.
Requests requests_for(const Keys& keys, const std::vector<ArchivedRecord>& records, unsigned partitions) {
  Requests texts;
  archive::Request open;
  unsigned open_place = 0;
  uint64_t bytes = 0;
  auto close = [&] {
    if (!open.records.empty()) texts[open_place].push_back(archive::request_text(open));
    open.records.clear();
    bytes = 0;
  };
  for (const auto& record : records) {
    const unsigned place = keys.placed(partition_of(record.sender, partitions));
    bool same = place == open_place && record.partition == open.partition && record.entry == open.entry &&
                !open.records.empty() && record.number > open.records.back() && bytes + record.bytes <= kRequestBytes;
    if (!same) close();
    open_place = place;
    open.partition = record.partition;
    open.entry = record.entry;
    open.records.push_back(record.number);
    bytes += record.bytes;
  }
  close();
  return texts;
}

Status hand_over(SyncRedis& redis, const Keys& keys, const std::vector<ArchivedRecord>& records,
                 const std::string& by) {
  auto partitions = read_partitions(redis, keys);
  if (!partitions.ok()) return partitions.error();
  for (const auto& [place, requests] : requests_for(keys, records, *partitions)) {
    for (size_t at = 0; at < requests.size(); at += kPage) {
      auto first = requests.begin() + static_cast<std::ptrdiff_t>(at);
      std::vector<std::string> page(first, first + static_cast<std::ptrdiff_t>(std::min(kPage, requests.size() - at)));
      redis::Command command = set_command("RPUSH", keys.replays(place), page);
      append_operator_record(command, keys, operator_name(by), "archive.replay", keys.replays(place),
                             joined_words(page));
      auto values = transact(redis, command);
      if (!values.ok()) return values.error();
    }
  }
  return {};
}

Result<Document> run_replay(Context& context, const ReplayOptions& options) {
  if (auto status = check(options); !status.ok()) return status.error();
  context.redis.expect_messages();
  ArchiveReader reader(context.redis, context.keys());
  auto chosen = choose(reader, options);
  if (!chosen.ok()) return chosen.error();
  const bool more = options.records.empty() && chosen->size() > options.limit;
  if (more) chosen->resize(options.limit);
  if (!options.dry_run)
    if (auto status = hand_over(context.redis, context.keys(), *chosen, options.by); !status.ok())
      return status.error();
  const size_t count = chosen->size();
  const bool dry_run = options.dry_run;
  return Document::of(
      count,
      [=](JsonWriter& json, size_t) {
        json.begin_object().key("messages").unsigned_integer(count).key("more").boolean(more);
        json.key("dry_run").boolean(dry_run).end_object();
      },
      [=](Output& out, size_t) {
        out.line(std::to_string(count) + (count == 1 ? " message " : " messages ") + (dry_run ? "would be " : "") +
                 "handed to the gateway for replay");
        if (more) out.note("more messages match; continue with --from after the last of these, or raise --limit");
      });
}

}  // namespace

void add_archive_replay(Cli& cli, Command& group) {
  Command* replay = group.add_subcommand(
      "replay", "Make the gateway decide archived messages again, by the current policies, and deliver them");
  auto& options = cli.leaf<ReplayOptions>(*replay, run_replay);
  replay->add_option("RECORD", options.records, "Messages, as archive list names them")->type_name("");
  add_archive_filters(*replay, options.filter);
  replay->add_flag("--all", options.all, "All archived messages");
  replay->add_option("--limit", options.limit, "Maximum number of messages, oldest first. Default: 10000")
      ->between(1, 1'000'000)
      ->type_name("N");
  replay->add_flag("--dry-run", options.dry_run, "Print how many, and change nothing");
  add_by_option(*replay, options.by);
  replay->footer(
      "An accepted message is delivered with its original id, marked as replayed. A refused message is audited.\n"
      "Neither is archived again. Two requests deliver twice.\n"
      "Examples:\n"
      "  masctl archive replay --target billing --from 2026-11-24T12:00:00Z --to 2026-11-24T13:00:00Z --dry-run\n"
      "  masctl archive replay 3:1795350096000-0:7");
}

}  // namespace mas::ctl
