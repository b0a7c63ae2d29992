// What is observed, from its start to its end.
#include "sdk/src/core/tracer.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>

#include "sdk/src/core/error.h"
#include "sdk/src/loop/presence.h"

namespace mas::sdk {

/// Counts the calling thread in, unless the tracer is closed.
class Tracer::Busy {
 public:
  explicit Busy(Tracer& tracer) : tracer_(tracer) { ++tracer_.busy_; }
  ~Busy() { --tracer_.busy_; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  explicit operator bool() const { return tracer_.live_.load(); }

 private:
  Tracer& tracer_;
};

/// What has not begun, since the observer ended its thread, has ended.
class Tracer::Unbegun {
 public:
  Unbegun(Tracer& tracer, std::unique_ptr<TracedMessage>& message) : tracer_(tracer), message_(message) {}
  ~Unbegun() {
    if (message_ == nullptr || !library_usable()) return;
    const mas_status outcome = message_->kind == MAS_TRACE_HANDLE ? MAS_HANDLER_FAILED : MAS_CANCELLED;
    std::lock_guard lock(tracer_.mutex_);
    tracer_.queue_ended(std::move(message_), outcome);
  }
  Unbegun(const Unbegun&) = delete;
  Unbegun& operator=(const Unbegun&) = delete;

 private:
  Tracer& tracer_;
  std::unique_ptr<TracedMessage>& message_;
};

/// What has ended and was not told to its end, since the observer ended its thread, comes first in the next call.
class Tracer::Untold {
 public:
  Untold(Tracer& tracer, std::unique_ptr<TracedMessage>& message) : tracer_(tracer), message_(message) {}
  ~Untold() {
    if (!armed_ || !library_usable()) return;
    std::lock_guard lock(tracer_.mutex_);
    tracer_.ended_.push_front(std::move(message_));
  }
  Untold(const Untold&) = delete;
  Untold& operator=(const Untold&) = delete;
  void disarm() { armed_ = false; }

