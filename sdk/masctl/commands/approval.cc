// `approval`: messages that wait for a person: list, show, grant, deny.
//
// A verdict is a request to the gateway, with the operator's record in the same transaction (on a cluster before it,
// see transaction.h). The gateway takes the message; where two say something about it, the first one counts.
#include "proto/base/ids.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/times.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/letter_options.h"
#include "sdk/masctl/commands/rule_arguments.h"
#include "sdk/masctl/redis/operator_audit.h"
#include "sdk/masctl/redis/transaction.h"

namespace mas::ctl {

namespace {

constexpr size_t kWhoBytes = 400;  // of a request; the gateway keeps less

struct ListOptions {
  LetterFilterOptions filter;
  size_t limit = 100;
};

struct ShowOptions {
  std::string message;
};

struct VerdictOptions {
  std::vector<std::string> messages;
  std::string reason, by;
};

struct GrantOptions : VerdictOptions {};
struct DenyOptions : VerdictOptions {};

struct Listed {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> documents;
};

void write_list(JsonWriter& json, const Listed& listed) {
  json.begin_object().key("messages").begin_array();
  for (const auto& document : listed.documents) json.raw(document);
  json.end_array().end_object();
}

void print_list(Output& out, const Listed& listed) {
  Table table({"HELD", "SINCE", "SENDER", "TARGET", "TYPE", "MESSAGE", "REASON"});
  for (const auto& row : listed.rows) table.add(row);
  out.table(table, "no message waits");
}

/// Oldest first: it is the next to expire.
Result<Document> run_list(Context& context, const ListOptions& options) {
  auto filter = letter_filter(options.filter, wall_now());
  if (!filter.ok()) return filter.error();
  context.redis.expect_messages();
  Listed listed;
  auto take = [&](const Letter& one) {
    if (context.out.json())
      append_letter_json(listed.documents.emplace_back(), one, LetterQueue::kHeld, false);
    else
      listed.rows.push_back({one.name, time_text(one.first), std::string(one.sender), std::string(one.target),
                             std::string(one.type), std::string(one.message_id), std::string(one.reason)});
    return std::max(listed.rows.size(), listed.documents.size()) < options.limit;
  };
  auto status = each_letter(context.redis, context.keys(), *filter, {.queue = LetterQueue::kHeld}, take);
  if (!status.ok()) return status.error();
  return Document::of(std::move(listed), write_list, print_list);
}

Error not_there(const std::string& message) {
  return Error{Errc::kNotFound, "no message " + message + " waits: it was granted, denied, or has expired"};
}

void print_message(Output& out, const Letter& one) {
  if (one.payload.size() < one.bytes)
    out.note("the payload has " + std::to_string(one.bytes) + " bytes, too large to show");
  if (out.json()) {
    std::string text;
    append_letter_json(text, one, LetterQueue::kHeld, true);
    return out.foreign(text);
  }
  out.field("held", one.name);
  out.field("since", time_text(one.first));
  out.field("sender", std::string(one.sender));
  out.field("target", std::string(one.target));
  out.field("type", std::string(one.type));
  out.field("message", std::string(one.message_id));
  out.field("reason", std::string(one.reason));
  out.field("payload", std::string(one.payload));
}

Result<Document> run_show(Context& context, const ShowOptions& options) {
  auto name = parse_letter_name(context.keys(), options.message);
  if (!name.ok()) return name.error();
  context.redis.expect_messages();
  auto found = find_letter(context.redis, context.keys(), *name, {.queue = LetterQueue::kHeld, .payloads = true},
                           [&](const Letter& one) {
                             print_message(context.out, one);
                             return true;
                           });
  if (!found.ok()) return found.error();
  if (!*found) return not_there(options.message);
  return Document::printed();
}

/// The operator, and the Redis user that Redis let in.
std::string who(const Settings& settings, const VerdictOptions& options) {
  std::string text = operator_name(options.by);
  text += " (Redis user " + (settings.endpoint.user.empty() ? "default" : settings.endpoint.user) + ")";
  if (!options.reason.empty()) text += ": " + options.reason;
  return printable(text, kWhoBytes);
}

struct Said {
  LetterName name;
  std::string id, about;  // of the message; who sent it to whom
};

/// Nothing is said about any of them unless all are there.
Result<std::vector<Said>> find_all(SyncRedis& redis, const Keys& keys, const std::vector<std::string>& messages) {
  std::vector<Said> all;
  for (const std::string& message : messages) {
    auto name = parse_letter_name(keys, message);
    if (!name.ok()) return name.error();
    Said said{*name, {}, {}};
    auto found = find_letter(redis, keys, *name, {.queue = LetterQueue::kHeld}, [&](const Letter& one) {
      said.id = printable(one.message_id);
      said.about = message + " " + printable(one.sender) + " to " + printable(one.target);
      return true;
    });
    if (!found.ok()) return found.error();
    if (!*found) return not_there(message);
    all.push_back(std::move(said));
  }
  return all;
}

Result<Document> say(Context& context, const VerdictOptions& options, const std::string& verb,
                     const std::string& done) {
  const Keys& keys = context.keys();
  context.redis.expect_messages();
  auto all = find_all(context.redis, keys, options.messages);
  if (!all.ok()) return all.error();
  const std::string by = who(context.settings, options);
  for (const Said& said : *all) {
    redis::Command command("RPUSH", keys.approvals(said.name.place), verb + " " + said.name.entry + " " + by);
    append_operator_record(command, keys, operator_name(options.by), "approval." + verb, said.id,
                           said.about + "; by " + by);
    auto values = transact(context.redis, command);
    if (!values.ok()) return values.error();
  }
  const size_t count = all->size();
  return Document::line("{\"messages\":" + std::to_string(count) + "}",
                        std::to_string(count) + (count == 1 ? " message " : " messages ") + done);
}

Result<Document> run_grant(Context& context, const GrantOptions& options) {
  return say(context, options, "grant", "handed to the gateway as granted");
}

Result<Document> run_deny(Context& context, const DenyOptions& options) {
  return say(context, options, "deny", "handed to the gateway as denied");
}

void add_verdict(Command& command, VerdictOptions& options) {
  command.add_option("MESSAGE", options.messages, "Messages, as approval list names them")->required()->type_name("");
  command.add_option("--reason", options.reason, "Why, for the audit")->type_name("TEXT");
  add_by_option(command, options.by);
}

}  // namespace

void add_approval_commands(Cli& cli) {
  Command& group = cli.group("approval", "Messages that wait until a person grants or denies them");

  Command* list = group.add_subcommand("list", "Print the messages that wait, oldest first, without their payload");
  auto& listed = cli.leaf<ListOptions>(*list, run_list);
  add_held_filters(*list, listed.filter);
  list->add_option("--limit", listed.limit, "Maximum number of messages. Default: 100")
      ->between(1, 100'000)
      ->type_name("N");
  list->footer(
      "Examples:\n"
      "  masctl approval list --sender planner-1\n"
      "  masctl approval list --json | jq '.messages[].held'");

  Command* show = group.add_subcommand("show", "Print one message that waits, with its payload");
  auto& shown = cli.leaf<ShowOptions>(*show, run_show);
  show->add_option("MESSAGE", shown.message, "The message, as approval list names it")->required()->type_name("");

  Command* grant = group.add_subcommand("grant", "Deliver messages, if the policies of the moment allow it");
  add_verdict(*grant, cli.leaf<GrantOptions>(*grant, run_grant));
  grant->footer(
      "The gateway decides the message again; what it refuses then becomes a dead letter.\n"
      "Example: masctl approval grant 1795350096000-0 --reason \"checked with the bank\"");

  Command* deny = group.add_subcommand("deny", "Remove messages without delivering them");
  add_verdict(*deny, cli.leaf<DenyOptions>(*deny, run_deny));
  deny->footer("Example: masctl approval deny 1795350096000-0 --reason \"not this month\"");
}

}  // namespace mas::ctl
