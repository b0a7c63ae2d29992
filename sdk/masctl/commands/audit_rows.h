// Audit records as rows: collected from many partitions, in the order of time, for people or as JSON.
//
// Happy path: collect_newest() reads from the end of every stream until it has enough; sort_rows() puts them in order.
// Failure: an entry that is no block is counted and left out; `audit verify` says what is wrong with it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemons/gatewayd/audit/query.h"
#include "sdk/masctl/cli/output.h"
#include "sdk/masctl/redis/audit_reader.h"

namespace mas::ctl {

struct AuditRow {
  WallMicros time = 0;
  uint32_t partition = 0;
  uint64_t block = 0;
  size_t record = 0;
  std::string json;                ///< with --json
  std::vector<std::string> cells;  ///< without
};

struct AuditRows {
  std::vector<AuditRow> rows;
  size_t unreadable = 0;                   ///< entries
  std::map<uint32_t, std::string> newest;  ///< by partition: the last entry that was there
};

std::vector<std::string> audit_headings();

/// Adds what matches of one block, newest first, at most `limit`. @return how many were added.
size_t take_block(const gateway::audit::Block& block, const gateway::audit::Filter& filter, bool json, size_t limit,
                  AuditRows& rows);

/// @return the newest `limit` records that match, oldest first.
Result<AuditRows> collect_newest(AuditReader& reader, const std::vector<uint32_t>& partitions,
                                 const gateway::audit::Filter& filter, size_t limit, bool json);

void sort_rows(std::vector<AuditRow>& rows);

/// The part of a stream that can hold records of the filter's time. An entry's id is Redis's clock, a record's time may
/// be another's: ten minutes are left between them.
AuditRange range_of(const gateway::audit::Filter& filter);

/// Tells how many entries were left out.
void note_unreadable(Output& out, size_t count);

}  // namespace mas::ctl
