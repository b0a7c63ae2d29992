// Publishing, hearing, and the end of both.
#include "sdk/src/peer/mode.h"

#include <optional>
#include <utility>

#include "proto/redis/loop.h"
#include "sdk/src/core/arrival.h"
#include "sdk/src/core/mode_host.h"
#include "sdk/src/loop/runtime.h"
#include "sdk/src/peer/outbox.h"

namespace mas::sdk {
namespace {

class PeerMode final : public Mode {
 public:
  PeerMode(AgentContext& agent, const std::shared_ptr<ChannelOutbox>& channels)
      : Mode({.entry_name = {}, .keeps_all = false, .redelivers = false}, channels),
        agent_(agent),
        outbox_(*channels) {}

  std::string channel() const override { return agent_.keys.channel(agent_.config.id); }
  std::unique_ptr<Op> prepare(std::function<void(Status)>) override { return nullptr; }
  void begin(ModeHost& host) override { live_.emplace(*this, host); }
  void open() override {
    ModeHost& host = live_->host;
    outbox_.open(host, host.commands(), host.runtime().shared_from_this(),
                 [this, &host] { host.runtime().post([this] { drain(); }); });
    outbox_.on_wait([this](Duration wait) { live_->pace.once(wait); });
  }
  void on_payload(std::string_view payload) override {
    auto message = open_envelope(agent_, live_->host.decoder(), payload);
    if (message) live_->host.deliver(Lane::kNormal, std::move(*message));
  }
  size_t max_payload() const override { return agent_.config.max_envelope; }
  void on_oversized(uint64_t bytes) override { drop_oversized(agent_, bytes); }
  /// What the connection has goes out before the session's farewell.
  void finish(Duration patience, std::function<void(Status)> done) override {
    live_->finished = std::move(done);
    outbox_.drain();
    outbox_.on_progress([this] { try_finish(false); });
    if (patience > Duration::zero()) live_->patience.once(patience);
    try_finish(patience == Duration::zero());
  }
  void close() override {
    live_->finished = nullptr;
    live_->patience.stop();
    live_->pace.stop();
    outbox_.close();
  }
  void end() override { live_.reset(); }

 private:
  struct Live {
    Live(PeerMode& mode, ModeHost& its_host)
        : host(its_host),
          pace(host.loop(), [&mode] { mode.drain(); }),
          patience(host.loop(), [&mode] { mode.try_finish(true); }) {}

    ModeHost& host;
    redis::Timer pace;
    redis::Timer patience;
    std::function<void(Status)> finished;
  };

  /// What other threads still send during a stop may be the last that it waits for.
  void drain() {
    outbox_.drain();
    if (live_) try_finish(false);
  }
  void try_finish(bool out_of_time) {
    const bool drained = outbox_.drained();
    if (!live_->finished || (!drained && !out_of_time)) return;
    live_->patience.stop();
    Status status;
    if (!drained) status = Error{Errc::kTimeout, "large messages that pacing held back were not sent"};
    std::exchange(live_->finished, nullptr)(status);
  }

  AgentContext& agent_;
  ChannelOutbox& outbox_;
  std::optional<Live> live_;  // from begin() to end()
};

}  // namespace

std::unique_ptr<Mode> make_peer_mode(AgentContext& agent) {
  auto outbox = std::make_shared<ChannelOutbox>(agent.config, agent.keys, agent.clock, agent.tracer);
  return std::make_unique<PeerMode>(agent, outbox);
}

}  // namespace mas::sdk
