// Inside `dlq`: the commands that change the queue.
#pragma once

namespace CLI {
class App;
}

namespace mas::ctl {

class Cli;

void add_dlq_drop(Cli& cli, CLI::App& group);
void add_dlq_replay(Cli& cli, CLI::App& group);

}  // namespace mas::ctl
