// `dlq`: the group, and its questions: list, show, export.
#include <algorithm>

#include "proto/base/ids.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/times.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/dlq_change.h"
#include "sdk/masctl/commands/letter_options.h"

namespace mas::ctl {

namespace {

struct ListOptions {
  LetterFilterOptions filter;
  size_t limit = 100;
};

struct ShowOptions {
  std::string letter;
  bool unproven = false;
};

struct ExportOptions {
  LetterFilterOptions filter;
};

std::vector<std::string> cells_of(const Letter& letter, LetterQueue queue) {
  if (queue == LetterQueue::kUnproven)
    return {letter.name, time_text(letter.last), std::string(letter.sender), std::to_string(letter.bytes),
            std::string(letter.reason)};
  return {letter.name,
          time_text(letter.last),
          std::string(letter.sender),
          std::string(letter.target),
          std::string(letter.message_id),
          std::to_string(letter.attempts),
          std::string(letter.reason)};
}

/// Letters as the form that is shown wants them, newest first.
struct Listed {
  LetterQueue queue;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> documents;
};

void write_list(JsonWriter& json, const Listed& listed) {
  json.begin_object().key("letters").begin_array();
  for (auto it = listed.documents.rbegin(); it != listed.documents.rend(); ++it) json.raw(*it);
  json.end_array().end_object();
}

void print_list(Output& out, const Listed& listed) {
  Table table(listed.queue == LetterQueue::kUnproven
                  ? std::vector<std::string>{"LETTER", "SINCE", "CLAIMED", "BYTES", "REASON"}
                  : std::vector<std::string>{"LETTER", "SINCE", "SENDER", "TARGET", "MESSAGE", "ATTEMPTS", "REASON"});
  for (auto it = listed.rows.rbegin(); it != listed.rows.rend(); ++it) table.add(*it);
  out.table(table, "no dead letter");
}

Result<Document> run_list(Context& context, const ListOptions& options) {
  auto filter = letter_filter(options.filter, wall_now());
  if (!filter.ok()) return filter.error();
  context.redis.expect_messages();
  Listed listed{options.filter.queue(), {}, {}};
  auto take = [&](const Letter& letter) {
    if (context.out.json())
      append_letter_json(listed.documents.emplace_back(), letter, listed.queue, false);
    else
      listed.rows.push_back(cells_of(letter, listed.queue));
    return std::max(listed.rows.size(), listed.documents.size()) < options.limit;
  };
  auto status =
      each_letter(context.redis, context.keys(), *filter, {.queue = listed.queue, .newest_first = true}, take);
  if (!status.ok()) return status.error();
  return Document::of(std::move(listed), write_list, print_list);
}

void print_letter(Output& out, const Letter& letter, LetterQueue queue) {
  if (letter.payload.size() < letter.bytes)
    out.note("the payload has " + std::to_string(letter.bytes) + " bytes, too large to show");
  if (out.json()) {
    std::string text;
    append_letter_json(text, letter, queue, true);
    return out.foreign(text);
  }
  struct Line {
    std::string_view name;
    std::string value;
  };
  std::vector<Line> lines;
  if (queue == LetterQueue::kUnproven) {
    lines = {{"letter", letter.name}, {"claimed", std::string(letter.sender)}, {"reason", std::string(letter.reason)}};
  } else {
    lines = {{"letter", letter.name},
             {"sender", std::string(letter.sender)},
             {"target", std::string(letter.target)},
             {"message", std::string(letter.message_id)},
             {"reason", std::string(letter.reason)},
             {"attempts", std::to_string(letter.attempts)}};
  }
  lines.insert(
      lines.end(),
      {{"first", time_text(letter.first)}, {"last", time_text(letter.last)}, {"payload", std::string(letter.payload)}});
  for (const Line& line : lines) out.field(line.name, line.value);
}

Result<Document> run_show(Context& context, const ShowOptions& options) {
  auto name = parse_letter_name(context.keys(), options.letter);
  if (!name.ok()) return name.error();
  context.redis.expect_messages();
  const LetterReading how{.queue = options.unproven ? LetterQueue::kUnproven : LetterQueue::kMessages,
                          .payloads = true};
  auto found = find_letter(context.redis, context.keys(), *name, how, [&](const Letter& letter) {
    print_letter(context.out, letter, how.queue);
    return true;
  });
  if (!found.ok()) return found.error();
  if (*found) return Document::printed();
  return Error{Errc::kNotFound, "there is no dead letter " + options.letter + " in " +
                                    letter_key(context.keys(), how.queue, name->place)};
}

Result<Document> run_export(Context& context, const ExportOptions& options) {
  auto filter = letter_filter(options.filter, wall_now());
  if (!filter.ok()) return filter.error();
  context.redis.expect_messages();
  const LetterReading how{.queue = options.filter.queue(), .payloads = true};
  std::string line;
  auto status = each_letter(context.redis, context.keys(), *filter, how, [&](const Letter& letter) {
    line.clear();
    append_letter_json(line, letter, how.queue, true);
    context.out.foreign(line);
    if (letter.payload.size() < letter.bytes)
      context.out.note("letter " + letter.name + ": shown without its payload of " + std::to_string(letter.bytes) +
                       " bytes, which is too large");
    return !context.out.closed();
  });
  if (!status.ok()) return status.error();
  return Document::printed();
}

}  // namespace

void add_dlq_commands(Cli& cli) {
  Command& group = cli.group("dlq", "Dead letters: messages that could not be delivered");

  Command* list = group.add_subcommand("list", "Print the newest dead letters, oldest first, without their payload");
  auto& listed = cli.leaf<ListOptions>(*list, run_list);
  add_unproven_flag(*list, listed.filter.unproven);
  add_letter_filters(*list, listed.filter);
  list->add_option("--limit", listed.limit, "Maximum number of letters. Default: 100")
      ->between(1, 100'000)
      ->type_name("N");
  list->footer(
      "Examples:\n"
      "  masctl dlq list --target billing --since 1h\n"
      "  masctl dlq list --reason WRONGTYPE --json | jq '.letters[].letter'\n"
      "  masctl dlq list --unproven");

  Command* show = group.add_subcommand("show", "Print one dead letter with its payload");
  auto& shown = cli.leaf<ShowOptions>(*show, run_show);
  show->add_option("LETTER", shown.letter, "The letter, as dlq list names it")->required()->type_name("");
  add_unproven_flag(*show, shown.unproven);

  Command* exported =
      group.add_subcommand("export", "Write dead letters with their payloads, one JSON object per line");
  auto& out = cli.leaf<ExportOptions>(*exported, run_export);
  add_unproven_flag(*exported, out.filter.unproven);
  add_letter_filters(*exported, out.filter);

  add_dlq_drop(cli, group);
  add_dlq_replay(cli, group);
}

}  // namespace mas::ctl
