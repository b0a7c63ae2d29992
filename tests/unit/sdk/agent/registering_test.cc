// The steps of a registration: their order, and who is told of what ends them.
#include "sdk/src/agent/registering.h"

#include <memory>
#include <string>
#include <vector>

#include "proto/redis/client.h"
#include "sdk/src/agent/state_load_op.h"
#include "tests/lib/loop_fixture.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::sdk;

namespace {

const Error kFailed{Errc::kUnavailable, "it failed"};
const Error kLinkLost{Errc::kUnavailable, "the link is lost"};

class PrepareOp final : public OpWith<Status> {
 public:
  using OpWith::OpWith;
  void begin() override {}
  void succeed() { finish(Status()); }

 private:
  void on_reply(uint64_t, const redis::Answer&) override {}
};

/// Prepares and listens as the test says.
class SteppedMode final : public Mode {
 public:
  SteppedMode() : Mode({.entry_name = "", .keeps_all = false, .redelivers = false}, nullptr) {}

  std::unique_ptr<Op> prepare(std::function<void(Status)> done) override {
    return host == nullptr ? nullptr : std::make_unique<PrepareOp>(*host, done);
  }
  void listen(std::function<void(Status)> done) override { listening = std::move(done); }

  void begin(ModeHost&) override {}
  std::string channel() const override { return {}; }
  void open() override {}
  void on_payload(std::string_view) override {}
  size_t max_payload() const override { return 0; }
  void on_oversized(uint64_t) override {}
  void finish(Duration, std::function<void(Status)>) override {}
  void close() override {}
  void end() override {}

  OpHost* host = nullptr;  // null: there is nothing to prepare
  std::function<void(Status)> listening;
};

AgentConfig config_of_bob() {
  AgentConfig config;
  config.id = "bob";
  return config;
}

/// Keeps operations, and begins none.
struct RegisteringCase final : OpHost, redis::ConnectionListener {
  RegisteringCase() { mode.host = this; }

  redis::Client& commands() override { return client; }
  AgentContext& context() override { return agent; }
  uv_loop_t* loop() override { return fixture.loop(); }
  void run(std::unique_ptr<Op> op) override { ops.push_back(std::move(op)); }
  void retire(Op&) override {}
  void on_ready(redis::Connection&) override {}
  void on_down(redis::Connection&, const Error&, unsigned) override {}

  /// As far as the entry or the state, which are asked for next.
  void hear() {
    registering.begin();
    dynamic_cast<PrepareOp&>(*ops.back()).succeed();
    mode.listening(Status());
  }
  template <typename Expected>
  bool runs() const {
    return !ops.empty() && dynamic_cast<const Expected*>(ops.back().get()) != nullptr;
  }

  test::LoopFixture fixture;
  redis::Client client{fixture.loop(), {}, this, nullptr};
  AgentShared agent{config_of_bob(),
                    [](AgentContext&) -> std::unique_ptr<Mode> { return std::make_unique<SteppedMode>(); }};
  SteppedMode& mode = static_cast<SteppedMode&>(*agent.mode);
  std::vector<std::string> told;
  std::vector<std::unique_ptr<Op>> ops;
  Registering registering{*this, agent, [this](const Result<Secret>& token) {
                            told.push_back(token ? "registered" : token.error().message);
                          }};
};

}  // namespace

TEST_CASE("at a start the mode is made ready and hears before the state is loaded") {
  RegisteringCase at;
  at.registering.begin();
  CHECK(at.runs<PrepareOp>());
  CHECK_FALSE(at.mode.listening);
  dynamic_cast<PrepareOp&>(*at.ops.back()).succeed();
  REQUIRE(at.mode.listening);
  CHECK(at.ops.size() == 1);
  at.mode.listening(Status());
  CHECK(at.runs<StateLoadOp>());
  CHECK_FALSE(at.registering.claimed());
  CHECK(at.told.empty());
}

TEST_CASE("after a loss the entry is written, and the state is not loaded") {
  RegisteringCase at;
  at.registering.set_occasion(RegisterOp::Occasion::kAgain);
  at.hear();
  CHECK(at.runs<RegisterOp>());
  CHECK(at.registering.claimed());
  CHECK(at.registering.sent_at() > MonoTime{});
}

TEST_CASE("a mode with nothing to prepare listens at once") {
  RegisteringCase at;
  at.mode.host = nullptr;
  at.registering.begin();
  CHECK(at.ops.empty());
  CHECK(at.mode.listening);
}

TEST_CASE("a step that fails is told once, and the next begin starts from the first step") {
  RegisteringCase at;
  SECTION("preparing") {
    at.registering.begin();
    at.ops.back()->cancel(kFailed);
  }
  SECTION("listening") {
    at.registering.begin();
    dynamic_cast<PrepareOp&>(*at.ops.back()).succeed();
    at.mode.listening(kFailed);
  }
  SECTION("loading the state") {
    at.hear();
    at.ops.back()->cancel(kFailed);
  }
  SECTION("writing the entry") {
    at.registering.set_occasion(RegisterOp::Occasion::kAgain);
    at.hear();
    CHECK(at.registering.fail(kFailed));
  }
  CHECK(at.told == std::vector<std::string>{"it failed"});
  CHECK_FALSE(at.registering.fail(kFailed));
  at.registering.begin();
  CHECK(at.runs<PrepareOp>());
  CHECK(at.told.size() == 1);
}

TEST_CASE("while the mode listens there is no operation to fail") {
  RegisteringCase at;
  at.registering.begin();
  dynamic_cast<PrepareOp&>(*at.ops.back()).succeed();
  CHECK_FALSE(at.registering.fail(kFailed));
  CHECK(at.told.empty());
}

TEST_CASE("what is abandoned tells nobody, whatever its step was") {
  RegisteringCase at;
  SECTION("preparing") { at.registering.begin(); }
  SECTION("listening") {
    at.registering.begin();
    dynamic_cast<PrepareOp&>(*at.ops.back()).succeed();
  }
  SECTION("loading the state") { at.hear(); }
  const size_t ops = at.ops.size();
  at.registering.abandon(kLinkLost);
  at.registering.abandon(kLinkLost);
  if (at.mode.listening) at.mode.listening(Status());
  CHECK(at.told.empty());
  CHECK(at.ops.size() == ops);
  at.registering.begin();
  CHECK(at.runs<PrepareOp>());
}
