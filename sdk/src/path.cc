// The peer-to-peer path, and which path it is.
#include "sdk/src/path.h"

#include "sdk/src/gateway_path.h"
#include "sdk/src/runtime.h"

namespace mas::sdk {
namespace {

/// Messages are published on the target's channel; the agent hears its own.
class PeerPath final : public Path {
 public:
  PeerPath(PathHost& host, ChannelOutbox& outbox) : host_(host), outbox_(outbox) {}

  std::string channel() const override {
    const AgentContext& agent = host_.context();
    return agent.keys.channel(agent.config.id);
  }
  std::unique_ptr<Op> prepare(std::function<void(Status)>) override { return nullptr; }
  void open() override {
    outbox_.open(host_, host_.commands(), host_.runtime().shared_from_this(),
                 [this] { host_.runtime().post([this] { drain(); }); });
  }
  void listen(std::function<void(Status)> done) override { done(Status()); }
  void up(const std::string&) override {}
  void renewed() override {}
  void down() override {}
  void links_back() override {}
  void drain() override { outbox_.drain(); }
  void on_payload(std::string_view payload) override { host_.receive(payload, {}, {}, 0); }
  void on_report(const Id128&, const Verdict&) override {}
  void renamed() override {}
  void finish(Duration, std::function<void(Status)> done) override {
    drain();
    done(Status());
  }
  void close() override { outbox_.close(); }

 private:
  PathHost& host_;
  ChannelOutbox& outbox_;
};

}  // namespace

std::unique_ptr<Path> make_path(PathHost& host) {
  AgentContext& agent = host.context();
  if (agent.gateway_outbox != nullptr) return std::make_unique<GatewayPath>(host, *agent.gateway_outbox);
  return std::make_unique<PeerPath>(host, *agent.channel_outbox);
}

}  // namespace mas::sdk
