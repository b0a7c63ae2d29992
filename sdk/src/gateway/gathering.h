// How long few new messages wait for more of their kind while answers are due, as RFC 896 has it for TCP: an idle
// gateway gets every message at once, a busy one a few large frames of each sender.
//
//     nothing waits ──waits()──▶ waiting ──kLongest has passed──▶ due ──stop()──▶ nothing waits
//
// Pure: the time is an argument. Threading: none.
#pragma once

#include <optional>

#include "proto/base/clock.h"

namespace mas::sdk {

class Gathering {
 public:
  static constexpr Duration kLongest = std::chrono::milliseconds(250);

  /// There are messages that may wait. @return whether they do; their time begins with the first call.
  bool waits(MonoTime now) {
    if (!allowed_ || due_) return false;
    if (!until_) until_ = now + kLongest;
    return now < *until_;
  }
  /// Nothing waits: it went out, or there is nothing new.
  void stop() {
    due_ = false;
    until_.reset();
  }
  /// @return when on_time() has something to do.
  std::optional<MonoTime> next_time() const { return until_; }
  void on_time(MonoTime now) {
    if (!until_ || now < *until_) return;
    until_.reset();
    due_ = true;
  }
  /// @param allowed false: from now on nothing waits.
  void allow(bool allowed) { allowed_ = allowed; }

 private:
  std::optional<MonoTime> until_;  // then what waits goes out
  bool due_ = false;               // that time has come
  bool allowed_ = true;
};

}  // namespace mas::sdk
