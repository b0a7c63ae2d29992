// What the gateway knows about agents: identity, rules, limits, and whether messages can be delivered to them.
//
// Facts are read on demand (reader.h) and kept until Redis says that their key changed (invalidation.h):
//
//     unknown ──need──▶ wanted ──reading──▶ known ──changed()──▶ unknown
//                                  │ changed() while the read is under way
//                                  ▼
//                               known for the turn that asked, then unknown
//
// While a turn looks for what it lacks, hold() makes every change wait like that, so that it needs a bounded number of
// reads.
// The glossary: a *group* is what is read together (the registry entry; the identity; the rules; the limits; the
// circuit). Expiry of an identity is a compared field, never an event.
// Failure: what could not be read leaves its group unknown, and nothing is decided by it.
// Threading: none. Ownership: an Agent stays where it is until shrink().
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/auth/authenticate.h"
#include "daemons/gatewayd/authz/authorise.h"
#include "daemons/gatewayd/breaker/breaker.h"
#include "daemons/gatewayd/facts/backlog.h"
#include "daemons/gatewayd/limits/limit_settings.h"
#include "proto/base/keyed_map.h"
#include "proto/wire/keys.h"
#include "proto/wire/lane.h"

namespace mas::gateway {

enum Group : uint8_t {
  kPresence = 1,  ///< agent:{id}: is there such an agent, in which mode and state; was there one
  kIdentity = 2,  ///< mas.identity:{id}
  kRules = 4,     ///< allowed and blocked targets, roles
  kLimits = 8,    ///< ratelimit:{id}:limits
  kCircuit = 16,  ///< circuit:{id}
};
inline constexpr uint8_t kSenderGroups = kPresence | kIdentity | kRules | kLimits;
inline constexpr uint8_t kTargetGroups = kPresence | kIdentity;  ///< and kCircuit, where breakers are on
inline constexpr uint8_t kAllGroups = kSenderGroups | kCircuit;

/// One of an agent's streams. Its length is read once in a while; what waits in it is counted between (backlog.h).
struct TargetStream {
  std::string key;         ///< empty until it is first used
  unsigned partition = 0;  ///< of the senders, on a cluster; one server has one stream for all
  struct Wake {
    std::string channel, text;
  };
  std::unique_ptr<const Wake> wake;  ///< on a cluster: what is published once something was committed into it
  bool replies = false;              ///< the reply stream of one instance, and gone with it
  bool known = false;                ///< whether the length was read
  Backlog backlog;                   ///< what was committed
  Backlog::Size under_way;           ///< of a commit that has no answer yet
  uint64_t left = 0;                 ///< messages that were seen to leave it, and not told to the breaker yet
  MonoTime read_at{};
  std::string failing;  ///< why Redis takes no entry; empty: it does
  MonoTime failing_until{};
  uint64_t asked = 0;  ///< when the decider last asked for its length
  uint64_t turn = 0;   ///< the turn that `slot` is of
  size_t slot = 0;     ///< its delivery in that turn

  uint64_t records() const { return backlog.records() + under_way.records; }
  uint64_t bytes() const { return backlog.bytes() + under_way.bytes; }
  /// What XLEN says now.
  void measured(uint64_t length, MonoTime now);
};

struct AgentFacts {
  explicit AgentFacts(std::string_view name) : id(name) {}

  const std::string id;
  // kPresence
  bool registered = false;
  bool gateway_mode = false;
  bool active = false;
  bool has_stream = false;  ///< it took part in gateway mode once: its stream is there
  // kIdentity
  SenderSecrets secrets;  ///< its registry_token belongs to kPresence
  // kRules
  SenderRules rules;
  std::vector<const Role*> roles;  ///< of `rules`, given by Facts::need_roles
  bool has_roles = false;          ///< whether they were given
  // kLimits
  LimitSettings limits;
  std::optional<uint32_t> attempts;  ///< deliveries of a message to it, where a number of its own is set
  std::string limits_problem;        ///< not empty: they cannot be read, everything is refused
  // kCircuit
  Breaker breaker;        ///< learns what is read, and goes its own way between
  uint64_t met_turn = 0;  ///< the turn that `met` is of
  size_t met = 0;         ///< its place among the circuits of that turn
  bool reports = false;   ///< it told of handlers that failed, and with it of messages that were handled

