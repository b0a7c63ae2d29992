// Telling what became of the audit.
#include "daemons/gatewayd/keeper/audit_reports.h"

#include "proto/wire/events.h"

namespace mas::gateway {

AuditReports::AuditReports(common::Frame& frame)
    : frame_(frame),
      heads_(frame.metrics().counter("audit_heads_total", "Signed heads written.")),
      failures_(frame.metrics().counter("audit_keeping_failures_total",
                                        "Failed attempts to sign a head, to retire blocks or to trim them.")),
      lost_blocks_(frame.metrics().counter(
          "audit_lost_blocks_total", "Audit blocks that this gateway had seen and that are gone: Redis lost data.")),
      retired_blocks_(frame.metrics().counter("audit_retired_blocks_total", "Audit blocks written to files.")),
      trimmed_blocks_(frame.metrics().counter("audit_trimmed_blocks_total",
                                              "Audit blocks trimmed from Redis after they were retired.")) {}

void AuditReports::failed(std::string_view event, const Error& error) {
  failures_.add();
  if (repeat_.should_log(error.message, mono_now())) frame_.log().warn(event, {{"why", error.message}});
}

void AuditReports::head_written(const HeadResult& head) {
  for (const ChainLoss& loss : head.lost) chain_cut(loss);
  heads_.add();
  frame_.log().info("audit_head", {{"entry", head.entry}, {"hash", to_hex(head.hash)}, {"blocks", head.blocks}});
}

void AuditReports::chain_cut(const ChainLoss& loss) {
  failures_.add();
  frame_.log().error("audit_went_back", {{"partition", loss.partition},
                                         {"signed_block", loss.signed_block},
                                         {"last_block", loss.last_block},
                                         {"then", "the shorter chain is signed; masctl audit verify names the loss"}});
  alert("the audit of partition " + std::to_string(loss.partition) + " ends with block " +
        std::to_string(loss.last_block) + ", and block " + std::to_string(loss.signed_block) + " had been signed");
}

void AuditReports::blocks_lost(const audit::LostBlocks& lost) {
  lost_blocks_.add(lost.count());
  frame_.log().error("audit_blocks_lost", {{"partition", lost.partition},
                                           {"first", lost.first},
                                           {"last", lost.last},
                                           {"hash", to_hex(lost.hash)},
                                           {"then", "a signed head names them; masctl audit verify tells"}});
  alert("Redis lost audit records: " + audit::lost_blocks_text(lost) + " are gone");
}

void AuditReports::trimmed(uint64_t blocks) {
  trimmed_blocks_.add(blocks);
  frame_.log().info("audit_trimmed", {{"blocks", blocks}});
}

void AuditReports::alert(const std::string& text) {
  const std::string event = alert_event("gatewayd", text, wall_now());
  static_cast<void>(frame_.redis().send(redis::Command("PUBLISH", frame_.keys().system_channel(), event), {}));
}

}  // namespace mas::gateway
