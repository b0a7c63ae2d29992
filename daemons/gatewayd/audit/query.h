// Queries of the audit: the filter of records, and the text of a record.
//
// Pure. Threading: none. Ownership: a Filter owns its texts.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "daemons/gatewayd/audit/block.h"

namespace mas::gateway::audit {

/// What is asked for; empty texts and missing values ask nothing.
struct Filter {
  std::string sender;
  std::string target;
  std::string type;
  std::string message_id;
  std::optional<Decision> decision;
  WallMicros since = std::numeric_limits<WallMicros>::min();  ///< included
  WallMicros until = std::numeric_limits<WallMicros>::max();  ///< not included
};

bool matches(const Filter& filter, const AuditRecord& record);

/// Appends a record as one JSON object; bytes that are not UTF-8 stand as U+FFFD.
/// @param index of the record in its block.
void append_json(std::string& out, const Block& block, size_t index);

/// The heading of the CSV form (RFC 4180), with its line break.
std::string_view csv_heading();
/// Appends a record as one line of CSV.
void append_csv(std::string& out, const Block& block, size_t index);

}  // namespace mas::gateway::audit
