// `agents forget`: removes the streams that agents left when they stopped.
#pragma once

namespace mas::ctl {

class Cli;
class Command;

void add_agents_forget_command(Cli& cli, Command& agents);

}  // namespace mas::ctl
