// Pages of letters, and the order of those of several queues.
#include "sdk/masctl/redis/dead_letters.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"
#include "proto/redis/bounded_answer.h"
#include "proto/wire/limits.h"
#include "proto/wire/partitions.h"
#include "sdk/masctl/redis/audit_reader.h"

namespace mas::ctl {

namespace {

constexpr size_t kPage = 32;                                     // of one queue
constexpr size_t kPages = 512, kLeastPage = 4;                   // of all of them
constexpr size_t kSmallBytes = 64 * 1024;                        // up to which a payload comes with its page
constexpr size_t kMaxBytes = limits::kMaxEnvelopeBytes / 4 * 5;  // of one that is asked for alone

std::string name_of(const Keys& keys, unsigned place, std::string_view entry) {
  const bool placed = keys.layout() == KeyLayout::kCluster;
  return (placed ? std::to_string(place) + ":" : std::string()) + std::string(entry);
}

Letter letter_of(const Keys& keys, unsigned place, const Value& entry, LetterQueue queue) {
  const Value& fields = entry.elements[1];
  Letter letter;
  letter.name = name_of(keys, place, entry.elements[0].text);
  letter.place = place;
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
  const bool held = queue == LetterQueue::kHeld;
  if (held) letter.type = field_of_entry(fields, "type");
  letter.first = leading_number<WallMicros>(field_of_entry(fields, held ? "since" : "first"));
  letter.last = held ? letter.first : leading_number<WallMicros>(field_of_entry(fields, "last"));
  return letter;
}

using EntryOrder = std::pair<uint64_t, uint64_t>;

/// The parts of an entry's id.
EntryOrder order_of(std::string_view id) {
  const size_t dash = id.find('-');
  const std::string_view number = dash == std::string_view::npos ? std::string_view() : id.substr(dash + 1);
  return {leading_number<uint64_t>(id), leading_number<uint64_t>(number)};
}

/// The letters of one queue, a page at a time.
class QueueReader {
 public:
  QueueReader(SyncRedis& redis, std::string key, unsigned place, bool newest_first, size_t page)
      : redis_(redis),
        key_(std::move(key)),
        place_(place),
        newest_first_(newest_first),
        count_(std::to_string(page)),
        from_(newest_first ? "+" : "-") {}

  /// Goes to the first letter, then to the next one.
  Status advance() {
    if (page_ && ++at_ < page_->elements.size()) return {};
    if (page_ && last_) return page_.reset(), Status();
    const std::string_view read = newest_first_ ? "XREVRANGE" : "XRANGE", to = newest_first_ ? "-" : "+";
    auto page = redis_.ask_one(redis::bounded({.text = kSmallBytes}, {read, key_, from_, to, "COUNT", count_}));
    if (!page.ok()) return page.error();
    at_ = 0;
    last_ = std::to_string(page->elements.size()) != count_;
    page_.reset();
    if (page->elements.empty()) return {};
    for (const Value& entry : page->elements)
      if (entry.elements.size() != 2) return Error{Errc::kProtocol, "unexpected answer to " + std::string(read)};
    from_ = "(" + page->elements.back().elements[0].text;
    page_.emplace(std::move(*page));
    return {};
  }

  /// @return null at the end.
  const Value* entry() const { return page_ ? &page_->elements[at_] : nullptr; }
  unsigned place() const { return place_; }

  /// Whether this one's letter comes before the other's. Both have one.
  bool before(const QueueReader& other) const {
    const auto mine = order_of(entry()->elements[0].text), theirs = order_of(other.entry()->elements[0].text);
    return newest_first_ ? mine > theirs : mine < theirs;
  }

