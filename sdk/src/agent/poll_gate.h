// Lets one thread at a time run an agent's callbacks.
//
// Threading: any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "proto/base/clock.h"

namespace mas::sdk {

/// A pass that its thread never gave back, since a callback was left by longjmp(), can be revoked; from then on it
/// means nothing.
class PollGate {
 public:
  class Pass {
   public:
    Pass() = default;
    Pass(PollGate& gate, uint64_t number) : gate_(&gate), number_(number) {}
    ~Pass() {
      if (gate_ != nullptr) gate_->leave(number_);
    }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    PollGate* gate_ = nullptr;
    uint64_t number_ = 0;
  };

  /// @param patience how long to wait for the thread inside; negative: for ever. @return false in time-out.
  Pass enter(Duration patience);
  /// @return whether the calling thread is inside.
  bool inside() const { return thread_.load() == std::this_thread::get_id(); }
  /// Takes the pass of the thread inside.
  void revoke();

 private:
  void leave(uint64_t number);

  std::mutex mutex_;
  std::condition_variable left_;
  bool taken_ = false;   // guarded by mutex_
  uint64_t number_ = 0;  // of the last pass; guarded by mutex_
  std::atomic<std::thread::id> thread_{};
};

}  // namespace mas::sdk
