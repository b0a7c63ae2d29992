// Writes or clears an agent's state in Redis, and then the local copy; in the order in which Redis did it.
//
//     idle ──HSET / HDEL / both in MULTI, or DEL──▶ waiting ──reply──▶ done
#pragma once

#include <vector>

#include "sdk/src/core/op.h"

namespace mas::sdk {

/// Some fields at once, all or none. kTooLarge where the state would then be one that no start could load.
class StateUpdateOp final : public OpWith<Status> {
 public:
  StateUpdateOp(OpHost& host, std::vector<StateChange> changes, Done done)
      : OpWith(host, std::move(done)), changes_(std::move(changes)) {}
  void begin() override;

 private:
  void on_reply(uint64_t tag, const redis::Answer& answer) override;
  std::vector<StateChange> changes_;
};

/// Removes every field.
class StateResetOp final : public OpWith<Status> {
 public:
  using OpWith::OpWith;
  void begin() override;

 private:
  void on_reply(uint64_t tag, const redis::Answer& answer) override;
};

}  // namespace mas::sdk
