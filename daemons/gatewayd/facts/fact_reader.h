// Reads from Redis what the facts lack, everything in one pipelined round trip.
//
//     idle ──read──▶ reading ──last reply──▶ idle, done(ok)
//                       │ the link is lost, Redis is busy or refuses us ──▶ idle, done(error): the facts stay unknown
//
// A key that cannot be understood (of another type, fields that are wrong) is a fact, too: one that refuses. So after a
// read without error every group that was asked for is known.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside its callback.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "daemons/gatewayd/facts/facts.h"
#include "proto/redis/command_sink.h"

namespace mas::gateway {

class FactReader {
 public:
  using Done = std::function<void(const Status&)>;

  /// @param master nullptr: sealed keys cannot be opened.
  FactReader(redis::CommandSink& redis, const Keys& keys, Facts& facts, const MasterKey* master, Done done);
  ~FactReader();
  FactReader(const FactReader&) = delete;
  FactReader& operator=(const FactReader&) = delete;

  void set_default_limits(const LimitSettings& limits) { default_limits_ = limits; }
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
  struct Read {
    Kind kind;
    AgentFacts* agent = nullptr;
    TargetStream* inbox = nullptr;
    std::string role{};
    StreamEntryRead entry{};
  };

  void track(redis::Command& command);
  void ask(redis::Command& command, const Facts::Wanted& wanted);
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void take(const Read& read, const redis::Reply& reply);
  void take_presence(AgentFacts& agent, const redis::Reply& reply);
  void take_identity(AgentFacts& agent, const redis::Reply& reply);
  void take_members(std::vector<std::string>& into, const redis::Reply& reply);
  void take_rules(AgentFacts& agent);
  void take_limits(AgentFacts& agent, const redis::Reply& reply);
  void take_circuit(AgentFacts& agent, const redis::Reply& reply);
  void report_problem(std::string problem);
  void note_large(const Read& read);
  void take_role(const std::string& name, const redis::Reply& reply);
  static void take_entry(const StreamEntryRead& entry, const redis::Reply& reply);
  void take_length(TargetStream& inbox, const redis::Reply& reply);

  redis::CommandSink& redis_;
  const Keys& keys_;
  Facts& facts_;
  const MasterKey* master_;
  Done done_;
  LimitSettings default_limits_;
  BreakerSettings breaker_;
  std::vector<Read> reads_;
  Status failure_;
  std::vector<std::string> allowed_, blocked_, roles_;  // of the agent whose rules are coming in
  std::string rules_problem_;
  std::vector<std::string> problems_;
  std::set<std::string> large_entries_;  // stream and id of entries that are too large to be read
};

}  // namespace mas::gateway