 private:
  SyncRedis& redis_;
  const std::string key_;
  const unsigned place_;
  const bool newest_first_;
  const std::string count_;
  std::string from_;
  std::optional<Value> page_;
  size_t at_ = 0;  // in it
  bool last_ = false;
};

/// @return which queues there are.
Result<std::vector<unsigned>> places_of(SyncRedis& redis, const Keys& keys, LetterQueue queue) {
  const unsigned most = keys.places(kMaxPartitions);
  if (most == 1) return std::vector<unsigned>{0};
  redis::Command command;
  for (unsigned place = 0; place < most; ++place) command.add("EXISTS", letter_key(keys, queue, place));
  auto replies = redis.ask(command);
  if (!replies.ok()) return replies.error();
  std::vector<unsigned> places;
  for (unsigned place = 0; place < most; ++place) {
    if ((*replies)[place].is_error()) return (*replies)[place].error();
    if ((*replies)[place].integer == 1) places.push_back(place);
  }
  return places;
}

}  // namespace

std::string letter_key(const Keys& keys, LetterQueue queue, unsigned place) {
  if (queue == LetterQueue::kHeld) return keys.held(place);
  return queue == LetterQueue::kUnproven ? keys.unproven(place) : keys.dead_letters(place);
}

bool LetterFilter::matches(const Letter& letter) const {
  auto same = [](const std::string& wanted, std::string_view is) { return wanted.empty() || wanted == is; };
  return same(sender, letter.sender) && same(target, letter.target) && same(message_id, letter.message_id) &&
         letter.reason.find(reason) != std::string_view::npos && letter.last >= since && letter.last < until;
}

Result<LetterName> parse_letter_name(const Keys& keys, std::string_view text) {
  auto digits = [](std::string_view part, size_t most) {
    return !part.empty() && part.size() <= most && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  const bool placed = keys.layout() == KeyLayout::kCluster;
  const size_t colon = text.find(':');
  LetterName name;
  std::string_view entry = text;
  bool good = placed == (colon != std::string_view::npos);
  if (placed && good) {
    name.place = leading_number<unsigned>(text);
    good = digits(text.substr(0, colon), 4) && name.place < kMaxPartitions;
    entry.remove_prefix(colon + 1);
  }
  const size_t dash = entry.find('-');
  good =
      good && dash != std::string_view::npos && digits(entry.substr(0, dash), 20) && digits(entry.substr(dash + 1), 20);
  if (!good)
    return Error{Errc::kInvalidArgument, "'" + printable(text) + "' is not the name of a letter; expected one like " +
                                             name_of(keys, 3, "1795350096000-0") + ", as the list shows"};
  name.entry = entry;
  return name;
}

Result<bool> find_letter(SyncRedis& redis, const Keys& keys, const LetterName& name, const LetterReading& how,
                         const OnLetter& on_letter) {
  const redis::AnswerBounds bounds{.text = how.payloads ? kMaxBytes : kSmallBytes, .whole = 2 * kMaxBytes};
  const std::string key = letter_key(keys, how.queue, name.place);
  auto found = redis.ask_one(redis::bounded(bounds, {"XRANGE", key, name.entry, name.entry}));
  if (!found.ok()) return found.error();
  if (found->elements.empty() || found->elements[0].elements.size() != 2) return false;
  on_letter(letter_of(keys, name.place, found->elements[0], how.queue));
  return true;
}

Status each_letter(SyncRedis& redis, const Keys& keys, const LetterFilter& filter, const LetterReading& how,
                   const OnLetter& on_letter) {
  auto places = places_of(redis, keys, how.queue);
  if (!places.ok()) return places.error();
  const size_t page = std::clamp(kPages / std::max<size_t>(places->size(), 1), kLeastPage, kPage);
  std::vector<QueueReader> readers;
  for (unsigned place : *places) {
    readers.emplace_back(redis, letter_key(keys, how.queue, place), place, how.newest_first, page);
    if (auto status = readers.back().advance(); !status.ok()) return status;
  }
  bool more = true;
  auto take = [&](const Letter& letter) { return more = on_letter(letter); };
  for (;;) {
    QueueReader* next = nullptr;
    for (QueueReader& reader : readers)
      if (reader.entry() != nullptr && (next == nullptr || reader.before(*next))) next = &reader;
    if (next == nullptr) return {};
    const Letter letter = letter_of(keys, next->place(), *next->entry(), how.queue);
    if (filter.matches(letter) && how.payloads && letter.payload.size() < letter.bytes) {
      auto found = find_letter(redis, keys, {letter.place, std::string(letter.entry)}, how, take);
      if (!found.ok()) return found.error();
    } else if (filter.matches(letter)) {
      take(letter);
    }
    if (!more) return {};
    if (auto status = next->advance(); !status.ok()) return status;
  }
}

}  // namespace mas::ctl
