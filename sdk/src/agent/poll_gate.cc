// Entering, leaving, revoking.
#include "sdk/src/agent/poll_gate.h"

#include "sdk/src/loop/presence.h"

namespace mas::sdk {

PollGate::Pass PollGate::enter(Duration patience) {
  Absence waiting;
  std::unique_lock lock(mutex_);
  auto free = [this] { return !taken_; };
  if (patience < Duration::zero())
    left_.wait(lock, free);
  else if (!left_.wait_until(lock, std::chrono::steady_clock::now() + patience, free))
    return {};
  taken_ = true;
  thread_.store(std::this_thread::get_id());
  return {*this, ++number_};
}

void PollGate::leave(uint64_t number) {
  std::lock_guard lock(mutex_);
  if (number != number_) return;  // it was revoked
  taken_ = false;
  thread_.store(std::thread::id());
  left_.notify_all();
}

void PollGate::revoke() {
  std::unique_lock lock(mutex_);
  const uint64_t number = number_;
  lock.unlock();
  leave(number);
}

}  // namespace mas::sdk
