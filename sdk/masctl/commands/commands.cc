// The table of commands.
#include "sdk/masctl/commands/commands.h"

#include <initializer_list>

namespace mas::ctl {

void add_all_commands(Cli& cli) {
  for (auto add : {add_agents_commands,  add_message_commands,    add_listen_command,    add_state_commands,
                   add_events_command,   add_acl_commands,        add_role_commands,     add_limit_commands,
                   add_breaker_commands, add_explain_command,     add_audit_commands,    add_identity_commands,
                   add_enroll_command,   add_user_commands,       add_acl_audit_command, add_key_commands,
                   add_certs_commands,   add_partitions_commands, add_protocol_commands, add_dlp_commands,
                   add_dlq_commands,     add_approval_commands,   add_archive_commands,  add_doctor_command,
                   add_top_command,      add_bench_commands,      add_reference_commands})
    add(cli);
}

}  // namespace mas::ctl
