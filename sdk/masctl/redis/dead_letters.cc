// Pages of letters, filters, JSON.
#include "sdk/masctl/redis/dead_letters.h"

#include <algorithm>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"
#include "proto/redis/bounded_answer.h"
#include "proto/wire/limits.h"
#include "sdk/masctl/redis/audit_reader.h"

namespace mas::ctl {

namespace {

constexpr size_t kPage = 32;
constexpr size_t kSmallBytes = 64 * 1024;                        // up to which a payload comes with its page
constexpr size_t kMaxBytes = limits::kMaxEnvelopeBytes / 4 * 5;  // of one that is asked for alone

Letter letter_of(const Value& entry, LetterQueue queue) {
  const Value& fields = entry.elements[1];
  Letter letter;
  letter.entry = entry.elements[0].text;
  letter.sender = field_of_entry(fields, queue == LetterQueue::kUnproven ? "claimed" : "sender");
  letter.target = field_of_entry(fields, "target");
  letter.message_id = field_of_entry(fields, "id");
  letter.reason = field_of_entry(fields, "reason");
  for (size_t i = 0; i + 1 < fields.elements.size(); i += 2) {
    if (fields.elements[i].text != "payload") continue;
    const Value& payload = fields.elements[i + 1];
    letter.payload = payload.text;
    letter.bytes = payload.is_text() ? payload.text.size() : static_cast<uint64_t>(payload.integer);
  }
  letter.attempts = leading_number<uint64_t>(field_of_entry(fields, "attempts"));
  letter.first = leading_number<WallMicros>(field_of_entry(fields, "first"));
  letter.last = leading_number<WallMicros>(field_of_entry(fields, "last"));
  return letter;
}

}  // namespace

std::string letter_key(const Keys& keys, LetterQueue queue) {
  return queue == LetterQueue::kUnproven ? keys.unproven() : keys.dead_letters();
}

bool LetterFilter::matches(const Letter& letter) const {
  auto same = [](const std::string& wanted, std::string_view is) { return wanted.empty() || wanted == is; };
  return same(sender, letter.sender) && same(target, letter.target) && same(message_id, letter.message_id) &&
         letter.reason.find(reason) != std::string_view::npos && letter.last >= since && letter.last < until;
}

Status check_letter_id(std::string_view text) {
  auto digits = [](std::string_view part) {
    return !part.empty() && part.size() <= 20 && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  auto dash = text.find('-');
  if (dash != std::string_view::npos && digits(text.substr(0, dash)) && digits(text.substr(dash + 1))) return {};
  return Error{
      Errc::kInvalidArgument,
      "'" + printable(text) + "' is not the name of a letter; expected one like 1795350096000-0, as dlq list shows"};
}

Result<bool> find_letter(SyncRedis& redis, const Keys& keys, const std::string& entry, const LetterReading& how,
                         const OnLetter& on_letter) {
  if (auto status = redis.needs_one_server("masctl dlq"); !status.ok()) return status.error();
  const redis::AnswerBounds bounds{.text = how.payloads ? kMaxBytes : kSmallBytes, .whole = 2 * kMaxBytes};
  auto found = redis.ask_one(redis::bounded(bounds, {"XRANGE", letter_key(keys, how.queue), entry, entry}));
  if (!found.ok()) return found.error();
  if (found->elements.empty() || found->elements[0].elements.size() != 2) return false;
  on_letter(letter_of(found->elements[0], how.queue));
  return true;
}

Status each_letter(SyncRedis& redis, const Keys& keys, const LetterFilter& filter, const LetterReading& how,
                   const OnLetter& on_letter) {
  if (auto status = redis.needs_one_server("masctl dlq"); !status.ok()) return status;
  const std::string_view read = how.newest_first ? "XREVRANGE" : "XRANGE", to = how.newest_first ? "-" : "+";
  const std::string key = letter_key(keys, how.queue), count = std::to_string(kPage);
  std::string from = how.newest_first ? "+" : "-";
  bool more = true;
  auto take = [&](const Letter& letter) { return more = on_letter(letter); };
  for (;;) {
    auto page = redis.ask_one(redis::bounded({.text = kSmallBytes}, {read, key, from, to, "COUNT", count}));
    if (!page.ok()) return page.error();
    for (const Value& entry : page->elements) {
      if (entry.elements.size() != 2) continue;
      Letter letter = letter_of(entry, how.queue);
      if (!filter.matches(letter)) continue;
      if (how.payloads && letter.payload.size() < letter.bytes) {
        auto found = find_letter(redis, keys, std::string(letter.entry), how, take);
        if (!found.ok()) return found.error();
      } else {
        take(letter);
      }
      if (!more) return {};
    }
    if (page->elements.size() < kPage) return {};
    from = "(" + page->elements.back().elements[0].text;
  }
}

}  // namespace mas::ctl
