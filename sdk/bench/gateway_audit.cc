// XRANGE in pages, decoded by the audit's own decoder.
#include "sdk/bench/gateway_audit.h"

#include "daemons/gatewayd/audit/block.h"
#include "proto/redis/command.h"
#include "sdk/bench/gateway_tally.h"
#include "sdk/bench/raw_link.h"

namespace mas::ctl {

namespace {

constexpr int kPage = 100;  // blocks of about 1,000 records

void take(const gateway::audit::Block& block, const std::string& prefix, AuditCount& count) {
  for (const auto& record : block.records) {
    if (!record.sender.starts_with(prefix)) continue;
    if (!decision_accepted(record.decision)) {
      ++count.refused;
      continue;
    }
    ++count.accepted;
    count.ids += id_weight(record.message_id);
  }
}

}  // namespace

Status AuditReading::mark(unsigned partitions) {
  auto link = RawLink::open(settings_.endpoint);
  if (!link.ok()) return link.error();
  ends_.assign(partitions, "0-0");
  for (unsigned p = 0; p < partitions; ++p) {
    auto last = (*link)->call(redis::Command("XREVRANGE", settings_.keys.audit(p), "+", "-", "COUNT", 1).bytes());
    if (!last.ok()) return last.error();
    if ((*last)->count > 0) ends_[p] = std::string((**last)[0][0].text);
  }
  return {};
}

Result<AuditCount> AuditReading::count() const {
  auto link = RawLink::open(settings_.endpoint);
  if (!link.ok()) return link.error();
  AuditCount count;
  gateway::audit::Block block;
  for (unsigned p = 0; p < ends_.size(); ++p) {
    std::string after = ends_[p];
    for (bool more = true; more;) {
      auto page =
          (*link)->call(redis::Command("XRANGE", settings_.keys.audit(p), "(" + after, "+", "COUNT", kPage).bytes());
      if (!page.ok()) return page.error();
      more = (*page)->count == kPage;
      for (const auto& entry : **page) {
        after = std::string(entry[0].text);
        Status decoded = gateway::audit::decode_block(entry[1][1].text, block);
        if (!decoded.ok()) return decoded.error().in("audit entry " + after);
        take(block, prefix_, count);
      }
    }
  }
  return count;
}

}  // namespace mas::ctl
