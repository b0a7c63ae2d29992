// `dlq drop` and `dlq replay`: letters that are chosen by name or filter, and what becomes of them.
//
// A change is made a page of letters of one queue at a time, each with the operator's record in the same transaction
// (on a cluster before it, see transaction.h). What was changed by somebody else meanwhile is not there any more, and
// is not counted.
#include "sdk/masctl/commands/dlq_change.h"

#include <map>

#include "proto/base/ids.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/letter_options.h"
#include "sdk/masctl/commands/rule_arguments.h"
#include "sdk/masctl/redis/operator_audit.h"
#include "sdk/masctl/redis/partitions_reader.h"
#include "sdk/masctl/redis/transaction.h"

namespace mas::ctl {

namespace {

constexpr size_t kPage = 100;  // so that a record can name all of its letters

struct ChangeOptions {
  std::vector<std::string> letters;
  LetterFilterOptions filter;
  bool all = false;
  bool dry_run = false;
  std::string by;
};

struct DropOptions : ChangeOptions {};
struct ReplayOptions : ChangeOptions {};

/// What `drop` and `replay` differ in.
struct Change {
  std::string_view action;  ///< in the operator's record
  std::string_view done;    ///< for people: "3 letters dropped"
  bool replays;
  redis::Command (*command)(const std::string& queue, const std::string& replays, const std::vector<std::string>& ids);
};

using Chosen = std::map<unsigned, std::vector<std::string>>;  ///< entries, by the place of their queue

Status check(const ChangeOptions& options) {
  int ways = int{!options.letters.empty()} + int{options.filter.any()} + int{options.all};
  if (ways == 1) return {};
  return Error{Errc::kInvalidArgument, ways == 0 ? "expected LETTER, a filter such as --target, or --all"
                                                 : "expected only one of LETTER, filters and --all"};
}

Result<Chosen> choose(SyncRedis& redis, const Keys& keys, const ChangeOptions& options) {
  Chosen chosen;
  auto take = [&chosen](const Letter& letter) {
    chosen[letter.place].emplace_back(letter.entry);
    return true;
  };
  for (const auto& letter : options.letters) {
    auto name = parse_letter_name(keys, letter);
    if (!name.ok()) return name.error();
    auto found = find_letter(redis, keys, *name, {.queue = options.filter.queue()}, take);
    if (!found.ok()) return found.error();
    if (!*found)
      return Error{Errc::kNotFound, "there is no dead letter " + letter + " in " +
                                        letter_key(keys, options.filter.queue(), name->place) +
                                        "; nothing was changed"};
  }
  if (!options.letters.empty()) return chosen;
  auto filter = letter_filter(options.filter, wall_now());
  if (!filter.ok()) return filter.error();
  auto status = each_letter(redis, keys, *filter, {.queue = options.filter.queue()}, take);
  if (!status.ok()) return status.error();
  return chosen;
}

size_t count_of(const Chosen& chosen) {
  size_t count = 0;
  for (const auto& [place, entries] : chosen) count += entries.size();
  return count;
}

/// @param changed how many were changed, also after a failure.
Status apply(SyncRedis& redis, const Keys& keys, const Change& change, const Chosen& chosen,
             const ChangeOptions& options, size_t& changed) {
  for (const auto& [place, entries] : chosen) {
    const std::string queue = letter_key(keys, options.filter.queue(), place);
    for (size_t at = 0; at < entries.size(); at += kPage) {
      auto first = entries.begin() + static_cast<std::ptrdiff_t>(at);
      std::vector<std::string> page(first, first + static_cast<std::ptrdiff_t>(std::min(kPage, entries.size() - at)));
      redis::Command command = change.command(queue, keys.replays(place), page);
      append_operator_record(command, keys, operator_name(options.by), change.action, queue, joined_words(page));
      auto values = transact(redis, command);
      if (!values.ok()) return values.error();
      // Of a replay Redis answers with the length of the list.
      changed += change.replays ? page.size() : static_cast<size_t>(values->front().integer);
    }
  }
  return {};
}

/// On a cluster gateways look for requests in the partitions that there are. In others a request would wait for ever.
Status gateways_look_there(SyncRedis& redis, const Keys& keys, const Chosen& chosen) {
  if (!redis.on_cluster() || chosen.empty()) return {};
  auto partitions = read_partitions(redis, keys);
  if (!partitions.ok()) return partitions.error();
  const auto& [last, entries] = *chosen.rbegin();
  if (last < *partitions) return {};
  return Error{Errc::kRefused, "letters such as " + std::to_string(last) + ":" + entries.front() +
                                   " are in partitions that are left over from a larger number, and gateways look at " +
                                   std::to_string(*partitions) + "; nothing was changed. Run masctl partitions set " +
                                   std::to_string(last + 1) + " first, or drop them"};
}

Result<Document> run_change(Context& context, const ChangeOptions& options, const Change& change) {
  if (auto status = check(options); !status.ok()) return status.error();
  const Keys& keys = context.keys();
  context.redis.expect_messages();
  auto chosen = choose(context.redis, keys, options);
  if (!chosen.ok()) return chosen.error();
  if (change.replays)
    if (auto status = gateways_look_there(context.redis, keys, *chosen); !status.ok()) return status.error();
  size_t count = count_of(*chosen);
  Status status;
  if (!options.dry_run) {
    count = 0;
    status = apply(context.redis, keys, change, *chosen, options, count);
    if (!status.ok() && count == 0) return status.error();
  }
  std::string people = std::to_string(count) + (count == 1 ? " letter " : " letters ");
  people += (options.dry_run ? "would be " : "") + std::string(change.done);
  Document document = Document::line(
      "{\"letters\":" + std::to_string(count) + ",\"dry_run\":" + (options.dry_run ? "true" : "false") + "}",
      std::move(people));
  if (!status.ok()) return std::move(document).fails_with(status.error());
  return document;
}

redis::Command drop_command(const std::string& queue, const std::string&, const std::vector<std::string>& ids) {
  return set_command("XDEL", queue, ids);
}

redis::Command replay_command(const std::string&, const std::string& replays, const std::vector<std::string>& ids) {
  return set_command("RPUSH", replays, ids);
}

Result<Document> run_drop(Context& context, const DropOptions& options) {
  return run_change(context, options, {"dlq.drop", "dropped", false, drop_command});
}

Result<Document> run_replay(Context& context, const ReplayOptions& options) {
  return run_change(context, options, {"dlq.replay", "handed to the gateway for replay", true, replay_command});
}

void add_choice(Command& command, ChangeOptions& options) {
  command.add_option("LETTER", options.letters, "Letters, as dlq list names them")->type_name("");
  add_letter_filters(command, options.filter);
  command.add_flag("--all", options.all, "All letters");
  command.add_flag("--dry-run", options.dry_run, "Print how many, and change nothing");
  add_by_option(command, options.by);
}

}  // namespace

void add_dlq_drop(Cli& cli, Command& group) {
  Command* drop = group.add_subcommand("drop", "Delete dead letters permanently");
  auto& options = cli.leaf<DropOptions>(*drop, run_drop);
  add_unproven_flag(*drop, options.filter.unproven);
  add_choice(*drop, options);
  drop->footer(
      "Examples:\n"
      "  masctl dlq drop 1795350096000-0\n"
      "  masctl dlq drop --until 30d --dry-run\n"
      "  masctl dlq drop --unproven --all");
}

void add_dlq_replay(Cli& cli, Command& group) {
  Command* replay =
      group.add_subcommand("replay", "Make the gateway decide dead letters again, by the current policies");
  add_choice(*replay, cli.leaf<ReplayOptions>(*replay, run_replay));
  replay->footer(
      "An accepted letter leaves the queue; a refused one comes back with the new reason.\n"
      "Examples:\n"
      "  masctl dlq replay --target billing --dry-run\n"
      "  masctl dlq replay --target billing");
}

}  // namespace mas::ctl
