// `enroll`: makes the identity of an agent, a daemon or an operator, one or many: a user of Redis and, for agents in
// gateway mode, the identity by which gateways know it. Its secrets are handed out once, in a file of mode 0600.
//
// The same command again changes nothing; other options change the user's rights and keep its secrets.
#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "proto/wire/agent_entry.h"
#include "sdk/masctl/cli/input_file.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/enrolment.h"
#include "sdk/masctl/commands/rule_arguments.h"
#include "sdk/masctl/identity/issue.h"
#include "sdk/masctl/redis/operator_audit.h"
#include "sdk/masctl/users/bulk_file.h"

namespace mas::ctl {

namespace {

constexpr size_t kBulkBytes = 16u * 1024 * 1024;
constexpr Duration kIdentityOverlap = std::chrono::hours(24);

struct EnrollOptions {
  std::string id;
  std::string role = "agent", mode = "both";
  std::vector<std::string> capabilities;
  std::string ttl;
  std::string out, from, out_dir = ".";
  std::string master_key;
  bool no_key = false, no_discovery = false, force = false, dry_run = false;
  AgentsWay way;
  std::string by;
};

/// What was done to one user, or would be.
struct Done {
  std::string user;
  EnrolmentStep step = EnrolmentStep::kUnchanged;
  std::string file;                ///< empty: no secrets were made
  std::vector<std::string> rules;  ///< of --dry-run
};

struct Report {
  std::vector<Done> users;
  bool dry_run = false;
};

std::string_view step_text(EnrolmentStep step) {
  switch (step) {
    case EnrolmentStep::kCreate:
      return "created";
    case EnrolmentStep::kChange:
      return "changed";
    case EnrolmentStep::kUnchanged:
      break;
  }
  return "unchanged";
}

void write_report(JsonWriter& json, const Report& report) {
  json.begin_object().key("dry_run").boolean(report.dry_run).key("users").begin_array();
  for (const auto& done : report.users) {
    json.begin_object().key("user").string(done.user).key("action").string(step_text(done.step));
    done.file.empty() ? json.key("file").null() : json.key("file").string(printable(done.file, 4096));
    if (report.dry_run) {
      json.key("rules").begin_array();
      for (const auto& rule : done.rules) json.string(rule);
      json.end_array();
    }
    json.end_object();
  }
  json.end_array().end_object();
}

void print_report(Output& out, const Report& report) {
  for (const auto& done : report.users) {
    std::string line = done.user + ": " + (report.dry_run ? "would be " : "") + std::string(step_text(done.step));
    if (!done.file.empty()) line += (report.dry_run ? "; secrets would be in " : "; secrets are in ") + done.file;
    out.line(line);
    for (const auto& rule : done.rules) out.line("  " + rule);
  }
}

Status check_capabilities(const std::vector<std::string>& capabilities) {
  for (const auto& capability : capabilities)
    if (auto status = check_capability(capability); !status.ok()) return status.error().in("--capabilities");
  return {};
}

Result<EnrolmentWish> wish_of(const EnrollOptions& options) {
  if (auto status = check_agent_id(options.id); !status.ok()) return status.error();
  if (auto status = check_capabilities(options.capabilities); !status.ok()) return status.error();
  auto lifetime = period_seconds(options.ttl, "--ttl");
  if (!lifetime.ok()) return lifetime.error();
  EnrolmentWish wish;
  wish.role = parse_user_role(options.role).value_or(UserRole::kAgent);
  wish.id = options.id;
  wish.modes = parse_agent_modes(options.mode).value_or(AgentModes::kBoth);
  wish.discover = !options.no_discovery;
  wish.capabilities = options.capabilities;
  wish.lifetime = *lifetime;
  return wish;
}

Result<std::vector<EnrolmentWish>> all_wishes(const EnrollOptions& options) {
  if (options.from.empty() == options.id.empty())
    return Error{Errc::kInvalidArgument, "expected either an ID or --from FILE"};
  if (options.from.empty()) {
    auto wish = wish_of(options);
    if (!wish.ok()) return wish.error();
    return std::vector<EnrolmentWish>{std::move(*wish)};
  }
  if (!options.out.empty()) return Error{Errc::kInvalidArgument, "--out names one file; with --from use --out-dir"};
  auto text = read_input(options.from, kBulkBytes, "users in TOML");
  if (!text.ok()) return text.error();
  return parse_bulk_file(*text, options.from);
}

bool speaks_to_gateways(const UserRecord& record) {
  return record.role == UserRole::kAgent && record.modes != AgentModes::kPeer;
}

std::string file_of(const EnrollOptions& options, const UserRecord& record) {
  if (!options.out.empty()) return options.out;
  const bool agent = record.role == UserRole::kAgent;
  return options.out_dir + "/" + (agent ? record.id + ".toml" : user_field(record.role, record.id) + ".password");
}

/// The identity with new secrets. The secrets of one that is there stay good for the overlap where an agent that had an
/// identity gets its first user; never with --force, and never those of an agent that had expired.
/// @param again whether the agent had a user before. @return kInvalidState where the identity was suspended or revoked.
Status issue_identity(Context& context, const EnrollOptions& options, bool again, Enrolment& enrolment) {
  auto before = load_identity(context.redis, context.keys(), enrolment.record.id, true);
  const bool none = !before.ok() && before.error().code == Errc::kNotFound;
  if (!before.ok() && !none) return before.error();
  if (before.ok() && before->state != IdentityState::kActive && !options.force)
    return Error{Errc::kInvalidState, "the identity of '" + enrolment.record.id + "' is " +
                                          std::string(identity_state_text(before->state)) +
                                          "; --force makes a new one with new secrets"};
  const WallMicros now = wall_now();
  const bool expired = before.ok() && before->expires_at != 0 && before->expires_at <= now;
  Identity identity;
  identity.id = enrolment.record.id;
  identity.created_at = now;
  if (before.ok()) identity.version = before->version;
  if (before.ok() && !options.force && !again && !expired) identity = std::move(*before);
  identity.claims = enrolment.record.capabilities;
  identity.expires_at = enrolment.record.expires_at * 1'000'000;
  std::optional<MasterKey> master;
  if (!options.no_key) {
    auto key = read_master_key(options.master_key);
    if (!key.ok()) return key.error();
    master = std::move(*key);
  }
  auto secrets = issue_secrets(
      identity, {options.no_key, !options.no_key, master ? &*master : nullptr, kIdentityOverlap, context.settings.ns},
      now);
  if (!secrets.ok()) return secrets.error();
  enrolment.credentials = std::move(*secrets);
  enrolment.identity = std::move(identity);
  return {};
}

/// The identity's claims follow the record. An agent that had none before needs new secrets.
Status follow_identity(Context& context, Enrolment& enrolment) {
  if (!speaks_to_gateways(enrolment.record)) return {};
  auto identity = load_identity(context.redis, context.keys(), enrolment.record.id, true);
  if (!identity.ok() && identity.error().code == Errc::kNotFound)
    return Error{Errc::kInvalidState,
                 "'" + enrolment.record.id + "' has no identity for gateways yet; --force makes new secrets with one"};
  if (!identity.ok()) return identity.error();
  identity->claims = enrolment.record.capabilities;
  ++identity->version;
  enrolment.identity = std::move(*identity);
  return {};
}

OperatorNote note_of(const EnrollOptions& options, const UserRecord& record, EnrolmentStep step) {
  std::string detail = std::string(step_text(step)) + " role=" + std::string(user_role_text(record.role));
  if (record.role == UserRole::kAgent)
    detail +=
        " mode=" + std::string(agent_modes_text(record.modes)) + " capabilities=" + joined_words(record.capabilities);
  if (!options.ttl.empty()) detail += " ttl=" + options.ttl;
  return {operator_name(options.by), "user.enroll", detail};
}

Result<Done> enroll_one(Context& context, const EnrollOptions& options, EnrolmentWish wish) {
  wish.force = options.force;
  auto before = load_user(context.redis, context.keys(), wish.role, wish.id, true);
  const bool unreadable = !before.ok() && before.error().code == Errc::kMalformed && wish.force;
  if (!before.ok() && before.error().code != Errc::kNotFound && !unreadable) return before.error();
  auto plan = plan_enrolment(before.ok() ? &*before : nullptr, wish, seconds_now());
  if (!plan.ok()) return plan.error();
  Enrolment enrolment{std::move(plan->record), {}, {}};
  const UserRecord& record = enrolment.record;
  Done done{redis_user_name(context.keys(), record), plan->step, {}, {}};
  if (plan->step == EnrolmentStep::kCreate) done.file = file_of(options, record);
  if (options.dry_run) {
    auto site = read_site(context.redis, context.settings);
    if (!site.ok()) return site.error();
    done.rules = user_permissions(record, *site);
    return done;
  }
  if (plan->step == EnrolmentStep::kCreate) {
    enrolment.credentials.redis.password = new_password(enrolment.record, 0, seconds_now()).text();
    Secret password(enrolment.credentials.redis.password);
    if (speaks_to_gateways(record))
      if (auto status = issue_identity(context, options, before.ok(), enrolment); !status.ok()) return status.error();
    enrolment.credentials.redis.password = password.text();
    auto status = hand_out(context, options.way, enrolment, done.file, note_of(options, record, plan->step), true);
    if (!status.ok()) return status.error();
    return done;
  }
  if (plan->step == EnrolmentStep::kChange) {
    if (auto status = follow_identity(context, enrolment); !status.ok()) return status.error();
    auto stored = store_user(context.redis, context.keys(), record, enrolment.identity ? &*enrolment.identity : nullptr,
                             note_of(options, record, plan->step));
    if (!stored.ok()) return stored.error();
  }
  // Also where nothing changed: the user of Redis may be lacking.
  if (auto status = write_user(context, record, false); !status.ok()) return status.error();
  return done;
}

Result<Document> run_enroll(Context& context, const EnrollOptions& options) {
  if (auto status = check_way(context, options.way); !status.ok()) return status.error();
  auto wishes = all_wishes(options);
  if (!wishes.ok()) return wishes.error();
  Report report{{}, options.dry_run};
  for (auto& wish : *wishes) {
    const std::string field = user_field(wish.role, wish.id);
    auto done = enroll_one(context, options, std::move(wish));
    if (!done.ok()) {
      Error error = wishes->size() == 1 ? done.error() : done.error().in(field);
      return Document::of(std::move(report), write_report, print_report).fails_with(std::move(error));
    }
    report.users.push_back(std::move(*done));
  }
  return Document::of(std::move(report), write_report, print_report);
}

}  // namespace

void add_enroll_command(Cli& cli) {
  Command* enroll = cli.root().add_subcommand(
      "enroll", "Make an agent's, a daemon's or an operator's user of Redis, with its secrets in one file");
  auto& options = cli.leaf<EnrollOptions>(*enroll, run_enroll);
  enroll->add_option("ID", options.id, "The agent's id, or the name of a daemon or operator")->type_name("");
  enroll->add_option("--role", options.role, "What the user is for. Default: agent")
      ->one_of({"agent", "gatewayd", "registryd", "healthd", "admin", "operator", "auditor"});
  enroll->add_option("--mode", options.mode, "How the agent sends and receives. Default: both")
      ->one_of({"gateway", "p2p", "both"});
  enroll
      ->add_option("--capabilities", options.capabilities,
                   "Patterns of capabilities that the agent may claim; * matches any characters. Default: *")
      ->take_all()
      ->type_name("PATTERN");
  enroll->add_option("--ttl", options.ttl, "The user ends after this time, such as 30d. Default: never")
      ->type_name("TIME");
  enroll
      ->add_option("--out", options.out,
                   "New file for the secrets, mode 0600. Default: ID.toml, for daemons and operators ROLE.ID.password")
      ->type_name("FILE");
  enroll->add_option("--from", options.from, "Enroll all users of this TOML file ([[user]]); - is standard input")
      ->type_name("FILE");
  enroll->add_option("--out-dir", options.out_dir, "Folder of the files of secrets. Default: the working directory")
      ->type_name("DIR");
  add_master_key_option(*enroll, options.master_key);
  enroll->add_flag("--no-key", options.no_key, "A token in place of a key, for gateways of profile development");
  enroll->add_flag("--no-discovery", options.no_discovery, "The agent may not find others");
  enroll->add_flag("--force", options.force, "New secrets also for a user that is there, or was revoked");
  enroll->add_flag("--dry-run", options.dry_run, "Print what would be done, and the rules of each user");
  add_way_options(*enroll, options.way);
  add_by_option(*enroll, options.by);
  enroll->footer(
      "Examples:\n"
      "  masctl enroll planner --mode gateway --capabilities 'plan:*' --master-key /etc/mas/master.key --out "
      "planner.toml\n"
      "  masctl enroll gw1 --role gatewayd --out gw1.password\n"
      "  masctl enroll --from users.toml --out-dir /etc/mas/credentials --master-key /etc/mas/master.key");
}

}  // namespace mas::ctl
