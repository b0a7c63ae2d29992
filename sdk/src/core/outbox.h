// How messages leave an agent, whichever way they travel: what is common to the two outboxes.
//
//     send() ─▶ accept(): check, compose ─▶ admit under the lock ─append()─▶ (the way's own) ─▶ outcome ─▶ listener
//
// Happy path: send() tells the observer, if there is one; accept() checks a draft, writes its envelope and hands it to
// the outbox's own append() under one lock; the I/O thread takes what was appended and reports one outcome for each
// message; flush() waits for these. A message with nothing before it leaves from the sending thread, if nobody turns
// the loop just then: a wake-up less.
// Failure: kWouldBlock when messages or bytes without an outcome reach the bound; kInvalidState when not open.
// Peer to peer, what the library itself sends (kSilent) has a reserve beyond the bound: a requester is told although
// the messages of the application fill the queue.
// Every message that was accepted gets exactly one outcome while the outbox is open.
// Threading: send, flush: any thread; the rest: the I/O thread. Ownership: shared by the agent and the messages that
// the application keeps; the listener must outlive the time it is open.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/decisions.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/wire/envelope.h"
#include "proto/wire/trace_context.h"
#include "sdk/src/core/config.h"
#include "sdk/src/core/failure_counts.h"
#include "sdk/src/core/redis_clock.h"
#include "sdk/src/core/tracer.h"

namespace mas::sdk {

class Runtime;

/// What kind of message an outcome is about; a request's id is also its correlation id.
enum class OutgoingKind : uint8_t {
  kMessage,  ///< told to the receipt callback
  kRequest,  ///< a failure ends the request
  kSilent,   ///< the library's own: told to nobody
  kAwaited,  ///< somebody waits in mas_agent_send_wait; once nobody does any more, as kMessage
};

/// What became of a message.
struct SendOutcome {
  Status status;                     ///< ok, or why it did not arrive; kTimeout: unknown
  std::optional<Decision> decision;  ///< gateway mode, where the gateway decided
  uint32_t retry_after_ms = 0;
  uint32_t receivers = 0;   ///< of a request, peer to peer: subscribers that got it
  std::string_view detail;  ///< of an accepted message; a refused one's is in the status
};

class OutboxListener {
 public:
  virtual ~OutboxListener() = default;
  /// I/O thread. Views are valid during the call.
  virtual void on_outcome(OutgoingKind kind, const Id128& id, std::string_view target, const SendOutcome& outcome) = 0;
};

/// A message that is to be sent. Texts and JSON are unchecked: send() checks them.
struct Draft {
  std::string_view target;
  std::string_view type;
  std::string_view json;                 ///< empty: {}
  std::string_view correlation_id;       ///< of a reply
  std::string_view ticket;               ///< of a reply in gateway mode: what came with the request
  const mas_message* request = nullptr;  ///< of a reply: what it replies to
  std::string_view priority{};           ///< the lane that it asks for; empty: none is told
  std::optional<WallMicros> deadline;    ///< by this host's clock
  EnvelopeError error{};                 ///< of a reply
  OutgoingKind kind = OutgoingKind::kMessage;
  std::optional<TraceContext> trace{};  ///< none: what pass_trace() finds
};

class Outbox : public std::enable_shared_from_this<Outbox> {
 public:
  virtual ~Outbox() = default;
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  /// @param wake called, at most once until the next drain, when there is something to drain.
  void open(OutboxListener& listener, std::shared_ptr<Runtime> runtime, std::function<void()> wake);

  /// @param id the message's id. @param now by this host's clock; what is written is in Redis's time.
  Status send(const Draft& draft, const Id128& id, WallMicros now) {
    return tracer_->on() ? send_observed(draft, id, now) : accept(draft, id, now);
  }

  Tracer& tracer() const { return *tracer_; }
  /// Of the messages that came for this agent.
  FailureCounts& failures() { return failures_; }

  /// Waits until everything accepted before the call has its outcome. @param timeout negative: for ever.
  Status flush(Duration timeout);

 protected:
  Outbox(const AgentConfig& config, std::shared_ptr<const RedisClock> clock, std::shared_ptr<Tracer> tracer,
         Bound bound)
      : sender_(config.id),
        max_envelope_(config.max_envelope),
        clock_(std::move(clock)),
        tracer_(std::move(tracer)),
        bound_(bound) {}

  /// Takes a message, or refuses it. The rest: see send().
  virtual Status accept(const Draft& draft, const Id128& id, WallMicros now) = 0;

  /// @return as `meta.deadline` has it: seconds, Redis's time.
  double deadline_of(const Draft& draft) const { return static_cast<double>(clock_->of(*draft.deadline)) / 1e6; }
  /// Checks a draft and writes its envelope. @param meta what the way adds. @return valid until the thread's next call.
  Result<std::string_view> compose(const Draft& draft, const Id128& id, WallMicros now, EnvelopeMeta meta = {}) const;

  /// Counts a message in. Under the lock. @return kInvalidState or kWouldBlock, and nothing is counted.
  Status admit(OutgoingKind kind, size_t bytes);
  /// Tells the I/O thread that there is something to drain, unless it knows. Under the lock.
  /// @return whether nothing is before the message: then nobody was told, and send_now() is the caller's to call.
  [[nodiscard]] bool want_drain();
  /// Writes what there is from the calling thread, or tells the I/O thread. Without the lock.
  void send_now();
  /// Hands what was appended to the connection and writes it. On the I/O thread, or on one that borrows the loop.
  virtual void write_out() = 0;
  /// Counts messages out that have their outcome. I/O thread, without the lock.
  void settle(size_t messages, size_t bytes);
  /// Nothing is accepted any more, who waits in flush() returns. Under the lock.
  void shut();

  const std::string sender_;
  const size_t max_envelope_;
  const std::shared_ptr<const RedisClock>
      clock_;                           // shared: a message that is kept outlives its agent, and replies by it
  OutboxListener* listener_ = nullptr;  // I/O thread

  std::mutex mutex_;
  bool drain_wanted_ = false;  // guarded by mutex_

 private:
  std::shared_ptr<Runtime> runtime();
  Status send_observed(const Draft& draft, const Id128& id, WallMicros now);
  Status check_names(const Draft& draft) const;
  Status check(const Draft& draft, std::string_view& data) const;
  void inherit(const Draft& draft, EnvelopeMeta& meta, std::string& chain) const;

  const std::shared_ptr<Tracer> tracer_;
  const Bound bound_;
  FailureCounts failures_;
  // Guarded by mutex_.
  std::condition_variable progress_;
  bool open_ = false;
  std::function<void()> wake_;
  std::shared_ptr<Runtime> runtime_;
  size_t waiting_messages_ = 0;  // accepted, without outcome
  size_t waiting_bytes_ = 0;
  uint64_t accepted_ = 0;  // since construction
  uint64_t settled_ = 0;
  unsigned flushing_ = 0;  // threads in flush()
};

}  // namespace mas::sdk
