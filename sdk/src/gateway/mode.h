// Gateway mode: frames out and receipts back (GatewayOutbox), stream entries in (InboxReader), failures of handlers
// told (FailureReports), and the time that they need.
//
// The channel is that of the instance's receipts. Before the agent registers, GatewaySetupOp reads how many partitions
// there are and makes the streams' groups. The agent does not hear `agent.{id}`: peers would walk around the policy.
// Threading, ownership: see Mode.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sdk/src/core/context.h"
#include "sdk/src/core/mode_host.h"
#include "sdk/src/gateway/failure_reports.h"
#include "sdk/src/gateway/inbox_reader.h"
#include "sdk/src/gateway/outbox.h"

namespace mas::sdk {

class GatewayMode final : public Mode {
 public:
  explicit GatewayMode(AgentContext& agent);

  std::string obstacle() override { return outbox_.obstacle(); }
  void began(const mas_message& message) override;
  bool ended(const mas_message& message) override;
  void handled(mas_message& message, bool failed, std::string_view why) override;
  Status load() override;

  void begin(ModeHost& host) override { live_.emplace(*this, host); }
  std::string channel() const override;
  std::unique_ptr<Op> prepare(std::function<void(Status)> done) override;
  void listen(std::function<void(Status)> done) override { live_->reader->listen(std::move(done)); }
  void add_lease(redis::Command& lease) const override;
  void open() override;
  void up(const Secret& token) override;
  void renewed() override;
  void down() override;
  void link_renewed() override { live_->reader->renew_link(); }
  void recovered() override { outbox_.recovered(); }
  void links_back() override { outbox_.up(live_->host.commands(), live_->partitions, live_->token); }
  void on_payload(std::string_view payload) override;
  size_t max_payload() const override { return kMaxReceiptBytes; }
  void on_oversized(uint64_t) override { apply(FrameWindow::Effect::kUnknownFrame); }  // no gateway wrote it
  void renamed(const std::string& before) override;
  void finish(Duration patience, std::function<void(Status)> done) override;
  void close() override;
  void end() override { live_.reset(); }

 private:
  /// What a session's time in this mode needs.
  struct Live {
    Live(GatewayMode& mode, ModeHost& its_host);

    ModeHost& host;
    DedupeWindow dedupe;  // empty at first: what the last start had seen and not handled comes again
    const std::unique_ptr<InboxReader> reader;
    FailureReports reports;
    redis::Timer timer, patience;
    MonoTime armed_until{};
    unsigned partitions = 0;
    bool asking = false;
    Secret token;  // the registry's
    std::function<void(Status)> finished;
  };

  GatewayMode(AgentContext& agent, const std::shared_ptr<GatewayOutbox>& frames);
  void on_handled();
  void keep_time();
  void on_timer();
  void ask_partitions();
  void on_partitions(uint64_t tag, const redis::Answer& answer);
  void apply(FrameWindow::Effect effect);
  bool forgotten_after_outage() const;
  void try_finish(bool out_of_time);

  AgentContext& agent_;
  GatewayOutbox& outbox_;
  Deliveries deliveries_;     // a handler may outlive its session
  std::optional<Live> live_;  // from begin() to end()
};

}  // namespace mas::sdk
