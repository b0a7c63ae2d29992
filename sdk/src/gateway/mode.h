// The gateway path: frames out and receipts back (GatewayOutbox), stream entries in (GatewayReader), failures of handlers told
// (FailureReports), and the time that they need.
//
// The channel is that of the instance's receipts. Before the agent registers, GatewaySetupOp reads how many partitions
// there are and makes the streams' groups. The agent does not hear `agent.{id}`: peers would walk around the policy.
// Threading, ownership: see Path.
#pragma once

#include <memory>
#include <string>

#include "sdk/src/core/mode.h"
#include "sdk/src/gateway/failure_reports.h"
#include "sdk/src/gateway/outbox.h"
#include "sdk/src/gateway/reader.h"

namespace mas::sdk {

class GatewayPath final : public Path {
 public:
  GatewayPath(PathHost& host, GatewayOutbox& outbox);

  std::string channel() const override;
  std::unique_ptr<Op> prepare(std::function<void(Status)> done) override;
  void listen(std::function<void(Status)> done) override { reader_.listen(std::move(done)); }
  void open() override;
  void up(const Secret& token) override;
  void renewed() override { reader_.on_lease(); }
  void down() override;
  void recovered() override { outbox_.recovered(); }
  void links_back() override { outbox_.up(host_.commands(), partitions_, token_); }
  void drain() override { outbox_.pump(); }
  void on_report(const Id128& id, const Verdict& verdict) override { reports_.on_verdict(id, verdict); }
  void on_payload(std::string_view payload) override;
  void renamed() override;
  void finish(Duration patience, std::function<void(Status)> done) override;
  void close() override;

 private:
  void on_handled();
  void keep_time();
  void on_timer();
  void ask_partitions();
  void on_partitions(uint64_t tag, const redis::Answer& answer);
  void apply(FrameWindow::Effect effect);
  void try_finish(bool out_of_time);

  PathHost& host_;
  GatewayOutbox& outbox_;
  GatewayReader reader_;
  FailureReports reports_;
  redis::Timer timer_;
  redis::Timer patience_;
  MonoTime armed_until_{};
  unsigned partitions_ = 0;
  bool asking_ = false;
  Secret token_;  // the registry's
  std::function<void(Status)> finished_;
};

}  // namespace mas::sdk
