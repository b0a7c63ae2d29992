// Entries and PTTL of many agents, then the scripts that write what follows.
#include "daemons/healthd/look_op.h"

#include "proto/base/numbers.h"
#include "proto/redis/hash_reads.h"
#include "proto/redis/refusals.h"
#include "proto/wire/agent_entry.h"
#include "proto/wire/events.h"

namespace mas::health {

namespace {

using State = LookOp::State;
constexpr auto kMoves = transitions<State>({{State::kIdle, State::kLooking},
                                            {State::kLooking, State::kWriting},
                                            {State::kLooking, State::kIdle},
                                            {State::kWriting, State::kIdle}});

// KEYS: entry, heartbeat. ARGV: channel, event. Both answer 1 if they wrote.
constexpr std::string_view kSetInactive = R"(
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
if redis.call('HGET', KEYS[1], 'status') ~= 'ACTIVE' then return 0 end
redis.call('HSET', KEYS[1], 'status', 'INACTIVE')
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1)";
constexpr std::string_view kSetActive = R"(
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
if redis.call('HGET', KEYS[1], 'status') ~= 'INACTIVE' then return 0 end
redis.call('HSET', KEYS[1], 'status', 'ACTIVE')
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1)";

constexpr std::string_view kFields[] = {"id", "status", "registered_at"};
constexpr size_t kBounds[] = {limits::kForeignAgentIdBytes, kEntryTextBytes, kEntryTextBytes};

Sight::Status status_of(std::string_view text) {
  if (text == kStatusActive) return Sight::Status::kActive;
  if (text == kStatusInactive) return Sight::Status::kInactive;
  return Sight::Status::kOther;
}

}  // namespace

WallMicros micros_of_seconds(std::string_view text) {
  const double seconds = parse_number<double>(text).value_or(0);
  return seconds > 0 && seconds < 1e12 ? static_cast<WallMicros>(seconds * 1e6) : 0;
}

LookOp::LookOp(redis::Client& redis, const Keys& keys, Liveness& liveness, Stats& stats, ServerClock& clock,
               LookListener& listener)
    : redis_(redis),
      keys_(keys),
      liveness_(liveness),
      stats_(stats),
      clock_(clock),
      listener_(listener),
      per_script_(redis.hashes_per_script()),
      state_(State::kIdle, kMoves) {}

Status LookOp::start(std::vector<AgentRef> agents) {
  redis::Command heartbeats;
  std::vector<std::string> entries;
  looks_.clear();
  for (AgentRef agent : agents) {
    const std::string& id = liveness_.id(agent);
    entries.push_back(keys_.agent(id));
    heartbeats.add("PTTL", keys_.heartbeat(id));
    looks_.push_back(Look{agent, {}});
  }
  redis::Command batch;
  redis::add_hash_reads(batch, entries, kFields, kBounds, per_script_);
  batch.add(heartbeats);
  answered_ = 0;
  status_ = Status();
  sent_ = mono_now();
  state_.to(State::kLooking);
  clock_.ask();
  Status sent = redis_.scatter(batch, redis::reply_to<&LookOp::on_sight>(this));
  if (!sent.ok()) {
    cancel();
    return sent;
  }
  stats_.lookups.add(looks_.size());
  return {};
}

void LookOp::cancel() {
  if (idle()) return;
  redis_.forget(this);
  MonoTime now = mono_now();
  for (Look& look : looks_)
    if (look.open) liveness_.look_failed(look.agent, now);
  state_.to(State::kIdle);
}

// ---- looking

void LookOp::on_sight(uint64_t tag, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  size_t scripts = redis::hash_scripts(looks_.size(), per_script_);
  if (tag < scripts) return take_entries(tag * per_script_, reply);
  Look& look = looks_[tag - scripts];
  if (reply.ok()) {
    look.sight.pttl_ms = (*reply)->is_integer() ? (*reply)->integer : Sight::kNoHeartbeat;
  } else {
    note_failure(look, reply.error());
  }
  end_look(look);
  if (++answered_ == looks_.size()) write();
}

