// The commands of `audit`, a file each.
#pragma once

namespace CLI {
class App;
}

namespace mas::ctl {

class Cli;

void add_audit_tail_command(Cli& cli, CLI::App& audit);
void add_audit_query_command(Cli& cli, CLI::App& audit);
void add_audit_verify_command(Cli& cli, CLI::App& audit);
void add_audit_export_command(Cli& cli, CLI::App& audit);
void add_audit_operators_command(Cli& cli, CLI::App& audit);

}  // namespace mas::ctl
