// Who is alive: for every agent, what was last seen of it, when to look next, and what its entry should say.
//
// A look reads an agent's entry and the remaining life of its heartbeat. An agent that beats is looked at when its
// heartbeat is due to expire, so that a living one costs a look per beat or two and a dead one is seen at once:
//
//     learn() ──▶ unknown ──look──▶ active ◀───────────── beats, written ACTIVE ─────┐
//                    │               │  ▲ beats                                       │
//                    │ no heartbeat  ▼  │                                             │
//                    └────────────▶ waiting ── deadline passed, written INACTIVE ──▶ inactive ──too often──▶ suppressed
//                                                                                     ▲    stable, or registered anew │
//                                                                                     └───────────────────────────────┘
//
// waiting: the heartbeat is absent, but the status change is not due: the agent registered less than a time-to-live ago
// and was not seen beating since, or Redis itself was away (resume()) and the agent has to find back first.
// Nothing here trusts a hint: learn() and hint() only make a look come sooner. Whether a write took effect is decided
// in Redis (the scripts check again) and told by wrote().
// Bounds: agents at most `max_agents`, of them never looked at at most `max_unknown`.
// Pure: takes `now`. Threading: none.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/healthd/damping.h"
#include "daemons/healthd/timing_wheel.h"
#include "proto/base/clock.h"
#include "proto/base/keyed_map.h"

namespace mas::health {

enum class AgentState : uint8_t { kUnknown, kWaiting, kActive, kInactive, kSuppressed };
inline constexpr size_t kAgentStates = 5;
std::string_view agent_state_text(AgentState state);

/// What a look saw.
struct Sight {
  enum class Status : uint8_t { kActive, kInactive, kOther };
  static constexpr int64_t kNoHeartbeat = -2;  // as PTTL answers
  static constexpr int64_t kNoExpiry = -1;

  bool entry = false;              ///< `agent:{id}` has an `id`
  Status status = Status::kOther;  ///< kOther: neither; such an entry is not touched
  WallMicros registered_at = 0;    ///< 0: not said
  int64_t pttl_ms = kNoHeartbeat;
  bool late = false;  ///< the answer took so long that Redis, or we, may have stood still
};

/// The status change to be written, provided Redis still agrees.
enum class StatusChange : uint8_t { kNone, kSetInactive, kSetActive };

/// Why a look should come sooner.
enum class Hint : uint8_t {
  kEvent,    ///< an event on mas.system named the agent
  kGone,     ///< the same, and it is about to delete its entry
  kExpired,  ///< Redis says that the heartbeat expired
  kBeat,     ///< Redis says that the heartbeat was set
};

struct LivenessOptions {
  Duration default_ttl =
      std::chrono::seconds(60);  ///< for agents whose heartbeat was never seen; longest wait between looks
  DampingOptions damping;
  size_t max_agents = 1'000'000;
  size_t max_unknown = 20'000;
};

struct Now {
  MonoTime mono;
  WallMicros wall;
};

/// Names an agent between take_due() and the observe() or look_failed() that ends its look.
using AgentRef = uint32_t;

class Liveness {
 public:
  explicit Liveness(LivenessOptions options) : options_(options) {}
  void set_options(const LivenessOptions& options) { options_ = options; }

  /// An agent may exist. @return false when it is new and there is no room to remember it now.
  bool learn(std::string_view id, MonoTime now);
  /// Something happened to an agent. @return as learn().
  bool hint(std::string_view id, Hint hint, MonoTime now);
  bool knows(std::string_view id) const { return index_.find(id) != index_.end(); }

  /// Takes agents that are due for a look, at most `max`; each must come back by observe() or look_failed().
  void take_due(MonoTime now, size_t max, std::vector<AgentRef>& ret_agents);
  const std::string& id(AgentRef agent) const { return *agents_[agent].id; }

  /// Ends a look. After a status change other than kNone the agent is still taken until wrote(); an agent without an
  /// entry is forgotten and its reference void.
  StatusChange observe(AgentRef agent, const Sight& sight, Now now);
  /// Ends a look that saw nothing, or a write without an answer; the next try comes after a second.
  void look_failed(AgentRef agent, MonoTime now);

  struct Written {
    bool flapping = false;             ///< its suppression begins: say so
    std::optional<Duration> lateness;  ///< INACTIVE: how long after the heartbeat expired
  };
  /// Ends a write. @param applied whether Redis agreed and the entry has its new status.
  Written wrote(AgentRef agent, StatusChange change, bool applied, MonoTime now);

  /// Redis is there again after an absence that agents may have noticed: from `since` every agent has one time-to-live
  /// to beat again before it is declared dead. Everybody is looked at soon.
  void resume(MonoTime since, MonoTime now);
  /// Nobody could beat until `since`: from then every agent has one time-to-live, as after resume().
  void excuse(MonoTime since) { resumed_ = std::max(resumed_, since); }
  /// Everybody is looked at soon, for one who was not looking for a while.
  void review(MonoTime now);

  size_t agents() const { return index_.size(); }
  size_t count(AgentState state) const { return counts_[static_cast<size_t>(state)]; }

 private:
  struct WatchedAgent {
    const std::string* id = nullptr;       // the key in index_; null: a free place
    MonoTime expiry = MonoTime::min();     // of the heartbeat, as last seen; min: none, or it has none
    MonoTime beaten_at = MonoTime::min();  // last seen beating since it registered
    MonoTime registered_seen = MonoTime::min();
    WallMicros registered_at = 0;
    Penalty penalty;
    uint32_t ttl_ms = 0;  // longest remaining life seen; 0: none seen
    AgentState state = AgentState::kUnknown;
    uint8_t misses = 0;  // looks since it stopped beating
    bool beating = false;
    bool taken = false;
    bool hinted = false;  // a hint came while it was taken
    bool suppressed = false;
  };

  Duration ttl_of(const WatchedAgent& agent) const;
  void note_registration(WatchedAgent& agent, const Sight& sight, Now now);
  StatusChange observe_beating(AgentRef ref, const Sight& sight, MonoTime now);
  StatusChange observe_silent(AgentRef ref, const Sight& sight, Now now);
  MonoTime beating_due(const WatchedAgent& agent, MonoTime now) const;
  MonoTime deadline(const WatchedAgent& agent, Now now) const;
  Duration absent_interval(Duration first, uint8_t misses) const;
  void look_at(AgentRef ref, MonoTime due, MonoTime now);
  void set_state(WatchedAgent& agent, AgentState state);
  void forget(AgentRef ref);

  LivenessOptions options_;
  MonoTime resumed_ = MonoTime::min();
  std::vector<WatchedAgent> agents_;
  std::vector<AgentRef> free_;
  KeyedMap<AgentRef> index_;
  std::array<size_t, kAgentStates> counts_{};
  TimingWheel wheel_;
};

}  // namespace mas::health
