// Loading a configuration from its sources, and comparing two.
#include "daemons/common/configuration.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mas::common {
namespace {

struct File {
  std::string text;
  bool open_to_others = false;
};

/// @return the file, or its first kMaxConfigBytes + 1 bytes, so that what parses it can refuse its size.
Result<File> read_config(const std::string& path) {
  auto failed = [&] { return Error{Errc::kNotFound, path + ": " + std::strerror(errno)}; };
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return failed();
  struct stat info {};
  File file;
  file.open_to_others = fstat(fd, &info) == 0 && (info.st_mode & 07) != 0;
  file.text.resize(kMaxConfigBytes + 1);
  size_t size = 0;
  ssize_t got = 1;
  while (got > 0 && size < file.text.size()) {
    got = read(fd, file.text.data() + size, file.text.size() - size);
    if (got > 0) size += static_cast<size_t>(got);
  }
  int error = errno;
  close(fd);
  errno = error;
  if (got < 0) return failed();
  file.text.resize(size);
  return file;
}

bool holds_secret(const Option& option) {
  return option.text() != option.shown();  // shown() hides exactly the secrets
}

void warn_of_exposed_secrets(Configuration& config, const std::string& path) {
  for (const auto& option : config.table.options())
    if (option.source.starts_with(path + ":") && holds_secret(option))
      config.warnings.push_back(path + " holds a secret (" + option.name() +
                                ") and is accessible to others; run chmod o= on it");
}

void apply_file(Configuration& config, const std::string& path, Problems& problems) {
  auto file = read_config(path);
  if (!file) {
    problems.push_back(file.error().message);
    return;
  }
  apply_toml(config.table, file->text, path, problems);
  if (file->open_to_others) warn_of_exposed_secrets(config, path);
}

void apply_redis_flag(Configuration& config, const std::string& url, Problems& problems) {
  Option* option = config.table.find("redis", "url");
  if (auto status = option->set(url); !status) problems.push_back("--redis: " + status.error().message);
  option->source = "--redis";
}

}  // namespace

Configuration default_configuration(const DaemonKind& kind) {
  Configuration config;
  config.settings = kind.make_settings();
  config.settings->describe(config.table);
  return config;
}

Configuration load_configuration(const DaemonKind& kind, const ConfigSources& sources, Problems& problems) {
  Configuration config = default_configuration(kind);
  if (sources.file && sources.file->empty())
    problems.emplace_back("--config: the file name is empty");
  else if (sources.file)
    apply_file(config, *sources.file, problems);
  apply_environment(config.table, kind.name, sources.environment, problems, config.ignored);
  if (sources.redis_flag) apply_redis_flag(config, *sources.redis_flag, problems);
  if (problems.empty()) config.settings->check(problems);
  return config;
}

std::vector<Change> changes_between(const OptionTable& before, const OptionTable& after) {
  std::vector<Change> changes;
  for (size_t i = 0; i < before.options().size(); ++i) {
    const Option& old = before.options()[i];
    const Option& now = after.options()[i];
    if (old.text() != now.text()) changes.push_back({old.name(), old.shown(), now.shown(), old.apply});
  }
  return changes;
}

}  // namespace mas::common
