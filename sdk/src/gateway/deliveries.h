// Stream entries whose messages are being handled: from the reader through the inbox and the handlers back to the acks.
//
// An entry holds one message or many, and is acknowledged when all of them are done with. A message is when its handler
// has taken it, or, where the handler failed or was out of time, when the gateway has taken the report of that
// (FailureReports): from then on the message waits with the gateway. That policy stands in handled() and reported() and
// nowhere else. Messages that are dropped unhandled (at a stop) do not release their share: the entry stays pending in
// Redis and comes again, to another instance or to the next start.
//
//     began() ─▶ handler ─▶ (deferred ─▶) ended() ─▶ handled() ──ok──▶ release() ─▶ ack
//        │                                              └──failed──▶ take_failed() ─▶ report ─▶ reported() ─▶ release()
//        └── out of time: check_time() ─▶ take_failed() …      (ended() then says so: a later outcome does not count)
//
// Threading: opened(), take…(), check_time(), reported(): the I/O thread; began(): the polling thread; ended(),
// handled(): any.
// Ownership: an entry is shared by its messages, its failures and, once done with, by the queue of acks.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "proto/base/clock.h"
#include "proto/wire/lane.h"
#include "sdk/include/mas.h"
#include "sdk/src/core/config.h"
#include "sdk/src/core/message.h"
#include "sdk/src/gateway/inbox_stream.h"

namespace mas::sdk {

/// One entry of a stream.
struct Delivery {
  Delivery(size_t s, Lane l, std::string_view i) : stream(s), lane(l), id(i) {}
  const size_t stream;  ///< its number (inbox_stream.h); failures of replies nobody takes
  const Lane lane;
  const std::string id;
  std::atomic<uint32_t> open{1};  ///< messages not handled, and the reader while it takes the entry apart
};
using DeliveryPtr = std::shared_ptr<Delivery>;

/// A message whose handler failed, until the gateway has taken the report.
struct Failure {
  Share share;
  size_t bytes = 0;
  std::string reason;    ///< printable
  uint32_t handled = 0;  ///< told with its report
};

class Deliveries {
 public:
  explicit Deliveries(const AgentConfig& config) : bound_(config.inbound), patience_(config.handler_timeout) {}

  /// @param wake called from any thread, at most once until the next take(), when there is something to acknowledge.
  void open(std::function<void()> wake) {
    std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
    done_.clear();
    failed_.clear();
    running_.clear();
    handled_ = 0;
    woken_ = false;
    messages_ = 0;
    bytes_ = 0;
  }
  void close() { open(nullptr); }

  /// A message of the entry waits for its handler.
  void opened(Delivery& delivery, size_t bytes) {
    ++delivery.open;
    ++messages_;
    bytes_ += static_cast<int64_t>(bytes);
  }
  /// A message's handler begins; it is to be settled within handler_timeout.
  void began(const Share& share, size_t bytes, MonoTime now) {
    if (patience_ <= Duration::zero()) return;
    std::lock_guard lock(mutex_);
    running_[{share.delivery.get(), share.index}] = {{share, bytes, "out of time", 0}, now};
  }
  /// The time of a message ends that began. @return false: it was out of time, and has failed.
  bool ended(const Share& share) {
    if (patience_ <= Duration::zero()) return true;
    std::lock_guard lock(mutex_);
    return running_.erase({share.delivery.get(), share.index}) > 0;
  }
  /// It is settled in time. @param failed whether its handler did not take it. @param why then: a printable sentence.
  void handled(const Share& share, size_t bytes, bool failed, std::string_view why = {}) {
    if (failed && share.delivery->stream != 0) return fail({share, bytes, std::string(why), 0});
    ++handled_;
    finish(share, bytes);
  }
  /// A message of an entry that comes to no handler is to be reported.
  void refuse(Share share, size_t bytes, const char* reason) {
    opened(*share.delivery, bytes);
    fail({std::move(share), bytes, reason, 0});
  }
  /// A message that was opened is to be reported.
  void fail(Failure failure) {
    std::lock_guard lock(mutex_);
    failed_.push_back(std::move(failure));
    wake();
  }
  /// The gateway has taken the report.
  void reported(const Failure& failure) { finish(failure.share, failure.bytes); }
  /// The gateway takes no report of it. It is not held any more; its entry stays pending, and comes again at the next
  /// start.
  void given_up(const Failure& failure) {
    --messages_;
    bytes_ -= static_cast<int64_t>(failure.bytes);
    std::lock_guard lock(mutex_);
    wake();
  }
  /// One of the entry's shares is done with; the last one makes it due for its ack.
  void release(const DeliveryPtr& delivery) {
    if (--delivery->open > 0) return;
    std::lock_guard lock(mutex_);
    done_.push_back(delivery);
    wake();
  }

