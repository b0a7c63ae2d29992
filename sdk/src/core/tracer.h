// The observer of an agent's messages (mas_agent_on_trace): what is under way, and the calls of the observer.
//
//     begin() ─▶ observer: start ─▶ under way ──end()──▶ ended (a queue) ──deliver()──▶ observer: end
//
// Happy path: a sending or polling thread calls begin(), which runs the observer and gives back the context that it
// wants; whoever learns the outcome, the I/O thread mostly, calls end(), which runs nothing; deliver() runs the
// observer on the application's threads. close() ends what is still under way.
// Failure modes:
//   the observer throws          this call of it is over
//   its thread ends at a start   what began has ended, and nothing is sent; at an end, the rest stays in the queue
//   it sends                     what it sends is not observed, and what has ended waits until it returns
//   it cannot run (Silence)      what begins there is told with its end: its start first, whose context is settled
//   it frees its agent           it is not called again: what is under way has no end
//   its agent is freed meanwhile retire() waits until it has returned on other threads, also in a stop
// Without an observer, on() is all that is asked: callers go no further.
// Threading: any thread, but for set, open and close; end() is a leaf: it may be called with locks held.
// Ownership: shared by the agent, its outbox and its requests, which may outlive the agent; closed, it calls nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "sdk/include/mas.h"
#include "sdk/src/core/cause.h"
#include "sdk/src/core/wait.h"

namespace mas::sdk {

/// A message that is observed, as far as its events tell of it.
struct TracedMessage {
  mas_trace_kind kind = MAS_TRACE_SEND;
  std::string peer, type, message_id, correlation_id, conversation_id;
  uint32_t attempt = 0;
  std::string_view body;     ///< at the start only
  OwnContext context;        ///< that is in force
  std::optional<Id128> key;  ///< of what is sent: by which its outcome comes

  // The tracer's.
  uint64_t number = 0;
  WallMicros started = 0, ended = 0;
  size_t body_size = 0;
  mas_status outcome = MAS_OK;
  void* span = nullptr;
  bool late = false;       ///< its start is told with its end
  bool late_told = false;  ///< that start was told
  std::string late_body;   ///< `body` for it

  /// @param payload whether the observer wants the body.
  void tell_late(bool payload) {
    late = true;
    if (payload) late_body = body;
  }
};

class Tracer {
 public:
  Tracer() = default;
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  /// While closed. @param fn null: no observer.
  void set(mas_agent* agent, unsigned flags, mas_trace_fn fn, void* user);
  /// The agent starts.
  void open() { live_.store(observer_.fn != nullptr); }
  /// The agent has stopped: waits for the observer on other threads, and ends what is under way.
  void close(const Deadline& deadline);
  /// The agent is freed: as close(), unless it is an observer that frees it. No call of the observer begins after this.
  void retire(const Deadline& deadline);
  /// No call of the observer begins after this.
  void mute() noexcept { muted_.store(true); }

  /// @return whether there is an observer, and the agent runs.
  bool on() const { return live_.load(std::memory_order_relaxed); }
  /// @return whether the calling thread runs an observer.
  static bool inside() { return observing_ != nullptr; }
  /// Within an observer. @return the context that it may set; null at an end.
  static OwnContext* observed_context() { return observing_->context; }

  /// Something begins. @param ret_context the context that it carries. @return its number; 0: it is not observed.
  uint64_t begin(std::unique_ptr<TracedMessage> message, OwnContext& ret_context);
  /// It has ended. @return whether it was under way; then deliver() is due, on a thread of the application.
  bool end(uint64_t number, mas_status outcome);
  /// Likewise, of what was sent. @param key the message's id.
  bool end(const Id128& key, mas_status outcome);
  /// Runs the observer for what has ended. Without locks.
  void deliver();

  /// Keeps deliver() from running the observer on this thread: it runs code of the loop.
  class Hold {
   public:
    Hold() { ++held_; }
    ~Hold() { --held_; }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
  };

  /// Keeps the observer from running on this thread at all: what begins here is told when it has ended.
  class Silence {
   public:
    Silence() { ++silent_; }
    ~Silence() { --silent_; }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;
  };

  /// @return whether no thread is in the observer.
  bool idle() const { return busy_.load() == 0; }

 private:
  struct Observer {
    mas_agent* agent = nullptr;
    mas_trace_fn fn = nullptr;
    void* user = nullptr;
    bool payload = false;
  };
  /// The calling thread is in the observer.
  struct Observing {
    Observing(const Tracer& its_tracer, OwnContext* its_context)
        : tracer(its_tracer), context(its_context), outer(observing_) {
      observing_ = this;
    }
    ~Observing() { observing_ = outer; }
    Observing(const Observing&) = delete;
    Observing& operator=(const Observing&) = delete;
    const Tracer& tracer;
    OwnContext* const context;
    Observing* const outer;
  };
  class Busy;
  class Unbegun;
  class Untold;
  using Table = std::unordered_map<uint64_t, std::unique_ptr<TracedMessage>>;
  struct Hash {
    size_t operator()(const Id128& id) const;
  };

  void observe(TracedMessage& message, mas_trace_phase phase);
  unsigned calls_here() const;
  void await_others(const Deadline& deadline) const;
  void tell_end(std::unique_ptr<TracedMessage> message);
  void end_locked(Table::iterator it, mas_status outcome);
  void queue_ended(std::unique_ptr<TracedMessage> message, mas_status outcome);
  std::unique_ptr<TracedMessage> next_ended();

  static inline thread_local Observing* observing_ = nullptr;
  static inline thread_local unsigned held_ = 0, silent_ = 0;

  Observer observer_;  // does not change while open
  std::atomic<bool> live_{false};
  std::atomic<bool> muted_{false};  // the agent was freed
  std::atomic<unsigned> busy_{0};   // threads that may call the observer

  std::mutex mutex_;
  // Guarded by mutex_.
  uint64_t last_number_ = 0;
  Table under_way_;
  std::unordered_multimap<Id128, uint64_t, Hash> numbers_;  // of what is sent
  std::deque<std::unique_ptr<TracedMessage>> ended_;
};

}  // namespace mas::sdk
