// The reading half of `identity`: list and show.
#pragma once

namespace mas::ctl {

class Cli;
class Command;

/// Adds `identity list` and `identity show`. They print no secret: neither hashes nor sealed keys.
void add_identity_readers(Cli& cli, Command& group);

}  // namespace mas::ctl
