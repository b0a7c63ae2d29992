// Verdicts and due times of agents.
#include "daemons/healthd/liveness.h"

#include <algorithm>

namespace mas::health {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A heartbeat is looked at this long after it should be gone: PTTL counts whole milliseconds.
constexpr Duration kSlack = milliseconds(2);
// First wait of an agent that is awaited, and of one that is INACTIVE; they double up to the longest.
constexpr Duration kFirstWaiting = milliseconds(250);
constexpr Duration kFirstInactive = seconds(1);
constexpr Duration kLongestAbsent = seconds(10);
// With many absent agents the waits grow further, so that all of them together cost at most this many looks a second.
constexpr size_t kAbsentLooksPerSecond = 2000;
// A registration that is seen without a heartbeat gets at least this long, whatever its clock says: the entry is
// written before the first heartbeat.
constexpr Duration kSettle = seconds(1);
constexpr Duration kRetry = seconds(1);
// An agent that stops says so first and deletes its entry then.
constexpr Duration kDeletion = milliseconds(500);
// A review looks at everybody within this.
constexpr Duration kReviewSpread = seconds(1);

Duration micros(int64_t n) { return std::chrono::microseconds(n); }

}  // namespace

std::string_view agent_state_text(AgentState state) {
  constexpr std::string_view kTexts[kAgentStates] = {"unknown", "waiting", "active", "inactive", "suppressed"};
  return kTexts[static_cast<size_t>(state)];
}

bool Liveness::learn(std::string_view id, MonoTime now) {
  if (knows(id)) return true;
  if (index_.size() >= options_.max_agents || count(AgentState::kUnknown) >= options_.max_unknown) return false;
  if (free_.empty()) {
    free_.push_back(static_cast<AgentRef>(agents_.size()));
    agents_.emplace_back();
  }
  AgentRef ref = free_.back();
  free_.pop_back();
  auto place = index_.emplace(std::string(id), ref).first;
  agents_[ref] = WatchedAgent{};
  agents_[ref].id = &place->first;
  ++counts_[static_cast<size_t>(AgentState::kUnknown)];
  wheel_.set(ref, now);
  return true;
}

bool Liveness::hint(std::string_view id, Hint hint, MonoTime now) {
  auto found = index_.find(id);
  if (found == index_.end()) return hint == Hint::kExpired || hint == Hint::kGone || learn(id, now);
  WatchedAgent& agent = agents_[found->second];
  // A beat says nothing new about an agent that is known to beat.
  if (hint == Hint::kBeat && agent.beating) return true;
  agent.misses = 0;
  if (agent.taken) {
    agent.hinted = true;
  } else {
    wheel_.set(found->second, hint == Hint::kGone ? now + kDeletion : now);
  }
  return true;
}

void Liveness::take_due(MonoTime now, size_t max, std::vector<AgentRef>& ret_agents) {
  size_t first = ret_agents.size();
  wheel_.take_due(now, first + max, ret_agents);
  for (size_t i = first; i < ret_agents.size(); ++i) agents_[ret_agents[i]].taken = true;
}

StatusChange Liveness::observe(AgentRef ref, const Sight& sight, Now now) {
  if (!sight.entry) {
    // A hint that came meanwhile may be about a new entry.
    if (agents_[ref].hinted) {
      look_at(ref, now.mono, now.mono);
    } else {
      forget(ref);
    }
    return StatusChange::kNone;
  }
  note_registration(agents_[ref], sight, now);
  if (sight.pttl_ms == Sight::kNoHeartbeat) return observe_silent(ref, sight, now);
  return observe_beating(ref, sight, now.mono);
}

void Liveness::note_registration(WatchedAgent& agent, const Sight& sight, Now now) {
  bool first = agent.registered_seen == MonoTime::min();
  if (!first && agent.registered_at == sight.registered_at) return;
  agent.registered_at = sight.registered_at;
  agent.registered_seen = now.mono;
  agent.beaten_at = MonoTime::min();
  agent.misses = 0;
}

StatusChange Liveness::observe_beating(AgentRef ref, const Sight& sight, MonoTime now) {
  WatchedAgent& agent = agents_[ref];
  agent.beating = true;
  agent.beaten_at = now;
  agent.misses = 0;
  agent.expiry = MonoTime::min();
  if (sight.pttl_ms >= 0) {
    // Years away is as good as never, and does not overflow.
    auto left = std::min<int64_t>(sight.pttl_ms, UINT32_MAX);
    agent.ttl_ms = std::max(agent.ttl_ms, static_cast<uint32_t>(left));
    agent.expiry = now + milliseconds(left);
  }

  if (sight.status != Sight::Status::kInactive) {
    // Also after a suppression: an agent that registered anew said itself that it is there.
    agent.suppressed = false;
    set_state(agent, AgentState::kActive);
    look_at(ref, beating_due(agent, now), now);
    return StatusChange::kNone;
  }
  if (agent.suppressed && agent.penalty.at(now, options_.damping) > options_.damping.reuse) {
    set_state(agent, AgentState::kSuppressed);
    MonoTime reuse = agent.penalty.reuse_time(now, options_.damping) + kSlack;
    look_at(ref, std::min(beating_due(agent, now), reuse), now);
    return StatusChange::kNone;
  }
  set_state(agent, AgentState::kInactive);
  return StatusChange::kSetActive;
}

