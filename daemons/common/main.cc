// A daemon's command line: flags, the questions that are answered without running, the loop around a run.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "daemons/common/configuration.h"
#include "daemons/common/daemon.h"
#include "daemons/common/exit_code.h"
#include "daemons/common/option_docs.h"
#include "daemons/common/service.h"
#include "mas_version.h"
#include "proto/redis/loop.h"

namespace mas::common {
namespace {

struct Flags {
  std::string generate;
  std::optional<std::string> config, redis;
  bool check_config = false, print_config = false, version = false;
};

constexpr const char* kFooter =
    "Every option of the configuration file can also be set as MAS_<DAEMON>_<SECTION>_<KEY>, which overrides the\n"
    "file. The URL of Redis comes from --redis, MAS_REDIS_URL, the configuration or redis://localhost:6379, in this\n"
    "order.\n"
    "Signals: TERM and INT drain and stop; a second one stops at once. HUP reloads the configuration.\n"
    "Exit codes: 0 stopped cleanly; 1 stopped before the drain was finished; 64 invalid command line; 69 cannot\n"
    "listen on the HTTP address; 70 internal failure; 78 invalid configuration.";

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

/// @return an exit code if the program ends here, else -1.
int parse_flags(const DaemonKind& kind, int argc, char** argv, Flags& flags) {
  std::string program = "mas-" + std::string(kind.name);
  CLI::App app(std::string(kind.summary), program);
  app.footer(kFooter);
  app.add_option("-c,--config", flags.config, "TOML configuration file")->type_name("FILE");
  app.add_flag("-t,--check-config", flags.check_config, "Check the configuration and exit: 0 if valid, 78 if not");
  app.add_flag("--print-config", flags.print_config,
               "Print the effective configuration, with secrets hidden, and exit");
  app.add_option("--redis", flags.redis,
                 "URL of Redis: redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://")
      ->type_name("URL");
  app.add_flag("--version", flags.version, "Print the version and exit");
  app.add_option("--generate", flags.generate)->check(CLI::IsMember({"toml", "markdown"}))->group("");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    print(app.help());
    return kExitOk;
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "%s: %s; see --help\n", program.c_str(), error.what());
    return kExitUsage;
  }
  return -1;
}

int report(const DaemonKind& kind, const Problems& problems) {
  for (const auto& problem : problems)
    std::fprintf(stderr, "mas-%s: %s\n", std::string(kind.name).c_str(), problem.c_str());
  return kExitConfig;
}

int check_config(const DaemonKind& kind, const Configuration& config) {
  for (const auto& warning : config.warnings)
    std::fprintf(stderr, "mas-%s: warning: %s\n", std::string(kind.name).c_str(), warning.c_str());
  print("the configuration is valid\n");
  return kExitOk;
}

int generate(const DaemonKind& kind, const std::string& what) {
  Configuration config = default_configuration(kind);
  print(what == "toml" ? default_toml(config.table, kind.name) : reference_markdown(config.table, kind.name));
  return kExitOk;
}

int start(const DaemonKind& kind, ConfigSources sources, Configuration config) {
  auto endpoint = config.settings->endpoint();
  if (!endpoint) return report(kind, {endpoint.error().message});  // a password file is gone since the checks
  uv_loop_t loop;
  if (auto status = redis::init_loop(loop); !status) {
    std::fprintf(stderr, "mas-%s: %s\n", std::string(kind.name).c_str(), status.error().message.c_str());
    return kExitInternal;
  }
  int code = Daemon(&loop, kind, std::move(sources), std::move(config), std::move(*endpoint)).run();
  uv_run(&loop, UV_RUN_DEFAULT);  // close callbacks
  uv_loop_close(&loop);
  return code;
}

}  // namespace

int daemon_main(const DaemonKind& kind, int argc, char** argv) {
  Flags flags;
  if (int code = parse_flags(kind, argc, argv, flags); code >= 0) return code;
  if (flags.version) {
    print("mas-" + std::string(kind.name) + " " MAS_BUILD_VERSION "\n");
    return kExitOk;
  }
  if (!flags.generate.empty()) return generate(kind, flags.generate);

  ConfigSources sources{flags.config, process_environment(), flags.redis};
  Problems problems;
  Configuration config = load_configuration(kind, sources, problems);
  if (!problems.empty()) return report(kind, problems);
  if (flags.check_config) return check_config(kind, config);
  if (flags.print_config) {
    print(effective_toml(config.table, kind.name));
    return kExitOk;
  }
  return start(kind, std::move(sources), std::move(config));
}

}  // namespace mas::common
