// The command tree: every command with its options, and the one that the command line chose.
//
// A command group is one function `void add_…(Cli&)` (commands/commands.h) that adds its commands; each command is an
// options struct and a function `Result<Document> run(Context&, const Options&)`. Cli connects, shows the document and
// reports the error; a command asks Redis and returns what it found. The tree is also what help, completion, man page
// and reference are made from, so that they cannot be out of date.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sdk/masctl/cli/command.h"
#include "sdk/masctl/cli/document.h"
#include "sdk/masctl/cli/exit_code.h"
#include "sdk/masctl/cli/globals.h"
#include "sdk/masctl/cli/output.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

/// What a command works with.
struct Context {
  const Command& root;
  const Settings& settings;
  SyncRedis& redis;  ///< connects at the first question
  Output& out;       ///< for remarks, and for commands that print as they go

  char** argv;  ///< the command line as it was given, ends with nullptr

  const Keys& keys() const { return settings.keys; }
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
  Options& leaf(Command& command, Result<Document> (*fn)(Context&, const Options&)) {
    auto owned = std::make_unique<LeafOf<Options>>(fn);
    LeafOf<Options>* leaf = owned.get();
    leaves_.push_back(std::move(owned));
    choose_by(command, leaf);
    return leaf->options;
  }

 private:
  struct Leaf {
    virtual ~Leaf() = default;
    virtual Result<Document> run(Context& context) = 0;
  };
  template <typename Options>
  struct LeafOf final : Leaf {
    explicit LeafOf(Result<Document> (*fn)(Context&, const Options&)) : fn_(fn) {}
    Result<Document> run(Context& context) override { return fn_(context, options); }
    Options options;

   private:
    Result<Document> (*fn_)(Context&, const Options&);
  };

  void choose_by(Command& command, Leaf* leaf);
  ExitCode run_chosen(char** argv);

  std::unique_ptr<Command> root_;
  Globals globals_;
  std::vector<std::unique_ptr<Leaf>> leaves_;
  Leaf* chosen_ = nullptr;
};

}  // namespace mas::ctl
