// Collecting audit records from the end of the streams.
#include "sdk/masctl/commands/audit_rows.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "sdk/masctl/cli/times.h"

namespace mas::ctl {

namespace {

namespace audit = gateway::audit;

constexpr WallMicros kClocksApart = 10 * 60 * 1'000'000ll;

std::vector<std::string> cells_of(const audit::Block& block, size_t index) {
  const audit::AuditRecord& record = block.records[index];
  std::string reason(record.reason);
  for (std::string_view detector : record.detectors) reason.append(reason.empty() ? "" : " ").append(detector);
  if (record.shadow)
    reason.append(reason.empty() ? "" : " ").append("[shadow: ").append(decision_text(record.shadow->decision)) += ']';
  std::string place = std::to_string(block.head.partition) + "/" + std::to_string(block.head.number);
  return {time_text(record.time),
          std::string(decision_text(record.decision)),
          std::string(record.sender),
          std::string(record.target),
          std::string(record.type),
          std::string(record.message_id),
          place,
          reason};
}

}  // namespace

std::vector<std::string> audit_headings() {
  return {"TIME", "DECISION", "SENDER", "TARGET", "TYPE", "MESSAGE", "BLOCK", "REASON"};
}

size_t take_block(const audit::Block& block, const audit::Filter& filter, bool json, size_t limit, AuditRows& rows) {
  size_t taken = 0;
  for (size_t i = block.records.size(); i-- > 0 && taken < limit;) {
    if (!audit::matches(filter, block.records[i])) continue;
    AuditRow row{block.records[i].time, block.head.partition, block.head.number, i, {}, {}};
    if (json)
      audit::append_json(row.json, block, i);
    else
      row.cells = cells_of(block, i);
    rows.rows.push_back(std::move(row));
    ++taken;
  }
  return taken;
}

void sort_rows(std::vector<AuditRow>& rows) {
  auto key = [](const AuditRow& row) { return std::tie(row.time, row.partition, row.block, row.record); };
  std::sort(rows.begin(), rows.end(), [&](const AuditRow& a, const AuditRow& b) { return key(a) < key(b); });
}

AuditRange range_of(const audit::Filter& filter) {
  AuditRange range;
  using Limits = std::numeric_limits<WallMicros>;
  if (filter.since != Limits::min())
    range.from = std::to_string(std::max<WallMicros>(0, filter.since - kClocksApart) / 1000);
  if (filter.until != Limits::max())
    range.to = std::to_string(std::max<WallMicros>(0, filter.until + kClocksApart) / 1000);
  return range;
}

Result<AuditRows> collect_newest(AuditReader& reader, const std::vector<uint32_t>& partitions,
                                 const audit::Filter& filter, size_t limit, bool json) {
  AuditRows rows;
  audit::Block block;
  std::map<uint32_t, size_t> wanted;  // what a partition may still add
  for (uint32_t p : partitions) wanted[p] = limit;
  AuditRange range = range_of(filter);
  range.newest_first = true;
  auto take = [&](uint32_t partition, std::string_view entry, std::string_view bytes) {
    rows.newest.emplace(partition, entry);
    size_t& left = wanted[partition];
    if (left == 0) return false;
    if (audit::decode_block(bytes, block).ok())
      left -= take_block(block, filter, json, left, rows);
    else
      ++rows.unreadable;
    return left > 0;
  };
  Status status = reader.read(partitions, range, take);
  if (!status.ok()) return status.error();
  sort_rows(rows.rows);
  if (rows.rows.size() > limit) rows.rows.erase(rows.rows.begin(), rows.rows.end() - static_cast<ptrdiff_t>(limit));
  return rows;
}

void note_unreadable(Output& out, size_t count) {
  if (count > 0) out.note(std::to_string(count) + " entries are not audit blocks; 'masctl audit verify' names them");
}

}  // namespace mas::ctl