 private:
  Tracer& tracer_;
  std::unique_ptr<TracedMessage>& message_;
  bool armed_ = true;
};

void Tracer::set(mas_agent* agent, unsigned flags, mas_trace_fn fn, void* user) {
  observer_ = {agent, fn, user, (flags & MAS_TRACE_PAYLOAD) != 0};
  std::lock_guard lock(mutex_);
  ended_.clear();  // left by the former observer, which ended the thread that stopped the agent
}

uint64_t Tracer::begin(std::unique_ptr<TracedMessage> message, OwnContext& ret_context) {
  Busy busy(*this);
  if (!busy) return 0;
  TracedMessage& begun = *message;
  begun.started = wall_now();
  begun.body_size = begun.body.size();
  {
    std::lock_guard lock(mutex_);
    begun.number = ++last_number_;
  }
  Unbegun otherwise(*this, message);
  if (silent_ > 0)
    begun.tell_late(observer_.payload);
  else
    observe(begun, MAS_TRACE_START);
  if (!library_usable()) return 0;
  const uint64_t number = begun.number;
  ret_context.assign(begun.context.view());
  begun.body = begun.late_body;
  std::unique_lock lock(mutex_);
  if (live_.load()) {
    if (begun.key) numbers_.emplace(*begun.key, number);
    under_way_.emplace(number, std::move(message));
    return number;
  }
  lock.unlock();  // close() waited no longer
  const auto ended = std::move(message);
  if (begun.late) return 0;  // nothing of it was told
  begun.ended = std::max(wall_now(), begun.started);
  begun.outcome = MAS_CANCELLED;
  observe(begun, MAS_TRACE_END);
  return 0;
}

/// The observer may end the thread at a late start; the end follows in the next call then.
void Tracer::tell_end(std::unique_ptr<TracedMessage> message) {
  if (message->late && !message->late_told) {
    message->late_told = true;
    Untold otherwise(*this, message);
    observe(*message, MAS_TRACE_START);
    otherwise.disarm();
  }
  observe(*message, MAS_TRACE_END);
}

/// Runs the observer. An exception ends this call of it.
MAS_CATCHES_UNWINDING void Tracer::observe(TracedMessage& message, mas_trace_phase phase) {
  if (muted_.load()) return;
  const bool start = phase == MAS_TRACE_START;
  char traceparent[kTraceparentBytes + 1] = "", tracestate[limits::kMetaTextBytes + 1] = "";
  message.context.view().traceparent.copy(traceparent, kTraceparentBytes);
  message.context.view().tracestate.copy(tracestate, limits::kMetaTextBytes);
  mas_trace_event event{};
  event.size = sizeof event;
  event.kind = message.kind;
  event.phase = phase;
  event.number = message.number;
  event.started_us = message.started;
  event.ended_us = start ? 0 : message.ended;
  event.peer = message.peer.c_str();
  event.type = message.type.c_str();
  event.message_id = message.message_id.c_str();
  event.correlation_id = message.correlation_id.c_str();
  event.conversation_id = message.conversation_id.c_str();
  event.attempt = message.attempt;
  event.outcome = start ? MAS_OK : message.outcome;
  event.body_size = message.body_size;
  if (start && observer_.payload) event.body = message.body.data();
  event.traceparent = traceparent;
  event.tracestate = tracestate;
  event.span = message.span;
  struct Kept {  // also where the thread ends
    void*& span;
    const mas_trace_event& event;
    ~Kept() { span = event.span; }
  } kept{message.span, event};
  Observing observing(*this, start && !message.late ? &message.context : nullptr);
  try {
    call_out(observer_.fn, observer_.agent, &event, observer_.user);
  } catch (const abi::__forced_unwind&) {
    throw;         // the thread ends
  } catch (...) {  // an observer may throw
  }
}

bool Tracer::end(uint64_t number, mas_status outcome) {
  std::lock_guard lock(mutex_);
  auto it = under_way_.find(number);
  if (it == under_way_.end()) return false;
  end_locked(it, outcome);
  return true;
}

bool Tracer::end(const Id128& key, mas_status outcome) {
  std::lock_guard lock(mutex_);
  auto it = numbers_.find(key);
  if (it == numbers_.end()) return false;
  end_locked(under_way_.find(it->second), outcome);
  return true;
}

void Tracer::end_locked(Table::iterator it, mas_status outcome) {
  auto message = std::move(it->second);
  under_way_.erase(it);
  if (message->key) {
    auto [first, last] = numbers_.equal_range(*message->key);
    numbers_.erase(std::find_if(first, last, [&](const auto& entry) { return entry.second == message->number; }));
  }
  queue_ended(std::move(message), outcome);
}

/// Under the lock.
void Tracer::queue_ended(std::unique_ptr<TracedMessage> message, mas_status outcome) {
  message->ended = std::max(wall_now(), message->started);
  message->outcome = outcome;
  ended_.push_back(std::move(message));
}

std::unique_ptr<TracedMessage> Tracer::next_ended() {
  std::lock_guard lock(mutex_);
  if (ended_.empty()) return nullptr;
  auto message = std::move(ended_.front());
  ended_.pop_front();
  return message;
}

void Tracer::deliver() {
  if (inside() || held_ > 0 || silent_ > 0) return;
  Busy busy(*this);
  while (busy && library_usable()) {
    auto message = next_ended();
    if (message == nullptr) return;
    tell_end(std::move(message));
  }
}

void Tracer::close(const Deadline& deadline) {
  if (!live_.exchange(false)) return;
  while (!idle() && !deadline.passed()) {
    Absence waiting;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  {
    std::lock_guard lock(mutex_);
    while (!under_way_.empty()) {
      const auto it = under_way_.begin();
      const bool sent = it->second->kind != MAS_TRACE_REQUEST && it->second->kind != MAS_TRACE_HANDLE;
      end_locked(it, sent ? MAS_TIMEOUT : MAS_CANCELLED);
    }
  }
  const Busy busy(*this);
  while (library_usable()) {
    auto message = next_ended();
    if (message == nullptr) return;
    tell_end(std::move(message));
  }
}

void Tracer::retire(const Deadline& deadline) {
  struct Muted {
    Tracer& tracer;
    ~Muted() { tracer.mute(); }  // also where the observer ends the thread
  } muted{*this};
  if (calls_here() > 0) {
    live_.store(false);
  } else {
    close(deadline);
    await_others(deadline);  // a stop on another thread may be telling the observer
  }
  mute();
  await_others(deadline);
}

/// @return how many calls of the observer the calling thread is in.
unsigned Tracer::calls_here() const {
  unsigned calls = 0;
  for (const Observing* call = observing_; call != nullptr; call = call->outer) calls += &call->tracer == this ? 1 : 0;
  return calls;
}

/// Waits until the observer runs on no other thread.
void Tracer::await_others(const Deadline& deadline) const {
  const unsigned mine = calls_here();
  while (busy_.load() > mine && !deadline.passed()) {
    Absence waiting;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

size_t Tracer::Hash::operator()(const Id128& id) const {
  size_t random;
  std::memcpy(&random, id.bytes.data() + 8, sizeof random);
  return random;
}

}  // namespace mas::sdk
