// The configuration that a daemon runs with, and its reload: all sources are read again.
//
// Happy path: reload() reads the sources, logs each option that changed, and takes the new configuration over.
// Failure modes:
// - A source is wrong, or an option changed that takes effect at start only: each is logged, and nothing changes.
// Threading: loop thread. Ownership: the daemon's.
#pragma once

#include "daemons/common/configuration.h"
#include "daemons/common/log.h"

namespace mas::common {

class LiveConfiguration {
 public:
  /// @param config that was read from `sources` without a problem. @param kind must outlive this.
  LiveConfiguration(const DaemonKind& kind, ConfigSources sources, Configuration config);

  /// Until the next reload.
  const Settings& settings() const { return *config_.settings; }
  /// Logs what is doubtful in the configuration of the start, and which variables were no options.
  void log_start(Log& log) const;
  /// @return how many options changed; nullopt: the reload was refused.
  std::optional<size_t> reload(Log& log);

 private:
  const DaemonKind& kind_;
  const ConfigSources sources_;
  Configuration config_;
};

}  // namespace mas::common
