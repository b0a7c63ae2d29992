// Where option values come from: the TOML file, the environment, the command line.
//
// Each source overrides the ones before it: defaults, file, MAS_<DAEMON>_<SECTION>_<KEY>, MAS_REDIS_URL and
// MAS_NAMESPACE, flags. Every problem found is listed, each with its place ("file:line:column", or the
// variable), so that one run of --check-config shows them all. Unknown names are problems and name the
// nearest known one.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemons/common/options.h"

namespace mas::common {

inline constexpr size_t kMaxConfigBytes = 1024 * 1024;
inline constexpr size_t kMaxProblems = 20;

using Problems = std::vector<std::string>;
using Environment = std::vector<std::pair<std::string, std::string>>;

/// Applies a TOML document. @param file its name in messages. Values that are wrong leave the option as it
/// was.
void apply_toml(OptionTable& table, std::string_view document, std::string_view file, Problems& problems);

/// Applies every variable that starts with `MAS_<DAEMON>_`, then MAS_REDIS_URL and MAS_NAMESPACE. Kubernetes' service
/// links, which look alike for a service that is named like the daemon, are no problem.
/// @param ret_ignored their names.
void apply_environment(OptionTable& table, std::string_view daemon, const Environment& environment, Problems& problems,
                       std::vector<std::string>& ret_ignored);

/// The process's environment, as far as it starts with "MAS_".
Environment process_environment();

/// @return the name of an option in the environment: "MAS_REGISTRYD_SCAN_PERIOD".
std::string environment_name(std::string_view daemon, const Option& option);

}  // namespace mas::common
