// Requests, letters, moves.
#include "daemons/gatewayd/replay/replay_mover.h"

#include <utility>

#include "proto/base/ids.h"
#include "proto/redis/bounded_answer.h"

namespace mas::gateway {
namespace {

using State = ReplayMover::State;

constexpr auto kMoves = transitions<State>({{State::kIdle, State::kRequests},
                                            {State::kRequests, State::kLetters},
                                            {State::kRequests, State::kIdle},
                                            {State::kRequests, State::kRequests},  // of the next place
                                            {State::kLetters, State::kRequests},
                                            {State::kLetters, State::kPushing},
                                            {State::kPushing, State::kMoving},
                                            {State::kPushing, State::kIdle},
                                            {State::kLetters, State::kMoving},
                                            {State::kLetters, State::kIdle},
                                            {State::kMoving, State::kRequests},
                                            {State::kMoving, State::kIdle}});

constexpr size_t kLetters = 16;               // at once: they may be large
constexpr size_t kRequestBytes = 256 * 1024;  // every second record of a full entry of the archive

// KEYS: requests. ARGV: the last one, bytes of one. What is longer is removed, and answered by its length.
constexpr std::string_view kRequests = R"lua(
local requests = redis.pcall('LRANGE', KEYS[1], 0, ARGV[1])
for i, request in ipairs(requests) do
  if #request > tonumber(ARGV[2]) then
    redis.call('LREM', KEYS[1], 1, request)
    requests[i] = #request
  end
end
return requests
)lua";

}  // namespace

ReplayMover::ReplayMover(common::Frame& frame, std::string ns, const HmacKey& key, size_t max_envelope)
    : frame_(frame),
      redis_(frame.redis()),
      keys_(frame.keys()),
      letters_(keys_, ns, key, max_envelope),
      archive_(keys_, std::move(ns), key),
      state_(State::kIdle, kMoves),
      moved_(frame.metrics().counter("replays_begun_total",
                                     "Dead letters that were handed to a partition for a new decision.")),
      archive_moved_(frame.metrics().counter("archive_replays_begun_total",
                                             "Archived messages that were handed to a partition for a new decision.")),
      archive_refused_(frame.metrics().counter(
          "archive_replays_refused_total", "Requests for archived messages that could not be fulfilled completely.")) {}

void ReplayMover::look(size_t partitions) {
  if (!state_.is(State::kIdle) || partitions == 0) return;
  partitions_ = partitions;
  place_ = 0;
  refused_ = false;
  ask_requests();
}

void ReplayMover::cancel() {
  redis_.forget(this);
  finish();
}

void ReplayMover::finish() {
  if (!state_.is(State::kIdle)) state_.to(State::kIdle);
}

void ReplayMover::send(State state, const redis::Command& command) {
  state_.to(state);
  replies_due_ = command.count();
  const auto to = redis::reply_to<&ReplayMover::on_reply>(this);
  // Commands of several slots, whose replies come in any order: the entry of the archive, pushes.
  const bool apart = state == State::kLetters || state == State::kPushing;
  if (!(apart ? redis_.scatter(command, to) : redis_.send(command, to))) finish();
}

/// On a cluster each partition has requests of its own.
void ReplayMover::next_place() {
  if (++place_ >= keys_.places(partitions_)) return finish();
  refused_ = false;
  ask_requests();
}

void ReplayMover::ask_requests() {
  send(State::kRequests, redis::Command("EVAL", kRequests, 1, keys_.replays(place_), kLetters - 1, kRequestBytes));
}

void ReplayMover::ask_letters(const redis::Reply& requests) {
  requests_.clear();
  if (!requests.is_array()) {
    waits(keys_.replays(place_), requests);
    return next_place();
  }
  redis::Command command;
  archived_ = false;
  size_t refused = 0;
  for (const auto& request : requests) {
    if (archived_) break;
    if (auto fits = redis::check_text("a request", request, kRequestBytes); !fits.ok()) {
      ++refused;
      frame_.log().warn("replay_refused", {{"letter", keys_.replays(place_)}, {"why", fits.error().message}});
      continue;
    }
    requests_.emplace_back(request.text);
    archived_ = archive::is_archive_request(request.text);
    if (archived_)
      archive_.append_read(command, request.text);
    else
      letters_.append_read(command, place_, request.text);
  }
  more_ = requests.count == kLetters || requests_.size() + refused < requests.count;
  if (requests_.empty()) return next_place();
  pushes_ = {};
  pushed_.clear();
  moves_ = {};
  archive_move_ = {};
  send(State::kLetters, command);
}

