// What was found out about the elements of a turn: the agents, streams and entries that each of them needs.
//
// The batch is what was parsed and does not change; this stands beside it, by the same numbers. It is filled pass by
// pass (needs.h), and read when the turn is decided.
// Failure modes:
// - an entry that could not be read says so (ReportedEntry::failed);
// - a frame of an unknown sender has none of its messages looked up, and is refused as a whole.
// Threading: none. Ownership: agents and streams are the facts', and stay until the turn's end; entries are owned here.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/facts/facts.h"
#include "daemons/gatewayd/turn/batch.h"

namespace mas::gateway {

/// A message of an entry, as far as a reply to it goes.
struct ReportedRequest {
  std::string requester, correlation_id, conversation;
  std::string ticket;  ///< empty: it is no request
};

/// An entry of an agent's own stream that it reports a failed message of. Read once, however many it reports.
struct ReportedEntry {
  std::string_view agent;
  Lane lane = Lane::kNormal;
  std::optional<unsigned> partition{};  ///< on a cluster: whose stream it is in
  std::string_view id;
  bool known = false;   ///< whether it was read
  bool failed = false;  ///< it could not be
  std::string blob;     ///< empty: it is not there any more
  uint64_t asked = 0;   ///< the pass that last asked for it
  /// By number in the entry, those that were reported: each is decoded once, however often it is reported.
  std::map<uint32_t, ReportedRequest> requests;
};

struct FrameLookup {
  AgentFacts* sender = nullptr;
  std::optional<bool> proven;  ///< of a frame that says that it is a replay: whether a gateway made it
  bool authentic = false;      ///< it was seen to be its sender's, before it was decided
};

/// Of a message that is to be delivered: a sender's, or an error reply that the gateway writes.
struct MessageLookup {
  AgentFacts* target = nullptr;
  TargetStream* inbox = nullptr;  ///< where it goes
  Lane lane = Lane::kNormal;      ///< the lane that it takes
  bool answers = false;           ///< a reply whose ticket is good
};

/// Of a report that a handler failed.
struct ReportLookup {
  ReportedEntry* entry = nullptr;  ///< what it is about
  bool no_place = false;           ///< the turn reads no further entry
  MessageLookup reply;             ///< of the error reply, where what failed is a request
};

/// Of a message that is due to be delivered again.
struct DueLookup {
  AgentFacts* agent = nullptr;
  TargetStream* inbox = nullptr;
  MessageLookup reply;  ///< of the error reply to it, where it is a request
};

class Lookups {
 public:
  /// Forgets another batch's. To be called before each pass.
  void follow(const Batch& batch) {
    if (batch_ == batch.number()) return;
    batch_ = batch.number();
    frames.assign(batch.frames().size(), {});
    messages.assign(batch.messages().size(), {});
    reports.clear();
    due.assign(batch.due().size(), {});
    entries_.clear();
  }
  /// @return the entry that is reported about; nullptr: the turn has as many as it takes, of that agent or of all.
  ReportedEntry* entry_of(std::string_view agent, const FailureReport& report);

  std::vector<FrameLookup> frames;         ///< by Batch::frames()
  std::vector<MessageLookup> messages;     ///< by Batch::messages(); those that are reports have none
  std::map<size_t, ReportLookup> reports;  ///< by number of those in Batch::messages()
  std::vector<DueLookup> due;              ///< by Batch::due()

 private:
  uint64_t batch_ = 0;                 // its number
  std::deque<ReportedEntry> entries_;  // where they are, they stay
};

}  // namespace mas::gateway
