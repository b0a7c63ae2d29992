// Stream entries whose messages are being handled: from the reader through the inbox and the handlers back to the acks.
//
// An entry holds one message or many, and is acknowledged when the handlers of all of them have returned. That policy stands
// in handled() and nowhere else. Messages that are dropped unhandled (at a stop) release their share without handling it:
// the entry stays pending in Redis and comes again, to another instance or to the next start.
// Threading: opened() and take(): the I/O thread; handled(): the polling thread. Ownership: an entry is shared by its
// messages and, once handled, by the queue of acks.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "proto/wire/lane.h"
#include "sdk/include/mas.h"
#include "sdk/src/config.h"

namespace mas::sdk {

/// One entry of a stream.
struct Delivery {
  Delivery(size_t s, Lane l, std::string_view i) : stream(s), lane(l), id(i) {}
  const size_t stream;  ///< which of the reader's
  const Lane lane;
  const std::string id;
  std::atomic<uint32_t> open{1};  ///< messages not handled, and the reader while it takes the entry apart
};
using DeliveryPtr = std::shared_ptr<Delivery>;

class Deliveries {
 public:
  explicit Deliveries(const AgentConfig& config) : bound_(config.inbound) {}

  /// @param wake called from any thread, at most once until the next take(), when there is something to acknowledge.
  void open(std::function<void()> wake) {
    std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
    done_.clear();
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
  /// A message's handler returned. @param outcome what it returned; a failure is not tried again.
  void handled(const DeliveryPtr& delivery, size_t bytes, mas_status outcome) {
    static_cast<void>(outcome);
    --messages_;
    bytes_ -= static_cast<int64_t>(bytes);
    release(delivery);
  }
  /// One of the entry's shares is done with; the last one makes it due for its ack.
  void release(const DeliveryPtr& delivery) {
    if (--delivery->open > 0) return;
    std::lock_guard lock(mutex_);
    done_.push_back(delivery);
    if (wake_ && !std::exchange(woken_, true)) wake_();
  }

  /// Moves the entries that are due for their acks to `out`.
  void take(std::vector<DeliveryPtr>& out) {
    std::lock_guard lock(mutex_);
    woken_ = false;
    out.insert(out.end(), std::make_move_iterator(done_.begin()), std::make_move_iterator(done_.end()));
    done_.clear();
  }
  /// @return whether what waits for handlers has reached the inbound bound.
  bool full() const { return reached(messages_, bound_.messages) || reached(bytes_, bound_.bytes); }

 private:
  static bool reached(int64_t value, size_t bound) { return value > 0 && static_cast<size_t>(value) >= bound; }

  const Bound bound_;
  // Signed: a handler that outlived its session may count out what the next one never counted in.
  std::atomic<int64_t> messages_{0};
  std::atomic<int64_t> bytes_{0};
  std::mutex mutex_;
  std::function<void()> wake_;
  std::vector<DeliveryPtr> done_;
  bool woken_ = false;
};

}  // namespace mas::sdk
