// Reading the sources again, and what stands in the way of taking them over.
#include "daemons/common/live_configuration.h"

namespace mas::common {
namespace {

bool acceptable(const Problems& problems, const std::vector<Change>& changes, Log& log) {
  bool ok = problems.empty();
  for (const auto& problem : problems) log.error("reload_refused", {{"why", problem}});
  for (const auto& change : changes) {
    if (change.apply == Apply::kReload) continue;
    ok = false;
    log.error("reload_refused", {{"why", "this option takes effect at start only; restart to change it"},
                                 {"option", change.option},
                                 {"old", change.before},
                                 {"new", change.after}});
  }
  return ok;
}

void log_warnings(const Configuration& config, Log& log) {
  for (const auto& warning : config.warnings) log.warn("config_warning", {{"what", warning}});
}

}  // namespace

LiveConfiguration::LiveConfiguration(const DaemonKind& kind, ConfigSources sources, Configuration config)
    : kind_(kind), sources_(std::move(sources)), config_(std::move(config)) {}

void LiveConfiguration::log_start(Log& log) const {
  log_warnings(config_, log);
  std::string names;
  for (const auto& name : config_.ignored) names.append(names.empty() ? "" : " ").append(name);
  if (!names.empty()) log.info("environment_ignored", {{"what", "service links of Kubernetes"}, {"variables", names}});
}

std::optional<size_t> LiveConfiguration::reload(Log& log) {
  Problems problems;
  Configuration next = load_configuration(kind_, sources_, problems);
  std::vector<Change> changes;
  if (problems.empty()) changes = changes_between(config_.table, next.table);
  if (!acceptable(problems, changes, log)) return std::nullopt;
  log_warnings(next, log);
  for (const auto& change : changes)
    log.info("option_changed", {{"option", change.option}, {"old", change.before}, {"new", change.after}});
  config_ = std::move(next);
  return changes.size();
}

}  // namespace mas::common
