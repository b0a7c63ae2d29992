// Passes over the records and users.
#include "daemons/registryd/user_keeper.h"

#include <algorithm>
#include <utility>

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
constexpr int kRest = 3;

}  // namespace

UserKeeper::UserKeeper(uv_loop_t* loop, redis::Client& redis, const Keys& keys, redis::ConnectionOptions options,
                       common::Log& log, UserKeeperListener& listener)
    : redis_(redis),
      keys_(keys),
      log_(log),
      listener_(listener),
      state_(State::kResting, kMoves),
      timer_(loop, [this] { on_timer(); }),
      page_(keys, log,
            {keys, kDefaultPartitions, options.endpoint.db != 0,
             options.endpoint.topology == redis::Topology::kSentinel}),
      servers_(loop, redis, std::move(options), [this] { count(); }) {}

void UserKeeper::start() { begin(); }

void UserKeeper::on_timer() {
  if (state_.is(State::kResting)) return begin();
  read();
}

void UserKeeper::begin() {
  state_.to(State::kCounting);
  page_.begin_pass(wall_now() / 1'000'000);
  cursor_.assign(1, '0');
  users_ = 0;
  if (auto asked = servers_.find(); !asked.ok()) fail(asked.error());
}

void UserKeeper::count() {
  for (size_t i = 0; i < servers_.size(); ++i)
    if (servers_.is_new(i)) page_.forget(servers_.text(i));
  auto sent = redis_.send(redis::Command("HGET", keys_.config(), "partitions"),
                          redis::reply_to<&UserKeeper::on_partitions>(this, 0, kTextBytes));
  if (!sent.ok()) fail(sent.error());
}

void UserKeeper::on_partitions(uint64_t, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (!reply.ok()) return fail(reply.error());
  const auto field = PartitionsField::parse((*reply)->text);
  if (field.ok())
    page_.set_partitions(*field);
  else if (number_problem_.should_log(field.error().message, mono_now()))
    log_.warn("partitions_unreadable", {{"error", field.error().message}});
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
  page_.take(page[1]);
  users_ += page_.size();
  if (page_.size() == 0) return next_page();
  at_ = 0;
  look();
}

// ---- their users on one server

void UserKeeper::look() {
  state_.to(State::kLooking);
  missing_ = page_.size();
  refusal_.reset();
  if (auto sent = servers_.send(at_, page_.look(), redis::reply_to<&UserKeeper::on_seen>(this)); !sent.ok()) {
    refusal_ = sent.error();
    refused();
  }
}

void UserKeeper::on_seen(uint64_t i, const redis::Answer& answer) {
  if (!state_.is(State::kLooking)) return;
  auto reply = redis::checked(answer);
  if (!reply.ok()) refusal_ = reply.error();
  page_.saw(i, reply.ok() ? *reply : nullptr);
  if (--missing_ == 0) decide();
}

void UserKeeper::decide() {
  if (refusal_) return refused();
  page_.decide(server()) ? write() : next_server();
}

void UserKeeper::write() {
  state_.to(State::kWriting);
  auto [users, cuts] = page_.writes(server());
  missing_ = users.count();
  refusal_.reset();
  auto sent = servers_.send(at_, std::move(users), redis::reply_to<&UserKeeper::on_written>(this));
  if (!sent.ok()) {
    refusal_ = sent.error();
    return refused();
  }
  if (cuts.count() > 0)
    if (auto too = servers_.send(at_, std::move(cuts), {}); !too.ok()) refusal_ = too.error();
}

void UserKeeper::on_written(uint64_t tag, const redis::Answer& answer) {
  if (!state_.is(State::kWriting)) return;
  auto reply = redis::checked(answer);
  if (!reply.ok() && !refusal_) refusal_ = reply.error();
  if (reply.ok())
    if (auto status = page_.written(server(), tag, **reply); !status.ok()) refusal_ = status.error();
  if (--missing_ == 0) check();
}

// ---- whether the records are still those

void UserKeeper::check() {
  if (refusal_) return refused();
  state_.to(State::kChecking);
  const size_t removed = page_.removing(), written = page_.writing() - removed;
  log_.info("users_written", {{"written", written}, {"removed", removed}});
  listener_.on_users_changed(written, removed);
  auto sent = redis_.send(page_.check(), redis::reply_to<&UserKeeper::on_checked>(this, 0, kTextBytes));
  if (!sent.ok()) fail(sent.error());
}

void UserKeeper::on_checked(uint64_t, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (!reply.ok()) return fail(reply.error());
  page_.changed(**reply) ? look() : next_server();
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
  page_.forget(server());
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
  if (const int64_t change = page_.next_change(); change != 0) {
    auto until = std::chrono::microseconds(std::max<int64_t>(change * 1'000'000 - wall_now(), 0));
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