  using LaneStreams = std::array<TargetStream, kLanes.size()>;
  LaneStreams inboxes;                           ///< on a cluster: from senders of partition 0
  std::map<unsigned, LaneStreams> more_inboxes;  ///< on a cluster: by the other partitions of senders
  /// @param partition of the senders, on a cluster; else 0.
  TargetStream& inbox(Lane lane, unsigned partition = 0) {
    return (partition == 0 ? inboxes : more_inboxes[partition])[static_cast<size_t>(lane)];
  }
  template <typename Fn>
  void for_each_inbox(Fn fn) {
    for (TargetStream& inbox : inboxes) fn(inbox);
    for (auto& [partition, streams] : more_inboxes)
      for (TargetStream& inbox : streams) fn(inbox);
  }

  // Kept by Facts: groups that are known, wanted or being read, and changed while they were being read.
  uint8_t known = 0;
  uint8_t awaited = 0;
  uint8_t stale = 0;

  bool knows(uint8_t groups) const { return (known & groups) == groups; }
};

class Facts {
 public:
  explicit Facts(const Keys& keys) : keys_(keys) {}

  /// @return the agent; the groups that are not known of it are put on the list of what to read.
  AgentFacts& need(std::string_view id, uint8_t groups);
  /// Gives the agent the roles that its rules name; those that are not known are put on the list of what to read.
  void need_roles(AgentFacts& agent);

  struct Wanted {
    AgentFacts* agent;
    uint8_t groups;
  };
  /// What is on the lists; it is being read from now on, until finish() or abandon().
  std::vector<Wanted> take_wanted();
  /// How many are on the list.
  size_t wanted() const { return wanted_.size(); }
  std::vector<std::string> take_wanted_roles();

  /// The members of a group were set from what Redis holds (or from why it cannot be read).
  void finish(AgentFacts& agent, uint8_t group);
  void finish(Role role);
  /// Nothing that is being read will come, and the turn is over: what changed is forgotten.
  void abandon();

  /// Redis said that `key` changed. @return whether something known was forgotten.
  bool changed(std::string_view key);
  void forget_all();
  /// Its circuit may not be what is known here.
  void forget_circuit(std::string_view id);
  /// From now on to the end of the turn, by end_turn() or abandon(), what changes stays known: it is forgotten then. So
  /// the reads of a turn come to an end, however often somebody writes the keys that it looks at.
  void hold() { held_ = true; }
  /// The turn is decided: what changed meanwhile is forgotten.
  void end_turn();
  /// Forgets all agents if there are more than `most`. No turn, not even one that is being committed, may refer to any.
  void shrink(size_t most);

  size_t size() const { return agents_.size(); }
  /// How many of the circuits that are known are in each state. Walks all agents: for who asks seldom.
  std::array<size_t, std::size(kCircuitStateNames)> circuits() const;

 private:
  struct KnownRole {
    std::optional<Role> role;
    bool reading = false;
    bool stale = false;
  };
  bool forget(AgentFacts& agent, uint8_t groups);
  bool forget_role(std::string_view name);
  bool forget_role(KnownRole& known);
  bool mark_role(KnownRole& known);
  void unresolve_roles();

  const Keys& keys_;
  KeyedMap<AgentFacts> agents_;
  KeyedMap<KnownRole> roles_;
  std::vector<Wanted> wanted_;
  std::vector<std::string> wanted_roles_;
  std::vector<AgentFacts*> stale_agents_;  // whose `stale` is not 0
  bool some_roles_stale_ = false;
  bool held_ = false;
};

}  // namespace mas::gateway
