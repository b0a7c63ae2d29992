// The peer-to-peer path, and which path it is.
#include "sdk/src/core/mode.h"

#include <utility>

#include "sdk/src/gateway/mode.h"
#include "sdk/src/loop/runtime.h"

namespace mas::sdk {
namespace {

/// Messages are published on the target's channel; the agent hears its own.
class PeerPath final : public Path {
 public:
  PeerPath(PathHost& host, ChannelOutbox& outbox)
      : host_(host),
        outbox_(outbox),
        pace_(host.loop(), [this] { on_pace(); }),
        patience_(host.loop(), [this] { try_finish(true); }) {}

  std::string channel() const override {
    const AgentContext& agent = host_.context();
    return agent.keys.channel(agent.config.id);
  }
  std::unique_ptr<Op> prepare(std::function<void(Status)>) override { return nullptr; }
  void open() override {
    outbox_.open(host_, host_.commands(), host_.runtime().shared_from_this(),
                 [this] { host_.runtime().post([this] { drain(); }); });
    outbox_.on_wait([this](Duration wait) { pace_.once(wait); });
  }
  void listen(std::function<void(Status)> done) override { done(Status()); }
  void up(const Secret&) override {}
  void renewed() override {}
  void down() override {}
  void recovered() override {}
  void links_back() override {}
  void drain() override { outbox_.drain(); }
  void on_payload(std::string_view payload) override { host_.receive(payload, {}, {}, 0); }
  void on_report(const Id128&, const Verdict&) override {}
  void renamed() override {}
  /// What the connection has goes out before the session's farewell.
  void finish(Duration patience, std::function<void(Status)> done) override {
    finished_ = std::move(done);
    drain();
    outbox_.on_progress([this] { try_finish(false); });
    if (patience > Duration::zero()) patience_.once(patience);
    try_finish(patience == Duration::zero());
  }
  void close() override {
    finished_ = nullptr;
    patience_.stop();
    pace_.stop();
    outbox_.close();
  }

 private:
  void on_pace() {
    drain();
    try_finish(false);
  }
  void try_finish(bool out_of_time) {
    const bool drained = outbox_.drained();
    if (!finished_ || (!drained && !out_of_time)) return;
    patience_.stop();
    Status status;
    if (!drained) status = Error{Errc::kTimeout, "large messages that pacing held back were not sent"};
    std::exchange(finished_, nullptr)(status);
  }

  PathHost& host_;
  ChannelOutbox& outbox_;
  redis::Timer pace_;
  redis::Timer patience_;
  std::function<void(Status)> finished_;
};

}  // namespace

std::unique_ptr<Path> make_path(PathHost& host) {
  AgentContext& agent = host.context();
  if (agent.gateway_outbox != nullptr) return std::make_unique<GatewayPath>(host, *agent.gateway_outbox);
  return std::make_unique<PeerPath>(host, *agent.channel_outbox);
}

}  // namespace mas::sdk
