// Inside `dlq`: the commands that change the queue.
#pragma once

namespace mas::ctl {

class Cli;
class Command;

void add_dlq_drop(Cli& cli, Command& group);
void add_dlq_replay(Cli& cli, Command& group);

}  // namespace mas::ctl
