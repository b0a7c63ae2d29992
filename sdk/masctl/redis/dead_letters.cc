// Pages of letters, filters, JSON.
#include "sdk/masctl/redis/dead_letters.h"

#include "sdk/masctl/cli/command.h"

#include <algorithm>
#include <charconv>

#include "proto/base/base64.h"
#include "proto/base/ids.h"
#include "sdk/masctl/commands/audit_options.h"
#include "sdk/masctl/commands/json_parts.h"
#include "sdk/masctl/redis/audit_reader.h"

namespace mas::ctl {

namespace {

constexpr size_t kPage = 32;  // letters may be as large as envelopes

template <typename Number>
Number number(std::string_view text) {
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Letter letter_of(const Value& entry) {
  const Value& fields = entry.elements[1];
  Letter letter;
  letter.entry = entry.elements[0].text;
  letter.sender = field_of_entry(fields, "sender");
  letter.target = field_of_entry(fields, "target");
  letter.message_id = field_of_entry(fields, "id");
  letter.reason = field_of_entry(fields, "reason");
  letter.payload = field_of_entry(fields, "payload");
  letter.attempts = number<uint64_t>(field_of_entry(fields, "attempts"));
  letter.first = number<WallMicros>(field_of_entry(fields, "first"));
  letter.last = number<WallMicros>(field_of_entry(fields, "last"));
  return letter;
}

void write_time(JsonWriter& json, std::string_view name, WallMicros time) {
  std::string text;
  append_rfc3339(text, time);
  json.key(name).string(text);
}

}  // namespace

bool LetterFilterOptions::any() const {
  return !(sender.empty() && target.empty() && reason.empty() && message_id.empty() && since.empty() && until.empty());
}

bool LetterFilter::matches(const Letter& letter) const {
  auto same = [](const std::string& wanted, std::string_view is) { return wanted.empty() || wanted == is; };
  return same(sender, letter.sender) && same(target, letter.target) && same(message_id, letter.message_id) &&
         letter.reason.find(reason) != std::string_view::npos && letter.last >= since && letter.last < until;
}

void add_letter_filters(Command& command, LetterFilterOptions& options) {
  command.add_option("--sender", options.sender, "Only letters of this agent")->type_name("ID");
  command.add_option("--target", options.target, "Only letters to this agent")->type_name("ID");
  command.add_option("--reason", options.reason, "Only letters with this text in their reason")->type_name("TEXT");
  command.add_option("--id", options.message_id, "Only the message with this id")->type_name("MESSAGE");
  command
      .add_option("--since", options.since,
                  "Became a dead letter not before: a time (2026-11-24T12:00:00Z, UTC), or how long ago (90s, 15m, 2h)")
      ->type_name("TIME");
  command.add_option("--until", options.until, "Before that time")->type_name("TIME");
}

Result<LetterFilter> letter_filter(const LetterFilterOptions& options, WallMicros now) {
  LetterFilter filter;
  filter.sender = options.sender;
  filter.target = options.target;
  filter.reason = options.reason;
  filter.message_id = options.message_id;
  struct Bound {
    std::string_view flag;
    const std::string& text;
    WallMicros& ret_time;
  };
  for (const Bound& bound :
       {Bound{"--since", options.since, filter.since}, Bound{"--until", options.until, filter.until}}) {
    if (bound.text.empty()) continue;
    auto time = parse_when(bound.text, now);
    if (!time.ok()) return time.error().in(bound.flag);
    bound.ret_time = *time;
  }
  return filter;
}

Status check_letter_id(std::string_view text) {
  auto digits = [](std::string_view part) {
    return !part.empty() && part.size() <= 20 && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  auto dash = text.find('-');
  if (dash != std::string_view::npos && digits(text.substr(0, dash)) && digits(text.substr(dash + 1))) return {};
  return Error{Errc::kInvalidArgument,
               "'" + printable(text) + "' names no letter; expected one like 1795350096000-0, as dlq list shows them"};
}

Status each_letter(SyncRedis& redis, const Keys& keys, const LetterFilter& filter, bool newest_first,
                   const OnLetter& on_letter) {
  std::string from = newest_first ? "+" : "-";
  const std::string to = newest_first ? "-" : "+";
  for (;;) {
    auto page = redis.ask_one(
        redis::Command(newest_first ? "XREVRANGE" : "XRANGE", keys.dead_letters(), from, to, "COUNT", kPage));
    if (!page.ok()) return page.error();
    for (const Value& entry : page->elements) {
      if (entry.elements.size() != 2) continue;
      Letter letter = letter_of(entry);
      if (filter.matches(letter) && !on_letter(letter)) return {};
    }
    if (page->elements.size() < kPage) return {};
    from = "(" + page->elements.back().elements[0].text;
  }
}

Result<bool> find_letter(SyncRedis& redis, const Keys& keys, const std::string& entry, const OnLetter& on_letter) {
  auto found = redis.ask_one(redis::Command("XRANGE", keys.dead_letters(), entry, entry));
  if (!found.ok()) return found.error();
  if (found->elements.empty() || found->elements[0].elements.size() != 2) return false;
  on_letter(letter_of(found->elements[0]));
  return true;
}

void append_letter_json(std::string& out, const Letter& letter, bool payload) {
  JsonWriter json(out);
  json.begin_object();
  struct Text {
    std::string_view name, value;
  };
  for (const Text& text : {Text{"letter", letter.entry}, Text{"sender", letter.sender}, Text{"target", letter.target},
                           Text{"id", letter.message_id}, Text{"reason", letter.reason}}) {
    json.key(text.name);
    json_text_or_lossy(json, text.value);
  }
  json.key("attempts").unsigned_integer(letter.attempts);
  write_time(json, "first", letter.first);
  write_time(json, "last", letter.last);
  json.key("bytes").unsigned_integer(letter.payload.size());
  if (payload && JsonReader::local().check_value(letter.payload).ok()) {
    json.key("payload");
    json_raw_or_text(json, letter.payload);
  } else if (payload) {
    json.key("payload_base64").string(base64url(letter.payload));
  }
  json.end_object();
}

}  // namespace mas::ctl