void LookOp::take_entries(size_t first, const redis::Answer& reply) {
  size_t end = std::min(first + per_script_, looks_.size());
  for (size_t i = first; i < end; ++i) {
    if (!reply.ok()) {
      note_failure(looks_[i], reply.error());
    } else if (i - first < (*reply)->count) {
      take_entry(looks_[i], (**reply)[i - first]);
    }
  }
}

// A key of another type under the entry's name is no entry, nor is one with a field that is too large to be read.
void LookOp::take_entry(Look& look, const redis::Reply& reply) {
  const std::string& id = liveness_.id(look.agent);
  redis::HashSeen seen = redis::hash_seen(reply);
  if (!seen.sizes.empty()) {
    const int64_t sizes[] = {seen.sizes[0], 0, 0, seen.sizes[1], seen.sizes[2]};
    Status status = check_agent_entry_sizes(sizes);
    return listener_.on_unreadable(id, status.ok() ? "a field is too large" : status.error().message);
  }
  if (seen.values.empty()) return;
  look.sight.entry = seen.values[0] == id;
  look.sight.status = status_of(seen.values[1].value_or(""));
  look.sight.registered_at = micros_of_seconds(seen.values[2].value_or(""));
}

void LookOp::end_look(Look& look) {
  MonoTime now = mono_now();
  if (look.failed) {
    liveness_.look_failed(look.agent, now);
    look.open = false;
    return;
  }
  look.sight.late = now - sent_ > kStall;
  if (look.sight.late) stats_.late_looks.add();
  look.change = liveness_.observe(look.agent, look.sight, Now{now, wall_now()});
  look.open = look.change != StatusChange::kNone;
}

// ---- writing

void LookOp::write() {
  writes_.clear();
  redis::Command batch;
  WallMicros now = wall_now();
  for (size_t i = 0; i < looks_.size(); ++i) {
    if (looks_[i].change == StatusChange::kNone) continue;
    writes_.push_back(i);
    bool up = looks_[i].change == StatusChange::kSetActive;
    const std::string& id = liveness_.id(looks_[i].agent);
    std::string event = up ? agent_event(EventType::kAgentActive, id, "has a heartbeat again", now)
                           : agent_event(EventType::kAgentInactive, id, "no heartbeat", now);
    batch.add("EVAL", up ? kSetActive : kSetInactive, 2, keys_.agent(id), keys_.heartbeat(id), keys_.system_channel(),
              event);
  }
  if (writes_.empty()) return finish();
  answered_ = 0;
  Status sent = redis_.scatter(batch, redis::reply_to<&LookOp::on_written>(this));
  if (sent.ok()) return state_.to(State::kWriting);
  for (size_t i : writes_) note_failure(looks_[i], sent.error());
  for (size_t i : writes_) end_write(looks_[i], false);
  finish();
}

void LookOp::on_written(uint64_t tag, const redis::Answer& answer) {
  Look& look = looks_[writes_[tag]];
  auto reply = redis::checked(answer);
  if (answer.ok() && redis::refuses_all_writes(**answer)) listener_.on_writes_refused();
  if (!reply.ok()) note_failure(look, reply.error());
  end_write(look, reply.ok() && (*reply)->is_integer() && (*reply)->integer == 1);
  if (++answered_ == writes_.size()) finish();
}

void LookOp::end_write(Look& look, bool applied) {
  MonoTime now = mono_now();
  look.open = false;
  if (look.failed) return liveness_.look_failed(look.agent, now);
  auto written = liveness_.wrote(look.agent, look.change, applied, now);
  if (!applied) return;
  (look.change == StatusChange::kSetActive ? stats_.to_active : stats_.to_inactive).add();
  if (written.lateness) stats_.lateness.record(static_cast<uint64_t>(written.lateness->count()));
  if (written.flapping) listener_.on_flapping(liveness_.id(look.agent));
}

void LookOp::note_failure(Look& look, const Error& why) {
  look.failed = true;
  if (status_.ok()) status_ = why;
}

void LookOp::finish() {
  state_.to(State::kIdle);
  listener_.on_looked(status_);
}

}  // namespace mas::health
