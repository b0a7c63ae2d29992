// Counts the messages that an agent did not handle, and the error replies that told so.
//
// Happy path: whoever settles a message, or answers it by an error reply, calls count(); a message counts once.
// Threading: any thread. Ownership: the outbox's, which a message that the application keeps holds alive.
#pragma once

#include <atomic>
#include <cstdint>

#include "sdk/include/mas.h"
#include "sdk/src/core/message.h"

namespace mas::sdk {

/// A counter that any thread writes.
class SharedCounter {
 public:
  void add() { value_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct FailureCounts {
  /// @param outcome what the handler returned, or what an error reply says instead.
  void count(mas_message& message, mas_status outcome) {
    if (outcome == MAS_OK || message.set_failure_counted()) return;
    (outcome == MAS_NO_HANDLER ? unhandled : handler_failed).add();
  }

  SharedCounter unhandled, handler_failed, error_replies;
};

}  // namespace mas::sdk
