// Passes over the records and users.
#include "daemons/registryd/user_keeper.h"

#include <algorithm>
#include <utility>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"

namespace mas::registry {

namespace {

using State = UserKeeper::State;
constexpr auto kMoves = transitions<State>({{State::kResting, State::kCounting},
                                            {State::kCounting, State::kReading},
                                            {State::kCounting, State::kResting},
                                            {State::kReading, State::kLooking},
                                            {State::kReading, State::kPausing},
                                            {State::kReading, State::kResting},
                                            {State::kLooking, State::kWriting},
                                            {State::kLooking, State::kLooking},
                                            {State::kLooking, State::kPausing},
                                            {State::kLooking, State::kResting},
                                            {State::kWriting, State::kLooking},
                                            {State::kWriting, State::kPausing},
                                            {State::kWriting, State::kChecking},
                                            {State::kWriting, State::kResting},
                                            {State::kChecking, State::kLooking},
                                            {State::kChecking, State::kPausing},
                                            {State::kChecking, State::kResting},
                                            {State::kPausing, State::kReading},
                                            {State::kPausing, State::kResting}});

constexpr size_t kPage = 100;
constexpr size_t kTextBytes = 64 * 1024;  // a longer record is none
constexpr uint64_t kRepliesPerWrite = 4;  // MULTI, two QUEUED, EXEC
constexpr uint64_t kLastReplyOfWrite = 3;
constexpr int kRest = 3;

void append_reply(ByteWriter& out, const redis::Reply& reply) {
  out.integer(static_cast<uint8_t>(reply.type));
  out.integer(static_cast<uint64_t>(reply.is_array() ? reply.count : static_cast<uint64_t>(reply.integer)));
  out.text32(reply.text);
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

UserKeeper::UserKeeper(uv_loop_t* loop, redis::Client& redis, const Keys& keys, redis::ConnectionOptions options,
                       common::Log& log, UserKeeperListener& listener)
    : redis_(redis),
      keys_(keys),
      log_(log),
      listener_(listener),
      state_(State::kResting, kMoves),
      timer_(loop, [this] { on_timer(); }),
      site_{keys, kDefaultPartitions, options.endpoint.db != 0,
            options.endpoint.topology == redis::Topology::kSentinel},
      servers_(loop, redis, std::move(options), [this] { count(); }) {}

void UserKeeper::start() { begin(); }

void UserKeeper::on_timer() {
  if (state_.is(State::kResting)) return begin();
  read();
}

void UserKeeper::begin() {
  state_.to(State::kCounting);
  now_ = wall_now() / 1'000'000;
  cursor_.assign(1, '0');
  users_ = 0;
  next_change_ = 0;
  if (auto asked = servers_.find(); !asked.ok()) fail(asked.error());
}

void UserKeeper::count() {
  for (size_t i = 0; i < servers_.size(); ++i)
    if (servers_.is_new(i)) book_.forget(servers_.text(i));
  auto sent = redis_.send(redis::Command("HGET", keys_.config(), "partitions"),
                          redis::reply_to<&UserKeeper::on_partitions>(this, 0, kTextBytes));
  if (!sent.ok()) fail(sent.error());
}

void UserKeeper::on_partitions(uint64_t, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (!reply.ok()) return fail(reply.error());
  site_.partitions = parse_partitions((*reply)->text).value_or(kDefaultPartitions);
  read();
}

// ---- a page of records

void UserKeeper::read() {
  state_.to(State::kReading);
  page_began_ = mono_now();
  auto sent = redis_.send(redis::Command("HSCAN", keys_.users(), cursor_, "COUNT", kPage),
                          redis::reply_to<&UserKeeper::on_page>(this, 0, kTextBytes));
  if (!sent.ok()) fail(sent.error());
}

void UserKeeper::on_page(uint64_t, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (!reply.ok()) return fail(reply.error());
  const redis::Reply& page = **reply;
  if (!page.is_array() || page.count != 2 || !page[1].is_array())
    return fail({Errc::kProtocol, "HSCAN: expected a cursor and a page"});
  cursor_ = std::string(page[0].text);
  take_page(page[1]);
  if (page_.empty()) return next_page();
  at_ = 0;
  look();
}

void UserKeeper::take_page(const redis::Reply& page) {
  page_.clear();
  for (size_t i = 0; i + 1 < page.count; i += 2) {
    Item item{
        std::string(page[i].text), std::string(page[i + 1].text), Error{Errc::kTooLarge, "the record is too long"}, {}};
    if (page[i + 1].is_text()) item.record = parse_user_record(item.field, item.json);
    if (!item.record.ok() && unreadable_.should_log(item.field + item.record.error().message, mono_now()))
      log_.error("user_unreadable", {{"user", printable(item.field)}, {"error", item.record.error().message}});
    page_.push_back(std::move(item));
  }
  users_ += page_.size();
}

// ---- their users on one server

std::string UserKeeper::user_name(const Item& item) const { return keys_.prefix() + item.field; }

void UserKeeper::look() {
  state_.to(State::kLooking);
  redis::Command command;
  for (const auto& item : page_) command.add("ACL", "GETUSER", user_name(item));
  missing_ = page_.size();
  refusal_.reset();
  if (auto sent = servers_.send(at_, std::move(command), redis::reply_to<&UserKeeper::on_seen>(this)); !sent.ok()) {
    refusal_ = sent.error();
    refused();
  }
}

void UserKeeper::on_seen(uint64_t i, const redis::Answer& answer) {
  if (!state_.is(State::kLooking)) return;
  auto reply = redis::checked(answer);
  if (!reply.ok()) refusal_ = reply.error();
  Item& item = page_[i];
  const bool there = reply.ok() && !(*reply)->is_nil();
  item.seen = there ? std::optional(digest_of(**reply)) : std::nullopt;
  item.ended_seen = there && item.record.ok() && lets_ended_in(**reply, *item.record, now_);
  if (--missing_ == 0) decide();
}

void UserKeeper::decide() {
  if (refusal_) return refused();
  writing_.clear();
  for (size_t i = 0; i < page_.size(); ++i) {
    Item& item = page_[i];
    item.step = is_ours(item.field) ? book_.decide(server(), item.field, item.record, item.seen, site_, now_)
                                    : UserBook::Step::kNothing;
    if (item.record.ok())
      if (int64_t at = user_changes_at(*item.record, now_); at != 0 && (next_change_ == 0 || at < next_change_))
        next_change_ = at;
    if (item.step != UserBook::Step::kNothing) writing_.push_back(i);
    if (item.step == UserBook::Step::kRestore)
      log_.warn("user_altered", {{"user", user_name(item)}, {"then", "it is written again"}});
  }
  writing_.empty() ? next_server() : write();
}

void UserKeeper::add_write(redis::Command& command, const Item& item) const {
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

void UserKeeper::write() {
  state_.to(State::kWriting);
  redis::Command command, cut;
  for (size_t i : writing_) {
    const Item& item = page_[i];
    add_write(command, item);
    const bool ended = item.step == UserBook::Step::kWrite &&
                       (item.ended_seen || book_.old_password_ended(server(), item.field, *item.record, now_));
    if (ended) cut.add("CLIENT", "KILL", "USER", user_name(item));
  }
  missing_ = writing_.size() * kRepliesPerWrite;
  refusal_.reset();
  auto sent = servers_.send(at_, std::move(command), redis::reply_to<&UserKeeper::on_written>(this));
  if (!sent.ok()) {
    refusal_ = sent.error();
    return refused();
  }
  if (cut.count() > 0)
    if (auto too = servers_.send(at_, std::move(cut), {}); !too.ok()) refusal_ = too.error();
}

void UserKeeper::on_written(uint64_t tag, const redis::Answer& answer) {
  if (!state_.is(State::kWriting)) return;
  auto reply = redis::checked(answer);
  const Item& item = page_[writing_[tag / kRepliesPerWrite]];
  if (!reply.ok() && !refusal_) refusal_ = reply.error();
  if (reply.ok() && tag % kRepliesPerWrite == kLastReplyOfWrite && (*reply)->is_array() && (*reply)->count == 2) {
    const redis::Reply &done = (**reply)[0], &seen = (**reply)[1];
    if (done.is_error()) refusal_ = redis::error_of(done).in(user_name(item));
    if (item.step == UserBook::Step::kRemove)
      book_.removed(server(), item.field);
    else if (!done.is_error())
      book_.written(server(), item.field, *item.record, site_, now_, digest_of(seen));
  }
  if (--missing_ == 0) check();
}

// ---- whether the records are still those

void UserKeeper::check() {
  if (refusal_) return refused();
  state_.to(State::kChecking);
  size_t removed = 0;
  std::vector<std::string> args = {"HMGET", keys_.users()};
  for (size_t i : writing_) {
    args.push_back(page_[i].field);
    removed += page_[i].step == UserBook::Step::kRemove ? 1 : 0;
  }
  log_.info("users_written", {{"written", writing_.size() - removed}, {"removed", removed}});
  listener_.on_users_changed(writing_.size() - removed, removed);
  auto sent = redis_.send(redis::Command::of(args), redis::reply_to<&UserKeeper::on_checked>(this, 0, kTextBytes));
  if (!sent.ok()) fail(sent.error());
}

void UserKeeper::on_checked(uint64_t, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (!reply.ok()) return fail(reply.error());
  bool another = false;
  for (size_t n = 0; n < writing_.size() && n < (*reply)->count; ++n) {
    Item& item = page_[writing_[n]];
    const redis::Reply& now = (**reply)[n];
    if (!now.is_text() || now.text == item.json) continue;
    another = true;
    item.json = std::string(now.text);
    item.record = parse_user_record(item.field, item.json);
  }
  another ? look() : next_server();
}

// ---- from one part to the next

void UserKeeper::next_server() {
  for (++at_; at_ < servers_.size(); ++at_)
    if (servers_.usable(at_)) return look();
  next_page();
}

// What a primary refuses ends the pass; a replica is left out.
void UserKeeper::refused() {
  if (!servers_.is_replica(at_)) return fail(*refusal_);
  if (replica_problem_.should_log(server() + refusal_->message, mono_now()))
    log_.warn("users_not_kept", {{"replica", server()}, {"error", refusal_->message}});
  book_.forget(server());
  next_server();
}

void UserKeeper::next_page() {
  state_.to(State::kPausing);
  if (cursor_ == "0") return finish();
  timer_.once(settled_ ? kRest * (mono_now() - page_began_) : Duration(0));
}

void UserKeeper::finish() {
  state_.to(State::kResting);
  problem_.reset();
  settled_ = true;
  Duration rest = kPeriod;
  if (next_change_ != 0) {
    auto until = std::chrono::microseconds(std::max<int64_t>(next_change_ * 1'000'000 - wall_now(), 0));
    rest = std::min<Duration>(rest, until + std::chrono::milliseconds(1));
  }
  timer_.once(rest);
  listener_.on_users_kept(users_);
}

void UserKeeper::fail(const Error& why) {
  state_.to(State::kResting);
  if (problem_.should_log(why.message, mono_now())) log_.warn("users_not_kept", {{"error", why.message}});
  timer_.once(kPeriod);
  listener_.on_users_failed(why);
}

}  // namespace mas::registry
