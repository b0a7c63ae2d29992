// A session's side of a mode, which keeps what it is told: for tests of the parts that read, in gateway mode.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "sdk/src/core/context.h"
#include "sdk/src/core/mode_host.h"
#include "sdk/src/peer/mode.h"

namespace mas::sdk {

/// Whatever else a session does is not asked for, and aborts.
class FakeHost final : public ModeHost {
 public:
  AgentContext& context() override { return agent; }
  EnvelopeDecoder& decoder() override { return decoder_; }
  void deliver(Lane, MessagePtr message) override { delivered.push_back(std::move(message)); }
  void on_receiving_lost(const Error& why) override { receiving_lost.push_back(why.message); }
  void lost_data(const std::string& what) override { data_lost.push_back(what); }

  Runtime& runtime() override { std::abort(); }
  redis::Client& commands() override { std::abort(); }
  uv_loop_t* loop() override { std::abort(); }
  void run(std::unique_ptr<Op>) override { std::abort(); }
  void retire(Op&) override { std::abort(); }
  bool awaits_replies() override { std::abort(); }
  void in_doubt(InDoubt, const std::string&) override { std::abort(); }
  void ask_time() override { std::abort(); }
  void begin_anew(const std::string&) override { std::abort(); }
  void on_outcome(OutgoingKind, const Id128&, std::string_view, const SendOutcome&) override { std::abort(); }

 private:
  AgentConfig bob() {
    AgentConfig config;
    config.id = "bob";
    config.dedupe_messages = 10;
    config.max_envelope = 1000;
    config.debug = [](const char* line, void* self) { static_cast<FakeHost*>(self)->debug.emplace_back(line); };
    config.debug_user = this;
    return config;
  }

  EnvelopeDecoder decoder_;

 public:
  std::vector<MessagePtr> delivered;
  std::vector<std::string> receiving_lost, data_lost, debug;
  AgentContext agent{bob(), make_peer_mode};
};

}  // namespace mas::sdk
