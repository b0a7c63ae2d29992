// masctl: the operator's and developer's command line of MAS.
#include <csignal>

#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/commands.h"

int main(int argc, char** argv) {
  // A reader that goes away (`masctl events | head`) shows as a failed write, see Output::closed().
  std::signal(SIGPIPE, SIG_IGN);
  mas::ctl::Cli cli;
  mas::ctl::add_all_commands(cli);
  return static_cast<int>(cli.run(argc, argv));
}
