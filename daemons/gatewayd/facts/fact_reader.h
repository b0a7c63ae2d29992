// Reads from Redis what the facts lack, everything in one pipelined round trip. On a cluster facts are read by a link
// of their own, on which Redis tracks everything that is read (invalidation.h); streams are read by the turns' link.
//
//     idle ──read──▶ reading ──last reply──▶ idle, done(ok)
//                       │ the link is lost, Redis is busy or refuses us ──▶ idle, done(error): the facts stay unknown
//
// A key that cannot be understood (of another type, fields that are wrong) is a fact, too: one that refuses. So after a
// read without error every group that was asked for is known.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside its callback.
#pragma once

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "daemons/gatewayd/facts/facts.h"
#include "proto/redis/command_sink.h"
#include "proto/redis/questions.h"

namespace mas::gateway {

class FactReader {
 public:
  using Done = std::function<void(const Status&)>;

  /// @param tracked reads facts: the same as `redis` on one server. @param master nullptr: sealed keys cannot be
  /// opened.
  FactReader(redis::CommandSink& redis, redis::CommandSink& tracked, const Keys& keys, Facts& facts,
             const MasterKey* master, Done done);
  ~FactReader();
  FactReader(const FactReader&) = delete;
  FactReader& operator=(const FactReader&) = delete;

  void set_default_limits(const LimitSettings& limits) { default_limits_ = limits; }
  /// How many partitions there are.
  void set_partitions(size_t count) { partitions_ = count; }
  void set_breaker(const BreakerSettings& settings) { breaker_ = settings; }

  /// An entry of a stream.
  struct StreamEntryRead {
    std::string stream;
    std::string_view id;
    std::string* ret_blob;  ///< empty: it is not there, or is none of ours
    bool* ret_failed;       ///< whether Redis could not say
  };
  /// Reads what the facts have on their lists, the lengths of these streams, and entries. @return whether there was
  /// anything to read; else done is not called.
  bool read(const std::vector<TargetStream*>& inboxes, const std::vector<StreamEntryRead>& entries = {});
  /// Forgets what is under way; done is not called.
  void cancel();

  /// Problems that an operator should hear of (an unreadable identity, a key that does not open), since the last call.
  std::vector<std::string> take_problems();

 private:
  enum class Kind : uint8_t {
    kTracked,
    kStream,
    kPresence,
    kIdentity,
    kAllowed,
    kBlocked,
    kRoles,
    kLimits,
    kCircuit,
    kRole,
    kLength,
    kEntry
  };
  struct Rules;
  struct Read {
    Kind kind;
    AgentFacts* agent = nullptr;
    TargetStream* inbox = nullptr;
    std::string role{};
    StreamEntryRead entry{};
    Rules* rules = nullptr;
  };
  /// What is read of an agent's rules.
  struct Rules {
    std::vector<std::string> allowed, blocked, roles;
    std::string problem;
    unsigned due = 3;  // answers
  };

  /// Whether facts have a link of their own.
  bool apart() const { return &redis_ != &tracked_; }
  void track(redis::Command& command);
  void ask(redis::Command& command, const Facts::Wanted& wanted);
  void ask_type(redis::Command& command, AgentFacts& agent);
  void ask_streams(redis::Command& command, const std::vector<TargetStream*>& inboxes,
                   const std::vector<StreamEntryRead>& entries);
  Status send(redis::Command facts, redis::Command streams, size_t first_stream);
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void take(const Read& read, const redis::Reply& reply);
  void take_presence(AgentFacts& agent, const redis::Reply& reply);
  void take_identity(AgentFacts& agent, const redis::Reply& reply);
  static void take_members(Rules& rules, std::vector<std::string>& into, const redis::Reply& reply);
  void take_rules(AgentFacts& agent, Rules& rules);
  void take_limits(AgentFacts& agent, const redis::Reply& reply);
  void take_circuit(AgentFacts& agent, const redis::Reply& reply);
  void report_problem(std::string problem);
  void note_large(const Read& read);
  void take_role(const std::string& name, const redis::Reply& reply);
  static void take_entry(const StreamEntryRead& entry, const redis::Reply& reply);
  void take_length(TargetStream& inbox, const redis::Reply& reply);

  redis::CommandSink& redis_;
  redis::CommandSink& tracked_;
  const Keys& keys_;
  Facts& facts_;
  const MasterKey* master_;
  Done done_;
  size_t partitions_ = 1;
  LimitSettings default_limits_;
  BreakerSettings breaker_;
  redis::Questions<Read> reads_;
  std::deque<Rules> rules_;  // that are coming in
  Status failure_;
  std::vector<std::string> problems_;
  std::set<std::string> large_entries_;  // stream and id of entries that are too large to be read
};

}  // namespace mas::gateway
