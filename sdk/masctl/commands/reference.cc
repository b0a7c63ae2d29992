// `completion`, `man`, `reference`: what is written from the command tree.

#include "mas_version.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/reference/writers.h"

namespace mas::ctl {

namespace {

struct CompletionOptions {
  std::string shell;
};

Result<Document> run_completion(Context& context, const CompletionOptions& options) {
  CommandDoc root = describe(context.root);
  std::string script = options.shell == "bash"  ? bash_completion(root)
                       : options.shell == "zsh" ? zsh_completion(root)
                                                : fish_completion(root);
  std::fputs(script.c_str(), stdout);
  return Document::printed();
}

struct NoOptions {};

Result<Document> run_man(Context& context, const NoOptions&) {
  std::fputs(man_page(describe(context.root), MAS_BUILD_VERSION).c_str(), stdout);
  return Document::printed();
}

Result<Document> run_reference(Context& context, const NoOptions&) {
  std::fputs(markdown_reference(describe(context.root)).c_str(), stdout);
  return Document::printed();
}

}  // namespace

void add_reference_commands(Cli& cli) {
  Command* completion = cli.root().add_subcommand("completion", "Print a completion script for a shell");
  auto& options = cli.leaf<CompletionOptions>(*completion, run_completion);
  completion->add_option("SHELL", options.shell, "The shell")
      ->required()
      ->type_name("SHELL")
      ->one_of({"bash", "zsh", "fish"});
  completion->footer(
      "Examples:\n"
      "  source <(masctl completion bash)\n"
      "  masctl completion fish > ~/.config/fish/completions/masctl.fish");

  Command* man = cli.root().add_subcommand("man", "Print the man page, masctl(1)");
  cli.leaf<NoOptions>(*man, run_man);
  man->footer("Examples:\n  masctl man | man -l -");

  // Only docs/MASCTL.md needs it: hidden.
  Command* reference = cli.root().add_subcommand("reference", "Print the reference of docs/MASCTL.md")->group("");
  cli.leaf<NoOptions>(*reference, run_reference);
}

}  // namespace mas::ctl
