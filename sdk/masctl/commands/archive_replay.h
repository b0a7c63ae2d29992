// Inside `archive`: the command that has messages delivered once more.
#pragma once

namespace mas::ctl {

class Cli;
class Command;

void add_archive_replay(Cli& cli, Command& group);

}  // namespace mas::ctl
