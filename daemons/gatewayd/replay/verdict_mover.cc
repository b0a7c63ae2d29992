// Requests, messages, moves.
#include "daemons/gatewayd/replay/verdict_mover.h"

#include <utility>

#include "daemons/gatewayd/replay/replay_frame.h"
#include "proto/base/ids.h"
#include "proto/base/numbers.h"
#include "proto/redis/bounded_answer.h"
#include "proto/wire/partitions.h"

namespace mas::gateway {
namespace {

using State = VerdictMover::State;

constexpr auto kStates = transitions<State>({{State::kIdle, State::kLooking},
                                             {State::kLooking, State::kLooking},  // at the next place
                                             {State::kLooking, State::kReading},
                                             {State::kLooking, State::kIdle},
                                             {State::kReading, State::kMoving},
                                             {State::kReading, State::kLooking},  // nothing can be moved here now
                                             {State::kReading, State::kIdle},
                                             {State::kMoving, State::kLooking},
                                             {State::kMoving, State::kIdle}});

constexpr size_t kAtOnce = 16;  // messages: they may be large
constexpr std::string_view kVerdictNames[] = {"granted", "denied", "expired"};

// KEYS: requests, stream. ARGV: how many of each, bytes of a request, milliseconds that a message is held; by Redis's
// clock, which gave the entries their ids. A request that is longer is removed, and answered by its length.
// @return requests, ids of messages whose time is over.
constexpr std::string_view kLook = R"lua(
local requests = redis.call('LRANGE', KEYS[1], 0, ARGV[1] - 1)
for i, request in ipairs(requests) do
  if #request > tonumber(ARGV[2]) then
    redis.call('LREM', KEYS[1], 1, request)
    requests[i] = #request
  end
end
local time = redis.call('TIME')
local oldest = time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[3]
local ids = {}
if oldest > 0 then
  local over = redis.call('XRANGE', KEYS[2], '-', string.format('%.0f', oldest), 'COUNT', ARGV[1])
  for i, entry in ipairs(over) do ids[i] = entry[1] end
end
return {requests, ids}
)lua";

// KEYS: requests, stream, list, dead letters. ARGV: request or nothing, entry, frame or nothing, 1 where the entry goes
// without one, 1 where the message becomes a dead letter when it is refused.
// @return 1 moved, 0 not there (any more), a text: why it waits.
constexpr std::string_view kMove = R"lua(
local moved = 0
local function waits(key, why)
  if ARGV[1] ~= '' and type(redis.pcall('RPUSH', KEYS[1], ARGV[1])) == 'number' then
    redis.call('LREM', KEYS[1], 1, ARGV[1])
  end
  return key .. ': ' .. why
end
if ARGV[3] ~= '' then
  if #redis.call('XRANGE', KEYS[2], ARGV[2], ARGV[2]) == 1 then
    if ARGV[5] == '1' then
      local probe = redis.pcall('XADD', KEYS[4], '*', 'reason', 'a probe')
      if type(probe) == 'table' then return waits(KEYS[4], probe.err) end
      redis.call('XDEL', KEYS[4], probe)
    end
    local pushed = redis.pcall('RPUSH', KEYS[3], ARGV[3])
    if type(pushed) == 'table' then return waits(KEYS[3], pushed.err) end
    moved = redis.call('XDEL', KEYS[2], ARGV[2])
  end
elseif ARGV[4] == '1' then
  moved = redis.call('XDEL', KEYS[2], ARGV[2])
end
if ARGV[1] ~= '' then redis.call('LREM', KEYS[1], 1, ARGV[1]) end
return moved
)lua";

std::string credential_of(const VerdictRequest& asked) {
  std::string text(kVerdictKeys[static_cast<size_t>(asked.verdict)]);
  if (asked.verdict != Verdict::kExpired) text.append(" ").append(asked.who);
  return text;
}

}  // namespace

VerdictMover::VerdictMover(common::Frame& frame, std::string ns, const HmacKey& mac, size_t max_envelope)
    : frame_(frame),
      redis_(frame.redis()),
      keys_(frame.keys()),
      ns_(std::move(ns)),
      mac_(mac),
      message_bytes_(2 * max_envelope),
      state_(State::kIdle, kStates) {
  for (size_t i = 0; i < ended_.size(); ++i)
    ended_[i] = &frame.metrics().counter("approval_verdicts_total",
                                         "Held messages that were handed to a partition with a verdict, by verdict.",
                                         {{"verdict", std::string(kVerdictNames[i])}});
}

void VerdictMover::look(size_t partitions, Duration expires) {
  if (!state_.is(State::kIdle) || partitions == 0) return;
  partitions_ = partitions;
  expires_ = expires;
  place_ = 0;
  waited_ = false;
  ask();
}

void VerdictMover::cancel() {
  redis_.forget(this);
  finish();
}

void VerdictMover::finish() {
  if (!state_.is(State::kIdle)) state_.to(State::kIdle);
}

void VerdictMover::send(State state, const redis::Command& command) {
  state_.to(state);
  replies_due_ = command.count();
  if (!redis_.send(command, redis::reply_to<&VerdictMover::on_reply>(this))) finish();
}

void VerdictMover::next_place() {
  if (++place_ >= keys_.places(partitions_)) return finish();
  waited_ = false;
  ask();
}

void VerdictMover::ask() {
  send(State::kLooking, redis::Command("EVAL", kLook, 2, keys_.approvals(place_), keys_.held(place_), kAtOnce,
                                       kVerdictRequestBytes, to_millis(expires_)));
}

