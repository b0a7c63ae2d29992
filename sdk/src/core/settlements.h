// What becomes of an agent's messages: counted, told to the mode (which acknowledges or reports them), and answered by
// an error reply where a requester waits for one. A message is settled when its handler returns, unless the handler
// defers it.
//
//     handling ──returned()─────────────────▶ settled
//        └─defer()─▶ deferred ──settle()────▶ settled     any thread, also before the handler has returned
//                       ├──last reference────▶ settled    as failed
//                       └──close()───────────▶ left open  delivered again, or its requester is told (peer to peer)
//     waiting, handling ──refuse()─────────────▶ left open  at a stop; likewise
//
// Failure modes, all kInvalidState:
//   defer() in a handler that outlived a stop of its agent
//   settle() of a message that is not deferred (any more), or that was out of time and has failed
// Bounded: in gateway mode a deferred message counts as not handled (Deliveries::full) until it is settled or out of
// time, so no lane is read past the inbound bound. Peer to peer, an application that defers holds no more messages than
// it could hold by mas_message_ref.
// Threading: open(), close(), returned(): as noted; the rest: any thread. No lock is held while the mode or the outbox
// is called.
// Ownership: shared by the agent and its deferred messages, which may outlive it; after close() the agent is not looked
// at.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "proto/base/result.h"
#include "sdk/include/mas.h"
#include "sdk/src/core/message.h"

namespace mas::sdk {

struct AgentContext;

class Settlements : public std::enable_shared_from_this<Settlements> {
 public:
  explicit Settlements(AgentContext& agent) : agent_(agent) {}

  /// The agent starts: messages may be deferred. Before its session begins.
  void open();
  /// @return the number of the agent's starts so far. On the I/O thread.
  uint64_t start() const { return start_; }
  /// The agent stops, and can still send: what is deferred stays open.
  void close();
  /// The agent stops before the message was handled: its requester is told, unless the message is delivered again.
  void refuse(mas_message& message);

  /// The polling thread: the message's handler has ended.
  void returned(mas_message& message, mas_status outcome);

  /// In the message's handler.
  Status defer(mas_message& message);
  /// @param outcome as of a handler; any number. A failure's sentence is the one that the calling thread kept
  /// (keep_failure).
  Status settle(mas_message& message, int outcome);
  /// Nobody has a reference any more.
  void abandon(mas_message& message) noexcept;

 private:
  class Claim;

  void count(mas_message& message, mas_status outcome);
  void end_trace(const mas_message& message, mas_status outcome);
  void finish(mas_message& message, mas_status outcome, std::string why = {});
  bool ends_request(const mas_message& message, mas_status outcome) const;
  void say_stopped(mas_message& request);
  bool answer(mas_message& request, mas_status outcome, const std::string& why);

  AgentContext& agent_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::condition_variable idle_;
  bool open_ = false;
  uint64_t start_ = 0;   // written while there is no session
  size_t settling_ = 0;  // deferred messages that threads are settling just now
  std::unordered_set<mas_message*> deferred_;
};

}  // namespace mas::sdk
