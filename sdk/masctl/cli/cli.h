// The command tree: every command with its options, and the one that the command line chose.
//
// A command group is one function `void add_…(Cli&)` (commands/commands.h) that adds its commands; each command is an
// options struct and a function `ExitCode run(Context&, const Options&)`. The tree is also what help, completion, man
// page and reference are made from, so that they cannot be out of date.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sdk/masctl/cli/command.h"
#include "sdk/masctl/cli/exit_code.h"
#include "sdk/masctl/cli/globals.h"
#include "sdk/masctl/cli/output.h"

namespace mas::ctl {

/// What a command works with.
struct Context {
  const Command& root;
  Settings settings;
  Output out;
};

class Cli {
 public:
  Cli();
  ~Cli();
  Cli(const Cli&) = delete;
  Cli& operator=(const Cli&) = delete;

  /// Parses, runs the chosen command, reports errors. @return the exit code.
  ExitCode run(int argc, char** argv);

  Command& root() { return *root_; }

  /// Adds a group of commands, such as `agents`.
  Command& group(const std::string& name, const std::string& description);

  /// Makes `command` a leaf: `fn` is called when the command line chooses it.
  /// @return the options to bind flags to; they live as long as the Cli.
  template <typename Options>
  Options& leaf(Command& command, ExitCode (*fn)(Context&, const Options&)) {
    auto owned = std::make_unique<LeafOf<Options>>(fn);
    LeafOf<Options>* leaf = owned.get();
    leaves_.push_back(std::move(owned));
    choose_by(command, leaf);
    return leaf->options;
  }

 private:
  struct Leaf {
    virtual ~Leaf() = default;
    virtual ExitCode run(Context& context) = 0;
  };
  template <typename Options>
  struct LeafOf final : Leaf {
    explicit LeafOf(ExitCode (*fn)(Context&, const Options&)) : fn_(fn) {}
    ExitCode run(Context& context) override { return fn_(context, options); }
    Options options;

   private:
    ExitCode (*fn_)(Context&, const Options&);
  };

  void choose_by(Command& command, Leaf* leaf);
  ExitCode run_chosen();

  std::unique_ptr<Command> root_;
  Globals globals_;
  std::vector<std::unique_ptr<Leaf>> leaves_;
  Leaf* chosen_ = nullptr;
};

}  // namespace mas::ctl
