// `dlq drop` and `dlq replay`: letters that are chosen by name or filter, and what becomes of them.
//
// A change is made a page of letters at a time, each with the operator's record in the same transaction. What was
// changed by somebody else meanwhile is not there any more, and is not counted.
#include "sdk/masctl/commands/dlq_change.h"

#include "proto/base/ids.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/letter_options.h"
#include "sdk/masctl/commands/rule_arguments.h"
#include "sdk/masctl/redis/operator_audit.h"
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
  redis::Command (*command)(const Keys& keys, LetterQueue queue, const std::vector<std::string>& letters);
};

Status check(const ChangeOptions& options) {
  for (const auto& letter : options.letters)
    if (auto status = check_letter_id(letter); !status.ok()) return status;
  int ways = int{!options.letters.empty()} + int{options.filter.any()} + int{options.all};
  if (ways == 1) return {};
  return Error{Errc::kInvalidArgument, ways == 0 ? "expected LETTER, a filter such as --target, or --all"
                                                 : "expected only one of LETTER, filters and --all"};
}

Result<std::vector<std::string>> choose(SyncRedis& redis, const Keys& keys, const ChangeOptions& options) {
  std::vector<std::string> chosen;
  auto take = [&chosen](const Letter& letter) {
    chosen.emplace_back(letter.entry);
    return true;
  };
  for (const auto& letter : options.letters) {
    auto found = find_letter(redis, keys, letter, {.queue = options.filter.queue()}, take);
    if (!found.ok()) return found.error();
    if (!*found)
      return Error{Errc::kNotFound, "there is no dead letter " + letter + " in " +
                                        letter_key(keys, options.filter.queue()) + "; nothing was changed"};
  }
  if (!options.letters.empty()) return chosen;
  auto filter = letter_filter(options.filter, wall_now());
  if (!filter.ok()) return filter.error();
  auto status = each_letter(redis, keys, *filter, {.queue = options.filter.queue()}, take);
  if (!status.ok()) return status.error();
  return chosen;
}

/// @return how many were changed.
Result<size_t> apply(SyncRedis& redis, const Keys& keys, const Change& change, const std::vector<std::string>& chosen,
                     const ChangeOptions& options) {
  const LetterQueue queue = options.filter.queue();
  size_t changed = 0;
  for (size_t at = 0; at < chosen.size(); at += kPage) {
    auto first = chosen.begin() + static_cast<std::ptrdiff_t>(at);
    std::vector<std::string> page(first, first + static_cast<std::ptrdiff_t>(std::min(kPage, chosen.size() - at)));
    redis::Command command = change.command(keys, queue, page);
    append_operator_record(command, keys, operator_name(options.by), change.action, letter_key(keys, queue),
                           joined_words(page));
    auto values = transact(redis, command);
    if (!values.ok()) return values.error();
    bool drops = change.action == "dlq.drop";  // else Redis answers with the length of the list
    changed += drops ? static_cast<size_t>(values->front().integer) : page.size();
  }
  return changed;
}

Result<Document> run_change(Context& context, const ChangeOptions& options, const Change& change) {
  if (auto status = check(options); !status.ok()) return status.error();
  if (auto status = context.redis.needs_one_server("masctl dlq"); !status.ok()) return status.error();
  const Keys& keys = context.keys();
  context.redis.expect_messages();
  auto chosen = choose(context.redis, keys, options);
  if (!chosen.ok()) return chosen.error();
  size_t count = chosen->size();
  if (!options.dry_run) {
    auto changed = apply(context.redis, keys, change, *chosen, options);
    if (!changed.ok()) return changed.error();
    count = *changed;
  }
  std::string people = std::to_string(count) + (count == 1 ? " letter " : " letters ");
  people += (options.dry_run ? "would be " : "") + std::string(change.done);
  return Document::line(
      "{\"letters\":" + std::to_string(count) + ",\"dry_run\":" + (options.dry_run ? "true" : "false") + "}",
      std::move(people));
}

redis::Command drop_command(const Keys& keys, LetterQueue queue, const std::vector<std::string>& letters) {
  return set_command("XDEL", letter_key(keys, queue), letters);
}

redis::Command replay_command(const Keys& keys, LetterQueue, const std::vector<std::string>& letters) {
  return set_command("RPUSH", keys.replays(), letters);
}

Result<Document> run_drop(Context& context, const DropOptions& options) {
  return run_change(context, options, {"dlq.drop", "dropped", drop_command});
}

Result<Document> run_replay(Context& context, const ReplayOptions& options) {
  return run_change(context, options, {"dlq.replay", "handed to the gateway for replay", replay_command});
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
