// The options of the audit: which key signs heads and when, and how old blocks are retired: written to files, then
// removed from Redis.
#pragma once

#include "daemons/common/settings.h"

namespace mas::gateway {

struct AuditSettings {
  std::string signing_key;
  Duration head_interval = std::chrono::seconds(10);
  int64_t head_blocks = 10'000;
  int64_t refusals = 10;
  std::string heads_file;
  Duration retention{};  ///< 0: for ever
  std::string retired_dir;
  uint64_t retired_file_size = 64 * 1024 * 1024;

  void describe(common::OptionTable& table);
  void check(common::Problems& problems) const;

  /// @return these, with what systemd gives to the unit where no file is configured: the credential mas.audit-key, and
  /// heads.jsonl and retired in its state directory.
  AuditSettings placed() const;
};

}  // namespace mas::gateway