  /// Fails the messages that are out of time.
  void check_time(MonoTime now) {
    std::vector<Failure> late;
    {
      std::lock_guard lock(mutex_);
      for (auto it = running_.begin(); it != running_.end();) {
        const auto running = it++;
        if (now - running->second.since < patience_) continue;
        late.push_back(std::move(running->second.failure));
        running_.erase(running);
      }
    }
    for (auto& failure : late)
      !holds_replies(failure.share.delivery->stream) ? fail(std::move(failure)) : finish(failure.share, failure.bytes);
  }

  /// Moves the entries that are due for their acks to `out`.
  void take(std::vector<DeliveryPtr>& out) {
    std::lock_guard lock(mutex_);
    woken_ = false;
    out.insert(out.end(), std::make_move_iterator(done_.begin()), std::make_move_iterator(done_.end()));
    done_.clear();
  }
  /// Moves the messages whose failure is to be reported to `out`.
  void take_failed(std::vector<Failure>& out) {
    std::lock_guard lock(mutex_);
    woken_ = false;
    out.insert(out.end(), std::make_move_iterator(failed_.begin()), std::make_move_iterator(failed_.end()));
    failed_.clear();
  }
  /// @return messages that handlers took since the last call.
  uint32_t take_handled() { return handled_.exchange(0); }
  /// @return whether what waits for handlers, or for its report, has reached the inbound bound.
  bool full() const { return reached(messages_, bound_.messages) || reached(bytes_, bound_.bytes); }
  /// @return how many entries of that size fit below the inbound bound; at least one until it is reached.
  size_t room_for(Bound entry) const {
    if (full()) return 0;
    size_t messages = left(messages_, bound_.messages) / entry.messages;
    size_t bytes = left(bytes_, bound_.bytes) / entry.bytes;
    return std::max<size_t>(std::min(messages, bytes), 1);
  }

 private:
  struct Running {
    Failure failure;
    MonoTime since;
  };

  void finish(const Share& share, size_t bytes) {
    --messages_;
    bytes_ -= static_cast<int64_t>(bytes);
    release(share.delivery);
  }
  void wake() {
    if (wake_ && !std::exchange(woken_, true)) wake_();
  }
  static bool reached(int64_t value, size_t bound) { return value > 0 && static_cast<size_t>(value) >= bound; }
  static size_t left(int64_t value, size_t bound) { return value > 0 ? bound - static_cast<size_t>(value) : bound; }

  const Bound bound_;
  const Duration patience_;
  std::atomic<uint32_t> handled_{0};
  // Signed: a handler that outlived its session may count out what the next one never counted in.
  std::atomic<int64_t> messages_{0};
  std::atomic<int64_t> bytes_{0};
  std::mutex mutex_;
  std::function<void()> wake_;
  std::vector<DeliveryPtr> done_;
  std::vector<Failure> failed_;
  std::map<std::pair<const Delivery*, uint32_t>, Running> running_;  // begun and not settled, where there is a time-out
  bool woken_ = false;
};

}  // namespace mas::sdk
