// Requests, letters, moves.
#include "daemons/gatewayd/replay/replay_mover.h"

#include <utility>

#include "daemons/gatewayd/replay/replay_frame.h"
#include "proto/base/ids.h"
#include "proto/base/numbers.h"
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

// KEYS: requests, queue, list. ARGV: request, frame; without a frame the request is only removed.
// A letter leaves the queue only while this takes entries, since it may have to come back.
// @return 1 moved, 0 not there (any more), a text: why it waits.
constexpr std::string_view kMove = R"lua(
local moved = 0
if ARGV[2] ~= '' then
  local probe = redis.pcall('XADD', KEYS[2], '*', 'reason', 'a probe')
  if type(probe) == 'string' then redis.call('XDEL', KEYS[2], probe) end
  local size = redis.pcall('LLEN', KEYS[3])
  for i, tried in ipairs({probe, size}) do
    if type(tried) == 'table' then
      redis.call('LREM', KEYS[1], 1, ARGV[1])
      redis.call('RPUSH', KEYS[1], ARGV[1])
      return KEYS[i + 1] .. ': ' .. tried.err
    end
  end
  moved = redis.call('XDEL', KEYS[2], ARGV[1])
  if moved == 1 then redis.call('RPUSH', KEYS[3], ARGV[2]) end
end
redis.call('LREM', KEYS[1], 1, ARGV[1])
return moved
)lua";

// On a cluster, to the sender's partition, which is in another slot than the letter. KEYS: its queue, list. ARGV:
// frame. @return 1 pushed, a text: why not.
constexpr std::string_view kPush = R"lua(
local probe = redis.pcall('XADD', KEYS[1], 'NOMKSTREAM', '*', 'reason', 'a probe')
if type(probe) == 'string' then redis.call('XDEL', KEYS[1], probe) end
local size = redis.pcall('LLEN', KEYS[2])
for i, tried in ipairs({probe or '', size}) do
  if type(tried) == 'table' then return KEYS[i] .. ': ' .. tried.err end
end
redis.call('RPUSH', KEYS[2], ARGV[1])
return 1
)lua";

// Behind it, where it was done. A gateway that dies between replays the letter twice. KEYS: requests, queue. ARGV:
// request. @return as above.
constexpr std::string_view kDrop = R"lua(
local moved = redis.call('XDEL', KEYS[2], ARGV[1])
redis.call('LREM', KEYS[1], 1, ARGV[1])
return moved
)lua";

// Behind it, where it was not: the others go first. KEYS: requests. ARGV: request.
constexpr std::string_view kLast = R"lua(
if redis.call('LREM', KEYS[1], 1, ARGV[1]) > 0 then redis.call('RPUSH', KEYS[1], ARGV[1]) end
return 0
)lua";

/// @param fields of the entry: names and values.
ReplayedLetter letter_of(const redis::Reply& fields) {
  ReplayedLetter letter;
  for (size_t i = 0; i + 1 < fields.count; i += 2) {
    std::string_view name = fields[i].text, value = fields[i + 1].text;
    if (name == "payload") letter.payload = value;
    if (name == "sender") letter.sender = value;
    if (name == "attempts") letter.attempts = leading_number<uint32_t>(value);
    if (name == "first") letter.first = leading_number<WallMicros>(value);
  }
  return letter;
}

}  // namespace

ReplayMover::ReplayMover(common::Frame& frame, std::string ns, const HmacKey& key, size_t max_envelope)
    : frame_(frame),
      redis_(frame.redis()),
      keys_(frame.keys()),
      ns_(std::move(ns)),
      key_(key),
      letter_bytes_(2 * max_envelope),
      archive_(keys_, ns_, key),
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
      redis::add_bounded(command, {.text = letter_bytes_, .whole = 2 * letter_bytes_},
                         {"XRANGE", keys_.dead_letters(place_), request.text, request.text});
  }
  more_ = requests.count == kLetters || requests_.size() + refused < requests.count;
  if (requests_.empty()) return next_place();
  pushes_ = {};
  pushed_.clear();
  moves_ = {};
  archive_move_ = {};
  send(State::kLetters, command);
}

/// A request that is no id is answered with this error, and one whose letter is gone with nothing: both are removed.
/// Any other error says nothing about the request, which waits.
void ReplayMover::take_letter(const std::string& request, const redis::Reply& entries) {
  const bool no_id = entries.is_error() && entries.text.starts_with("ERR Invalid stream ID");
  if (!entries.is_array() && !no_id) return waits(keys_.dead_letters(place_), entries);
  std::string frame;
  unsigned partition = place_;
  if (entries.is_array() && entries.count == 1 && entries[0].count == 2) {
    auto made = frame_of(request, entries[0][1], partition);
    if (made)
      frame = std::move(*made);
    else
      frame_.log().warn("replay_refused", {{"letter", printable(request)}, {"why", made.error().message}});
  }
  if (frame.empty()) partition = place_;
  const std::string list = keys_.ingress(partition);
  if (keys_.placed(0) == keys_.placed(1) || partition == place_) {
    moves_.add("EVAL", kMove, 3, keys_.replays(place_), keys_.dead_letters(place_), list, request, frame);
    return;
  }
  pushes_.add("EVAL", kPush, 2, keys_.dead_letters(partition), list, frame);
  pushed_.push_back({request, false});
}

Result<std::string> ReplayMover::frame_of(const std::string& request, const redis::Reply& fields,
                                          unsigned& ret_partition) const {
  for (size_t i = 0; i + 1 < fields.count; i += 2) {
    const std::string what = keys_.dead_letters(place_) + ": letter " + request + ": " + printable(fields[i].text, 100);
    if (auto fits = redis::check_text(what, fields[i + 1], letter_bytes_); !fits) return fits.error();
  }
  const ReplayedLetter letter = letter_of(fields);
  ret_partition = partition_of(letter.sender, partitions_);
  return replay_frame(letter, ns_, ret_partition, key_);
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
  for (const Pushed& one : pushed_) {
    if (one.done)
      moves.add("EVAL", kDrop, 2, keys_.replays(place_), keys_.dead_letters(place_), one.request);
    else
      moves.add("EVAL", kLast, 1, keys_.replays(place_), one.request);
  }
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
