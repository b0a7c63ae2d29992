// Hands one value from the I/O thread to a thread that waits for it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "sdk/src/loop/presence.h"

namespace mas::sdk {

template <typename T>
class Latch {
 public:
  void set(T value) {
    std::lock_guard lock(mutex_);
    value_ = std::move(value);
    ready_.notify_one();  // under the lock: the waiter may destroy the latch as soon as it sees the value
  }

  T wait() {
    Absence waiting;
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return value_.has_value(); });
    return std::move(*value_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::optional<T> value_;
};

}  // namespace mas::sdk