void ReplayMover::take_letter(const std::string& request, const redis::Reply& entries) {
  if (!LetterReplay::answered(entries)) return waits(keys_.dead_letters(place_), entries);
  const auto [pushed, fits] = letters_.append_move(moves_, pushes_, place_, request, entries, partitions_);
  if (pushed) pushed_.push_back({request, false});
  if (!fits.ok()) frame_.log().warn("replay_refused", {{"letter", printable(request)}, {"why", fits.error().message}});
}

/// This look ends; the next one asks again.
void ReplayMover::waits(std::string_view key, const redis::Reply& reply) {
  waits(std::string(key) + ": " + (reply.is_error() ? printable(reply.text, 200) : "an answer of another type"));
}

void ReplayMover::waits(const std::string& why) {
  refused_ = true;
  if (repeat_.should_log("waits", mono_now())) frame_.log().warn("replay_waits", {{"why", why}});
}

void ReplayMover::take_archived(const std::string& request, const redis::Reply& entries) {
  if (archive::parse_request(request) && !entries.is_array()) return waits("the archive", entries);
  auto status = archive_.append_move(archive_move_, place_, request, entries, partitions_);
  if (status) return;
  archive_refused_.add();
  frame_.log().error("archive_replay_refused", {{"request", printable(request, 200)}, {"why", status.error().message}});
}

void ReplayMover::push() {
  if (pushes_.count() == 0) return move();
  send(State::kPushing, std::exchange(pushes_, {}));
}

/// Letters that were pushed go, whatever became of others: they would be pushed again by each look.
void ReplayMover::move() {
  redis::Command moves;
  for (const Pushed& one : pushed_)
    one.done ? letters_.append_drop(moves, place_, one.request) : letters_.append_last(moves, place_, one.request);
  moves.add(std::exchange(moves_, {})).add(std::exchange(archive_move_, {}));
  if (moves.count() == 0) return next_place();
  send(State::kMoving, moves);
}

void ReplayMover::took_push(uint64_t tag, const redis::Answer& answer) {
  Pushed& one = pushed_[tag];
  if (!answer.ok()) return waits(answer.error().message);
  const redis::Reply& reply = **answer;
  one.done = reply.is_integer() && reply.integer == 1;
  if (!one.done) waits(printable(reply.text, 200));
}

void ReplayMover::took_move(bool archived, const redis::Reply& reply) {
  if (archived && reply.is_integer()) {
    if (reply.integer > 0) archive_moved_.add(static_cast<uint64_t>(reply.integer));
    refused_ = refused_ || reply.integer == ArchiveReplay::kBusy;
    return;
  }
  if (reply.is_integer() && reply.integer == 1) moved_.add();
  if (!reply.is_integer()) waits(printable(reply.text, 200));
}

/// What comes of it is not known; another look asks again.
void ReplayMover::skip_place() {
  redis_.forget(this);
  next_place();
}

void ReplayMover::on_reply(uint64_t tag, const redis::Answer& answer) {
  if (state_.is(State::kIdle)) return;
  const bool last = --replies_due_ == 0;
  if (state_.is(State::kPushing)) {
    took_push(tag, answer);
    return last ? move() : void();
  }
  if (!answer.ok()) return skip_place();  // the others fail, too
  const redis::Reply& reply = **answer;
  if (state_.is(State::kRequests)) return ask_letters(reply);
  if (state_.is(State::kLetters)) {
    if (archived_ && tag + 1 == requests_.size())
      take_archived(requests_[tag], reply);
    else
      take_letter(requests_[tag], reply);
    return last ? push() : void();
  }
  took_move(last && archived_, reply);
  if (!last) return;
  if (refused_ || !more_) return next_place();
  ask_requests();
}

}  // namespace mas::gateway
