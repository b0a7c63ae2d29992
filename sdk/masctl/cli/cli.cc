// Global options, parsing, and the errors of parsing.
#include "sdk/masctl/cli/cli.h"

#include <CLI/CLI.hpp>

#include "mas_version.h"

namespace mas::ctl {

namespace {

std::string exit_code_footer() {
  std::string text = "Exit codes:\n";
  for (const auto& doc : exit_code_docs()) {
    std::string value = std::to_string(doc.value);
    text += "  " + value + std::string(5 - value.size(), ' ') + std::string(doc.text) + "\n";
  }
  return text;
}

/// @return the commands that the command line names, "masctl agents" for the group `agents`.
std::string named_path(const CLI::App& app) {
  const auto named = app.get_subcommands();
  return app.get_name() + (named.empty() ? "" : " " + named_path(*named.front()));
}

}  // namespace

Cli::Cli()
    : root_(std::make_unique<Command>(
          "The command line of MAS: inspect agents, send them messages, watch events, measure.", "masctl")) {
  root_->app().fallthrough();       // inherited: global options are understood after a command, too
  root_->require_subcommand(0, 1);  // a missing one is reported by run_chosen, which knows better words
  root_->app().set_version_flag("--version", "masctl " MAS_BUILD_VERSION);
  root_->footer(exit_code_footer());
  root_
      ->add_option("--redis", globals_.redis_url,
                   "URL of Redis: redis://[user[:password]@]host[:port][/db], rediss://…, unix:///path or "
                   "redis+sentinel://host,host…/master-name[/db], redis+cluster://host,host…. Default: "
                   "$MAS_REDIS_URL, else redis://localhost:6379. The password may stand in the file that "
                   "$MAS_REDIS_PASSWORD_FILE names")
      ->type_name("URL");
  root_->add_option("--namespace", globals_.ns, "Prefix of every key and channel. Default: $MAS_NAMESPACE, else none")
      ->type_name("NS");
  root_->add_option("--timeout", globals_.timeout, "Maximum time to wait for an answer. Default: 5")
      ->type_name("SECONDS");
  root_->add_flag("--json", globals_.json, "Print JSON: one document, or one line per event of a stream");
  root_->add_flag("--no-color", globals_.no_color, "Print without colours, as with NO_COLOR in the environment");
}

Cli::~Cli() = default;

void Cli::choose_by(Command& command, Leaf* leaf) {
  command.callback([this, leaf] { chosen_ = leaf; });
}

Command& Cli::group(const std::string& name, const std::string& description) {
  Command* group = root_->add_subcommand(name, description);
  group->require_subcommand(0, 1);
  return *group;
}

ExitCode Cli::run(int argc, char** argv) {
  try {
    root_->app().parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are "errors" with code 0 to CLI11.
    if (error.get_exit_code() == 0) return root_->app().exit(error), ExitCode::kOk;
    Output(globals_).note(std::string(error.what()) + "; see '" + named_path(root_->app()) + " --help'");
    return ExitCode::kUsage;
  }
  return run_chosen(argv);
}

ExitCode Cli::run_chosen(char** argv) {
  Output out(globals_);
  if (chosen_ == nullptr) {
    out.note("no command was given; '" + named_path(root_->app()) + " --help' lists them");
    return ExitCode::kUsage;
  }
  auto settings = resolve(globals_);
  if (!settings.ok()) return out.fail(settings.error());
  SyncRedis redis(*settings);
  Context context{*root_, *settings, redis, out, argv};
  auto document = chosen_->run(context);
  return document.ok() ? document->show(out) : out.fail(document.error());
}

}  // namespace mas::ctl
