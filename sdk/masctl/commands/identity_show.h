// The reading half of `identity`: list and show.
#pragma once

namespace CLI {
class App;
}

namespace mas::ctl {

class Cli;

/// Adds `identity list` and `identity show`. They print no secret: neither hashes nor sealed keys.
void add_identity_readers(Cli& cli, CLI::App& group);

}  // namespace mas::ctl
