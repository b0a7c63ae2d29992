// Writes, clears or reloads an agent's state in Redis, and then the local copy; in the order in which Redis did it.
//
//     idle ──HSET / HDEL / both in MULTI, DEL, or HGETALL──▶ waiting ──reply──▶ done
#pragma once

#include <vector>

#include "sdk/src/op.h"

namespace mas::sdk {

/// @return the answer to HGETALL as a map; kTooLarge past limits::kStateFields.
Result<StateMap> state_from_reply(const redis::Reply& reply);

/// Some fields at once, all or none.
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

/// Replaces the local copy by what Redis has.
class StateRefreshOp final : public OpWith<Status> {
 public:
  using OpWith::OpWith;
  void begin() override;

 private:
  void on_reply(uint64_t tag, const redis::Answer& answer) override;
};

}  // namespace mas::sdk