void VerdictMover::read(const redis::Reply& found) {
  jobs_.clear();
  if (!found.is_array() || found.count != 2 || !found[0].is_array() || !found[1].is_array()) {
    waits(keys_.held(place_) + ": " + (found.is_error() ? printable(found.text, 200) : "an answer of another type"));
    return next_place();
  }
  for (const auto& request : found[0]) add_request(request);
  for (const auto& id : found[1]) jobs_.push_back({{}, {Verdict::kExpired, std::string(id.text), {}}});
  more_ = found[0].count == kAtOnce || found[1].count == kAtOnce;
  if (jobs_.empty()) return next_place();
  redis::Command command;
  for (const Job& job : jobs_)
    redis::add_bounded(command, {.text = message_bytes_, .whole = 2 * message_bytes_},
                       {"XRANGE", keys_.held(place_), job.asked.entry, job.asked.entry});
  moves_ = {};
  moving_.clear();
  send(State::kReading, command);
}

/// What is no request is removed as one whose message is gone.
void VerdictMover::add_request(const redis::Reply& request) {
  if (!request.is_text()) return;  // its length: it was removed
  auto asked = parse_verdict_request(request.text);
  if (!asked) frame_.log().warn("approval_refused", {{"request", printable(request.text, 100)}});
  jobs_.push_back({std::string(request.text), asked ? std::move(*asked) : VerdictRequest{{}, "0-1", {}}});
}

void VerdictMover::take_message(size_t number, const redis::Reply& entries) {
  const Job& job = jobs_[number];
  const bool there = entries.is_array() && entries.count == 1 && entries[0].count == 2;
  std::string frame;
  unsigned partition = place_;
  std::string_view drops = "0";
  if (there) {
    auto made = frame_of(job, entries[0][1], partition);
    if (made) {
      frame = std::move(*made);
    } else {
      drops = job.asked.verdict == Verdict::kGranted ? "0" : "1";
      frame_.log().error("held_message_unreadable",
                         {{"entry", keys_.held(place_) + " " + job.asked.entry}, {"why", made.error().message}});
    }
  } else if (!entries.is_array()) {
    waits(keys_.held(place_) + ": " + printable(entries.text, 200));
    return;
  } else if (!job.request.empty()) {
    frame_.log().warn("approval_without_message", {{"request", printable(job.request, 300)}});
  }
  const std::string_view keeps = job.asked.verdict == Verdict::kGranted ? "1" : "0";
  moves_.add("EVAL", kMove, 4, keys_.approvals(place_), keys_.held(place_), keys_.ingress(partition),
             keys_.dead_letters(place_), job.request, job.asked.entry, frame, drops, keeps);
  moving_.push_back(number);
}

Result<std::string> VerdictMover::frame_of(const Job& job, const redis::Reply& fields, unsigned& ret_partition) const {
  ReplayedLetter letter;
  letter.flags = 0;  // as a rule it was never delivered
  for (size_t i = 0; i + 1 < fields.count; i += 2) {
    if (auto fits = redis::check_text(printable(fields[i].text, 100), fields[i + 1], message_bytes_); !fits)
      return fits.error();
    if (fields[i].text == "payload") letter.payload = fields[i + 1].text;
    if (fields[i].text == "sender") letter.sender = fields[i + 1].text;
    if (fields[i].text == "replayed" && fields[i + 1].text == "1") letter.flags = Record::kReplayed;
    if (fields[i].text == "since") letter.first = leading_number<WallMicros>(fields[i + 1].text);
  }
  const unsigned partition = partition_of(letter.sender, partitions_);
  const unsigned list = keys_.placed(partition) == place_ ? partition : place_;
  const std::string credential = credential_of(job.asked);
  letter.credential = credential;
  auto frame = replay_frame(letter, ns_, list, mac_);
  if (frame) ret_partition = list;
  return frame;
}

void VerdictMover::move() {
  if (moves_.count() == 0) return next_place();
  send(State::kMoving, std::exchange(moves_, {}));
}

void VerdictMover::moved(const Job& job, const redis::Reply& reply) {
  if (!reply.is_integer()) return waits(printable(reply.text, 200));
  if (reply.integer != 1) return;
  const auto verdict = static_cast<size_t>(job.asked.verdict);
  ended_[verdict]->add();
  if (!job.request.empty())
    frame_.log().info("approval",
                      {{"verdict", kVerdictNames[verdict]}, {"entry", job.asked.entry}, {"who", job.asked.who}});
}

/// This look ends; the next one asks again.
void VerdictMover::waits(const std::string& why) {
  waited_ = true;
  if (repeat_.should_log("waits", mono_now())) frame_.log().warn("approval_waits", {{"why", why}});
}

void VerdictMover::on_reply(uint64_t tag, const redis::Answer& answer) {
  if (state_.is(State::kIdle)) return;
  const bool last = --replies_due_ == 0;
  if (!answer.ok()) {  // the others of this place fail, too; another look asks again
    redis_.forget(this);
    return next_place();
  }
  const redis::Reply& reply = **answer;
  if (state_.is(State::kLooking)) return read(reply);
  if (state_.is(State::kReading)) {
    if (tag < jobs_.size()) take_message(tag, reply);
    if (last) move();
    return;
  }
  if (tag < moving_.size()) moved(jobs_[moving_[tag]], reply);
  if (!last) return;
  if (more_ && !waited_) return ask();
  next_place();
}

}  // namespace mas::gateway
