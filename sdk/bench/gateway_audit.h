// What the audit log says about the messages of `bench gateway`.
//
// Happy path: mark() remembers where each partition's log ends; count() reads what came since and adds up the records
// of the benchmark's senders. Equal counts and equal sums of message ids mean that exactly what was delivered is in the
// log.
// Failure: Redis's is the error of the call; kMalformed for a block that cannot be read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sdk/masctl/cli/globals.h"

namespace mas::ctl {

struct AuditCount {
  uint64_t accepted = 0;  ///< records of messages that went into their target's stream
  uint64_t refused = 0;
  uint64_t ids = 0;  ///< sum of id_weight() of the accepted ones
};

class AuditReading {
 public:
  /// @param prefix of the senders' ids.
  AuditReading(const Settings& settings, std::string prefix) : settings_(settings), prefix_(std::move(prefix)) {}

  Status mark(unsigned partitions);
  Result<AuditCount> count() const;

 private:
  const Settings& settings_;
  std::string prefix_;
  std::vector<std::string> ends_;  // entry ids, by partition
};

}  // namespace mas::ctl
