// The options of the archive of delivered messages: under which key it is kept, and how much of it.
#pragma once

#include <optional>

#include "daemons/common/settings.h"
#include "daemons/gatewayd/archive/entry.h"

namespace mas::gateway {

struct ArchiveSettings {
  std::string key_file;  ///< empty: nothing is archived
  std::string key_id = "archive";
  std::string old_key_file, old_key_id;
  Duration keep = std::chrono::hours(7 * 24);
  uint64_t max_bytes = 256u * 1024 * 1024;

  void describe(common::OptionTable& table);
  void check(common::Problems& problems) const;

  /// @return the key that entries are sealed under, or none.
  Result<std::optional<archive::Key>> key() const;
  /// @return the key that older entries were sealed under, or none.
  Result<std::optional<archive::Key>> old_key() const;
};

}  // namespace mas::gateway