StatusChange Liveness::observe_silent(AgentRef ref, const Sight& sight, Now now) {
  WatchedAgent& agent = agents_[ref];
  if (agent.beating && agent.suppressed) agent.penalty.add_flap(now.mono, options_.damping);
  agent.beating = false;
  if (sight.status != Sight::Status::kActive) {
    set_state(agent, agent.suppressed ? AgentState::kSuppressed : AgentState::kInactive);
    look_at(ref, now.mono + absent_interval(kFirstInactive, agent.misses), now.mono);
    if (agent.misses < UINT8_MAX) ++agent.misses;
    return StatusChange::kNone;
  }
  set_state(agent, AgentState::kWaiting);
  MonoTime until = deadline(agent, now);
  // After a standstill heartbeats may be waiting in sockets: the first late answer does not count.
  if (sight.late && agent.misses == 0) until = std::max(until, now.mono + kRetry);
  if (now.mono >= until) return StatusChange::kSetInactive;
  look_at(ref, std::min(until, now.mono + absent_interval(kFirstWaiting, agent.misses)), now.mono);
  if (agent.misses < UINT8_MAX) ++agent.misses;
  return StatusChange::kNone;
}

// When an agent that beats should be looked at: when its heartbeat is to expire, but not later than the default, since
// an agent may shorten its heartbeat's life, or delete it, at any time.
MonoTime Liveness::beating_due(const WatchedAgent& agent, MonoTime now) const {
  MonoTime latest = now + options_.default_ttl;
  return agent.expiry == MonoTime::min() ? latest : std::min(latest, agent.expiry + kSlack);
}

// From when a silent agent counts as dead.
MonoTime Liveness::deadline(const WatchedAgent& agent, Now now) const {
  Duration ttl = ttl_of(agent);
  // When it registered on our clock. It cannot have been later than we saw it, whatever its own clock says.
  MonoTime registered = agent.registered_seen;
  Duration age = micros(std::clamp<int64_t>(now.wall - agent.registered_at, 0, int64_t{1} << 50));
  registered = std::min(registered, now.mono - age);

  MonoTime until = MonoTime::min();
  bool beat_since_registered = agent.beaten_at != MonoTime::min();
  if (!beat_since_registered) until = std::max(registered + ttl, agent.registered_seen + kSettle);
  bool had_to_find_back = resumed_ != MonoTime::min() && registered < resumed_ && agent.beaten_at < resumed_;
  if (had_to_find_back) until = std::max(until, resumed_ + ttl);
  return until;
}

void Liveness::look_failed(AgentRef ref, MonoTime now) { look_at(ref, now + kRetry, now); }

Liveness::Written Liveness::wrote(AgentRef ref, StatusChange change, bool applied, MonoTime now) {
  WatchedAgent& agent = agents_[ref];
  Written written;
  if (!applied) {
    // The world moved between the look and the write: look again, at growing intervals if it keeps disagreeing.
    look_at(ref, now + absent_interval(kFirstWaiting, agent.misses), now);
    if (agent.misses < UINT8_MAX) ++agent.misses;
    return written;
  }
  agent.misses = 0;
  if (change == StatusChange::kSetActive) {
    agent.suppressed = false;
    set_state(agent, AgentState::kActive);
    look_at(ref, beating_due(agent, now), now);
    return written;
  }
  agent.penalty.add_flap(now, options_.damping);
  written.flapping = !agent.suppressed && agent.penalty.at(now, options_.damping) >= options_.damping.suppress;
  agent.suppressed = agent.suppressed || written.flapping;
  if (agent.expiry != MonoTime::min()) written.lateness = std::max(Duration(0), now - agent.expiry);
  set_state(agent, agent.suppressed ? AgentState::kSuppressed : AgentState::kInactive);
  look_at(ref, now + kFirstInactive, now);
  return written;
}

void Liveness::resume(MonoTime since, MonoTime now) {
  excuse(since);
  review(now);
}

void Liveness::review(MonoTime now) {
  size_t total = std::max<size_t>(index_.size(), 1);
  size_t i = 0;
  for (AgentRef ref = 0; ref < agents_.size(); ++ref) {
    WatchedAgent& agent = agents_[ref];
    if (agent.id == nullptr || agent.taken) continue;
    agent.misses = 0;
    wheel_.set(ref, now + kReviewSpread / static_cast<int64_t>(total) * static_cast<int64_t>(i++));
  }
}

Duration Liveness::ttl_of(const WatchedAgent& agent) const {
  return agent.ttl_ms == 0 ? options_.default_ttl : Duration(milliseconds(agent.ttl_ms));
}

Duration Liveness::absent_interval(Duration first, uint8_t misses) const {
  Duration doubled = std::min<Duration>(first * (int64_t{1} << std::min<unsigned>(misses, 6)), kLongestAbsent);
  size_t absent = count(AgentState::kWaiting) + count(AgentState::kInactive) + count(AgentState::kSuppressed);
  Duration fair = Duration(seconds(1)) / static_cast<int64_t>(kAbsentLooksPerSecond) * static_cast<int64_t>(absent);
  return std::max(doubled, fair);
}

// Ends a look or a write: the agent is no longer taken.
void Liveness::look_at(AgentRef ref, MonoTime due, MonoTime now) {
  WatchedAgent& agent = agents_[ref];
  wheel_.set(ref, agent.hinted ? now : due);
  agent.taken = false;
  agent.hinted = false;
}

void Liveness::set_state(WatchedAgent& agent, AgentState state) {
  --counts_[static_cast<size_t>(agent.state)];
  ++counts_[static_cast<size_t>(state)];
  agent.state = state;
}

void Liveness::forget(AgentRef ref) {
  WatchedAgent& agent = agents_[ref];
  --counts_[static_cast<size_t>(agent.state)];
  index_.erase(index_.find(*agent.id));
  agent = WatchedAgent{};
  wheel_.remove(ref);
  free_.push_back(ref);
}

}  // namespace mas::health
