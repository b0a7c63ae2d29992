// Commands about users, and what their replies say.
#include "daemons/registryd/user_page.h"

#include <algorithm>
#include <string>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"

namespace mas::registry {

namespace {

constexpr size_t kLastReplyOfWrite = 3;

/// @return of a rule about a subcommand ("+function|list") all that stands before its name; else empty.
std::string_view parent_of(std::string_view rule) { return rule.substr(0, rule.find('|') + 1); }

/// A user's rules, with subcommands of one command that follow each other sorted: Redis lists them in an order that may
/// change by itself. The order of all else says what is allowed.
std::string with_sorted_subcommands(std::string_view text) {
  std::vector<std::string_view> rules;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    rules.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  for (auto first = rules.begin(); first != rules.end();) {
    const std::string_view parent = parent_of(*first);
    auto last = std::find_if(first, rules.end(), [&](std::string_view rule) { return parent_of(rule) != parent; });
    if (!parent.empty()) std::sort(first, last);
    first = last;
  }
  std::string sorted;
  for (std::string_view rule : rules) sorted.append(rule).push_back(' ');
  return sorted;
}

void append_reply(ByteWriter& out, const redis::Reply& reply) {
  out.integer(static_cast<uint8_t>(reply.type));
  out.integer(static_cast<uint64_t>(reply.is_array() ? reply.count : static_cast<uint64_t>(reply.integer)));
  out.text32(with_sorted_subcommands(reply.text));
  if (reply.is_array())
    for (const auto& element : reply) append_reply(out, element);
}

/// Whether enrolment makes such names. A record under another name is somebody's mistake, and touches no user.
bool is_ours(std::string_view field) {
  const size_t dot = field.find('.');
  return dot != std::string_view::npos && parse_user_role(field.substr(0, dot)).has_value();
}

bool contains(const redis::Reply& reply, std::string_view text) {
  if (!reply.is_array()) return reply.text == text;
  return std::any_of(reply.begin(), reply.end(), [text](const redis::Reply& part) { return contains(part, text); });
}

/// @param user as ACL GETUSER shows it. @return whether a password is among its own that the record ended.
bool lets_ended_in(const redis::Reply& user, const UserRecord& record, int64_t now) {
  return record.password_old && record.password_old_until <= now && contains(user, to_hex(*record.password_old));
}

Digest digest_of(const redis::Reply& reply) {
  std::string text;
  ByteWriter writer(text);
  append_reply(writer, reply);
  return sha256(text);
}

}  // namespace

void UserPage::set_partitions(const PartitionsField& field) {
  if (field.changing) {
    if (!counted_) site_.partitions = field.changing->to;
    site_.other_partitions = {field.changing->to, field.changing->most};
    return;
  }
  site_.partitions = field.agreed > 0 ? field.agreed : kDefaultPartitions;
  site_.other_partitions.clear();
  counted_ = true;
}

void UserPage::take(const redis::Reply& records) {
  items_.clear();
  for (size_t i = 0; i + 1 < records.count; i += 2) {
    Item item{std::string(records[i].text),
              std::string(records[i + 1].text),
              Error{Errc::kTooLarge, "the record is too long"},
              {}};
    if (records[i + 1].is_text()) item.record = parse_user_record(item.field, item.json);
    if (!item.record.ok() && unreadable_.should_log(item.field + item.record.error().message, mono_now()))
      log_.error("user_unreadable", {{"user", printable(item.field)}, {"error", item.record.error().message}});
    items_.push_back(std::move(item));
  }
}

redis::Command UserPage::look() const {
  redis::Command command;
  for (const auto& item : items_) command.add("ACL", "GETUSER", user_name(item));
  return command;
}

void UserPage::saw(size_t i, const redis::Reply* user) {
  Item& item = items_[i];
  const bool there = user != nullptr && !user->is_nil();
  item.seen = there ? std::optional(digest_of(*user)) : std::nullopt;
  item.ended_seen = there && item.record.ok() && lets_ended_in(*user, *item.record, now_);
}

bool UserPage::decide(const std::string& server) {
  writing_.clear();
  for (size_t i = 0; i < items_.size(); ++i) {
    Item& item = items_[i];
    item.step = is_ours(item.field) ? book_.decide(server, item.field, item.record, item.seen, site_, now_)
                                    : UserBook::Step::kNothing;
    if (item.record.ok())
      if (int64_t at = user_changes_at(*item.record, now_); at != 0 && (next_change_ == 0 || at < next_change_))
        next_change_ = at;
    if (item.step != UserBook::Step::kNothing) writing_.push_back(i);
    if (item.step == UserBook::Step::kRestore)
      log_.warn("user_altered", {{"user", user_name(item)}, {"then", "it is written again"}});
  }
  return !writing_.empty();
}

void UserPage::add_write(redis::Command& command, const Item& item) const {
  const std::string name = user_name(item);
  command.add("MULTI");
  if (item.step == UserBook::Step::kRemove) {
    command.add("ACL", "DELUSER", name).add("ACL", "GETUSER", name).add("EXEC");
    return;
  }
  std::vector<std::string> args = {"ACL", "SETUSER", name};
  for (auto& rule : acl_setuser_rules(*item.record, site_, now_)) args.push_back(std::move(rule));
  command.add(redis::Command::of(args)).add("ACL", "GETUSER", name).add("EXEC");
}

UserPage::Writes UserPage::writes(const std::string& server) const {
  Writes writes;
  for (size_t i : writing_) {
    const Item& item = items_[i];
    add_write(writes.users, item);
    const bool ended = item.step == UserBook::Step::kWrite &&
                       (item.ended_seen || book_.old_password_ended(server, item.field, *item.record, now_));
    if (ended) writes.cuts.add("CLIENT", "KILL", "USER", user_name(item));
  }
  return writes;
}

Status UserPage::written(const std::string& server, size_t tag, const redis::Reply& reply) {
  if (tag % kRepliesPerWrite != kLastReplyOfWrite || !reply.is_array() || reply.count != 2) return {};
  const Item& item = items_[writing_[tag / kRepliesPerWrite]];
  const redis::Reply &done = reply[0], &seen = reply[1];
  if (item.step == UserBook::Step::kRemove)
    book_.removed(server, item.field);
  else if (!done.is_error())
    book_.written(server, item.field, *item.record, site_, now_, digest_of(seen));
  if (done.is_error()) return redis::error_of(done).in(user_name(item));
  return {};
}

size_t UserPage::removing() const {
  return static_cast<size_t>(std::count_if(writing_.begin(), writing_.end(),
                                           [this](size_t i) { return items_[i].step == UserBook::Step::kRemove; }));
}

redis::Command UserPage::check() const {
  std::vector<std::string> args = {"HMGET", keys_.users()};
  for (size_t i : writing_) args.push_back(items_[i].field);
  return redis::Command::of(args);
}

bool UserPage::changed(const redis::Reply& records) {
  bool another = false;
  for (size_t n = 0; n < writing_.size() && n < records.count; ++n) {
    Item& item = items_[writing_[n]];
    const redis::Reply& now = records[n];
    if (!now.is_text() || now.text == item.json) continue;
    another = true;
    item.json = std::string(now.text);
    item.record = parse_user_record(item.field, item.json);
  }
  return another;
}

}  // namespace mas::registry
