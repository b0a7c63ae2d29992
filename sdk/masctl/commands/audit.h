// The commands of `audit`, a file each.
#pragma once

namespace mas::ctl {

class Cli;
class Command;

void add_audit_tail_command(Cli& cli, Command& audit);
void add_audit_query_command(Cli& cli, Command& audit);
void add_audit_verify_command(Cli& cli, Command& audit);
void add_audit_export_command(Cli& cli, Command& audit);
void add_audit_operators_command(Cli& cli, Command& audit);

}  // namespace mas::ctl
