// Takes this instance's registration back, after everything that was sent before; the agent's too when no other
// instance lives. Where one has its lease, the heartbeat is left no longer than that lease, and INSTANCE_STOPPED is
// published.
//
//     idle ──FCALL──▶ taking back ──reply──▶ done       a lost link: again (it changes nothing the second time)
//
// One function (server_functions.h), so that a second instance that starts at the same moment is either seen or finds
// nothing removed.
#pragma once

#include "sdk/src/core/op.h"

namespace mas::sdk {

class StopOp final : public OpWith<Status> {
 public:
  StopOp(OpHost& host, Done done) : OpWith(host, std::move(done)) {}
  void begin() override;

 private:
  void on_reply(uint64_t tag, const redis::Answer& answer) override;
};

}  // namespace mas::sdk
