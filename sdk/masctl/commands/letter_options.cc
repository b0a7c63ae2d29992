// Options, times parsed, JSON.
#include "sdk/masctl/commands/letter_options.h"

#include "proto/base/base64.h"
#include "proto/base/ids.h"
#include "sdk/masctl/cli/command.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/cli/times.h"

namespace mas::ctl {

namespace {

void write_time(JsonWriter& json, std::string_view name, WallMicros time) {
  std::string text;
  append_rfc3339(text, time);
  json.key(name).string(text);
}

}  // namespace

bool LetterFilterOptions::any() const {
  return !(sender.empty() && target.empty() && reason.empty() && message_id.empty() && since.empty() && until.empty());
}

void add_unproven_flag(Command& command, bool& unproven) {
  command.add_flag("--unproven", unproven,
                   "Work on dlq:unproven instead: elements of ingress lists that were not frames, the first 4 KiB of "
                   "each; the sender shown is only claimed");
}

void add_held_filters(Command& command, LetterFilterOptions& options) {
  command.add_option("--sender", options.sender, "Only messages from this agent")->type_name("ID");
  command.add_option("--target", options.target, "Only messages to this agent")->type_name("ID");
  command.add_option("--id", options.message_id, "Only the message with this id")->type_name("MESSAGE");
  command
      .add_option("--since", options.since,
                  "Only messages that wait since this time or a later one: a time (2026-11-24T12:00:00Z, UTC) or an "
                  "age (90s, 15m, 2h, 3d)")
      ->type_name("TIME");
}

void add_letter_filters(Command& command, LetterFilterOptions& options) {
  command.add_option("--sender", options.sender, "Only letters from this agent")->type_name("ID");
  command.add_option("--target", options.target, "Only letters to this agent")->type_name("ID");
  command.add_option("--reason", options.reason, "Only letters with this text in their reason")->type_name("TEXT");
  command.add_option("--id", options.message_id, "Only the message with this id")->type_name("MESSAGE");
  command
      .add_option("--since", options.since,
                  "Only letters that became dead letters at or after this time: a time (2026-11-24T12:00:00Z, UTC) or "
                  "an age (90s, 15m, 2h, 3d)")
      ->type_name("TIME");
  command.add_option("--until", options.until, "Only letters that became dead letters before this time")
      ->type_name("TIME");
}

Result<LetterFilter> letter_filter(const LetterFilterOptions& options, WallMicros now) {
  if (options.unproven && !(options.target.empty() && options.message_id.empty()))
    return Error{Errc::kInvalidArgument,
                 "--unproven: expected no --target and no --id, which an element that is not a frame does not have"};
  LetterFilter filter;
  filter.sender = options.sender;
  filter.target = options.target;
  filter.reason = options.reason;
  filter.message_id = options.message_id;
  if (auto status = parse_bound("--since", options.since, now, filter.since); !status.ok()) return status.error();
  if (auto status = parse_bound("--until", options.until, now, filter.until); !status.ok()) return status.error();
  return filter;
}

void append_letter_json(std::string& out, const Letter& letter, LetterQueue queue, bool payload) {
  JsonWriter json(out);
  json.begin_object();
  auto text = [&json](std::string_view name, std::string_view value) { json_member(json, name, value); };
  const bool held = queue == LetterQueue::kHeld;
  text(held ? "held" : "letter", letter.name);
  if (queue == LetterQueue::kUnproven) {
    text("claimed", letter.sender);
    text("reason", letter.reason);
  } else {
    text("sender", letter.sender);
    text("target", letter.target);
    text("id", letter.message_id);
    if (held) text("type", letter.type);
    text("reason", letter.reason);
    if (!held) json.key("attempts").unsigned_integer(letter.attempts);
  }
  write_time(json, held ? "since" : "first", letter.first);
  if (!held) write_time(json, "last", letter.last);
  json.key("bytes").unsigned_integer(letter.bytes);
  if (payload && letter.payload.size() < letter.bytes) {
    json.key("payload").null();
  } else if (payload && JsonReader::local().check_value(letter.payload).ok()) {
    json_raw_member(json, "payload", letter.payload);
  } else if (payload) {
    json.key("payload_base64").string(base64url(letter.payload));
  }
  json.end_object();
}

}  // namespace mas::ctl
