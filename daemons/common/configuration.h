// A daemon's effective configuration: its settings, the table over them, and how two of them differ.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/common/option_sources.h"
#include "daemons/common/options.h"
#include "daemons/common/service.h"
#include "daemons/common/settings.h"

namespace mas::common {

struct ConfigSources {
  std::optional<std::string> file;  ///< --config
  Environment environment;
  std::optional<std::string> redis_flag;  ///< --redis
};

struct Configuration {
  std::unique_ptr<Settings> settings;
  OptionTable table;  ///< points into *settings
  std::vector<std::string> warnings;
  std::vector<std::string> ignored;  ///< names of variables that are Kubernetes' and not ours
};

/// Defaults, then every source in its order, then the checks. Use the result only if `problems` stayed empty.
Configuration load_configuration(const DaemonKind& kind, const ConfigSources& sources, Problems& problems);

/// Defaults alone.
Configuration default_configuration(const DaemonKind& kind);

struct Change {
  std::string option, before, after;  ///< values as people may see them
  Apply apply;
};

/// @return the options whose values differ; both tables are of the same daemon. Pure.
std::vector<Change> changes_between(const OptionTable& before, const OptionTable& after);

}  // namespace mas::common
