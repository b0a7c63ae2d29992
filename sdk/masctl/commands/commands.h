// Every command group, one function each. A group's file holds its commands.
#pragma once

namespace mas::ctl {

class Cli;

/// All of them, in the order of the help.
void add_all_commands(Cli& cli);

void add_agents_commands(Cli& cli);      // agents list, show, watch
void add_message_commands(Cli& cli);     // send, request
void add_listen_command(Cli& cli);       // listen
void add_state_commands(Cli& cli);       // state get, set, reset
void add_events_command(Cli& cli);       // events
void add_acl_commands(Cli& cli);         // acl allow, block, revoke, show, allow-…
void add_role_commands(Cli& cli);        // role create, grant, revoke, assign, unassign, list, show
void add_limit_commands(Cli& cli);       // limit set, show, clear
void add_breaker_commands(Cli& cli);     // breaker list, show, open, reset
void add_explain_command(Cli& cli);      // explain
void add_audit_commands(Cli& cli);       // audit tail, query, verify, export, operators
void add_identity_commands(Cli& cli);    // identity create, rotate, revoke, suspend, resume, list, show
void add_enroll_command(Cli& cli);       // enroll
void add_acl_audit_command(Cli& cli);    // acl-audit
void add_user_commands(Cli& cli);        // user rotate, revoke, suspend, resume, list, show, acl-line
void add_key_commands(Cli& cli);         // key generate, public
void add_certs_commands(Cli& cli);       // certs init, issue, renew, show
void add_partitions_commands(Cli& cli);  // partitions show, set
void add_protocol_commands(Cli& cli);    // protocol show, set
void add_dlp_commands(Cli& cli);         // dlp scan, rules, bench
void add_dlq_commands(Cli& cli);         // dlq list, show, export, drop, replay
void add_approval_commands(Cli& cli);    // approval list, show, grant, deny
void add_archive_commands(Cli& cli);     // archive list, show, replay
void add_doctor_command(Cli& cli);       // doctor
void add_top_command(Cli& cli);          // top
void add_bench_commands(Cli& cli);       // bench p2p, request, discover, state, gateway
void add_reference_commands(Cli& cli);   // completion, man, reference

}  // namespace mas::ctl
