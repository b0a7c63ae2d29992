// `user rotate`, `revoke`, `suspend`, `resume`, `list`, `show`, `acl-line`: the users that `enroll` made. For an agent,
// its identity goes with its user.
#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/cli/times.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/enrolment.h"
#include "sdk/masctl/commands/rule_arguments.h"
#include "sdk/masctl/identity/issue.h"
#include "sdk/masctl/redis/operator_audit.h"

namespace mas::ctl {

namespace {

struct OneUser {
  std::string id;
  std::string role = "agent";

  UserRole user_role() const { return parse_user_role(role).value_or(UserRole::kAgent); }
};

struct StateOptions : OneUser {
  std::string by;
};

struct RotateOptions : StateOptions {
  std::string out, overlap = "24h", master_key, ttl;
  AgentsWay way;
};

struct ListOptions {};

Result<UserRecord> load(Context& context, const OneUser& user, bool watched) {
  if (auto status = check_agent_id(user.id); !status.ok()) return status.error();
  return load_user(context.redis, context.keys(), user.user_role(), user.id, watched);
}

/// The agent's identity, WATCHed; nullopt: it has none, or the user is no agent.
Result<std::optional<Identity>> identity_of(Context& context, const UserRecord& record) {
  if (record.role != UserRole::kAgent) return std::optional<Identity>();
  auto identity = load_identity(context.redis, context.keys(), record.id, true);
  if (identity.ok()) return std::optional(std::move(*identity));
  if (identity.error().code == Errc::kNotFound) return std::optional<Identity>();
  return identity.error();
}

// ---- rotate

/// New secrets of the kinds that the identity has.
Status rotate_identity(const Context& context, const RotateOptions& options, int64_t overlap, Enrolment& enrolment) {
  if (!enrolment.identity) return {};
  Identity& identity = *enrolment.identity;
  const WallMicros now = wall_now();
  Issue issue;
  issue.token = identity.token_hash.has_value();
  issue.key = !identity.keys.empty();
  issue.overlap = std::chrono::seconds(overlap);
  issue.ns = context.settings.ns;
  std::optional<MasterKey> master;
  if (issue.key) {
    auto key = read_master_key(options.master_key);
    if (!key.ok()) return key.error();
    master = std::move(*key);
    issue.master = &*master;
  }
  auto secrets = issue_secrets(identity, issue, now);
  if (!secrets.ok()) return secrets.error();
  identity.expires_at = enrolment.record.expires_at * 1'000'000;
  enrolment.credentials = std::move(*secrets);
  return {};
}

Result<Document> run_rotate(Context& context, const RotateOptions& options) {
  if (auto status = check_way(context, options.way); !status.ok()) return status.error();
  auto overlap = period_seconds(options.overlap, "--overlap");
  if (!overlap.ok()) return overlap.error();
  auto lifetime = period_seconds(options.ttl, "--ttl");
  if (!lifetime.ok()) return lifetime.error();
  auto record = load(context, options, true);
  if (!record.ok()) return record.error();
  if (record->state == UserState::kRevoked)
    return Error{Errc::kInvalidState, "the user was revoked, which is final ('masctl enroll --force' makes a new one)"};
  auto identity = identity_of(context, *record);
  if (!identity.ok()) return identity.error();
  const int64_t now = seconds_now();
  Enrolment enrolment{std::move(*record), std::move(*identity), {}};
  if (!options.ttl.empty()) enrolment.record.expires_at = now + *lifetime;
  ++enrolment.record.version;
  const Secret password = new_password(enrolment.record, *overlap, now);
  if (auto status = rotate_identity(context, options, *overlap, enrolment); !status.ok()) return status.error();
  enrolment.credentials.redis.password = password.text();
  const std::string detail =
      "role=" + options.role + " overlap=" + options.overlap + (options.ttl.empty() ? "" : " ttl=" + options.ttl);
  auto status = hand_out(context, options.way, enrolment, options.out,
                         {operator_name(options.by), "user.rotate", detail}, *overlap == 0);
  if (!status.ok()) return status.error();
  std::string json = "{\"user\":\"" + redis_user_name(context.keys(), enrolment.record) +
                     "\",\"overlap\":" + std::to_string(*overlap) + "}";
  return Document::line(json, "the new secrets of '" + options.id + "' are in " + visible(options.out));
}

// ---- states

struct Change {
  const char* action;
  UserState to;
  IdentityState identity;
};

constexpr Change kRevoke = {"user.revoke", UserState::kRevoked, IdentityState::kRevoked};
constexpr Change kSuspend = {"user.suspend", UserState::kSuspended, IdentityState::kSuspended};
constexpr Change kResume = {"user.resume", UserState::kActive, IdentityState::kActive};

Result<Document> change(Context& context, const StateOptions& options, const Change& change) {
  auto record = load(context, options, true);
  if (!record.ok()) return record.error();
  const std::string was(user_state_text(record->state)), is(user_state_text(change.to));
  if (auto status = change_state(*record, change.to); !status.ok()) return status.error();
  auto identity = identity_of(context, *record);
  if (!identity.ok() && identity.error().code == Errc::kMalformed && change.to != UserState::kActive) {
    // Gateways refuse such an identity anyhow; the user must not stay because of it.
    context.out.note("the identity cannot be read and stays as it is (" + identity.error().message + ")");
    identity = std::optional<Identity>();
  }
  if (!identity.ok()) return identity.error();
  const bool revoked = *identity && (*identity)->state == IdentityState::kRevoked;
  if (revoked) identity->reset();  // which is final
  if (*identity) {
    (*identity)->state = change.identity;
    ++(*identity)->version;
  }
  auto stored = store_user(context.redis, context.keys(), *record, *identity ? &**identity : nullptr,
                           {operator_name(options.by), change.action, was + " -> " + is + " role=" + options.role});
  if (!stored.ok()) return stored.error();
  if (auto status = write_user(context, *record, false); !status.ok()) return status.error();
  return Document::line("{\"state\":\"" + is + "\",\"was\":\"" + was + "\"}",
                        "'" + options.id + "' is " + is + ", was " + was);
}

Result<Document> run_revoke(Context& context, const StateOptions& options) { return change(context, options, kRevoke); }
Result<Document> run_suspend(Context& context, const StateOptions& options) {
  return change(context, options, kSuspend);
}
Result<Document> run_resume(Context& context, const StateOptions& options) { return change(context, options, kResume); }

// ---- list and show

struct Shown {
  std::vector<ListedUser> users;
  int64_t now = 0;
};

std::string state_of(const UserRecord& record, int64_t now) {
  if (record.state == UserState::kActive && !user_is_good(record, now)) return "expired";
  return std::string(user_state_text(record.state));
}

std::string when(int64_t time) { return time == 0 ? "never" : time_text(time * 1'000'000).substr(0, 19) + "Z"; }

void write_user_json(JsonWriter& json, const ListedUser& user, int64_t now) {
  json.begin_object();
  json_member(json, "user", user.field);
  if (!user.record.ok()) {
    json.key("state").string("unreadable").key("problem").string(user.record.error().message).end_object();
    return;
  }
  const UserRecord& record = *user.record;
  json.key("role").string(user_role_text(record.role)).key("id").string(record.id);
  json.key("state").string(state_of(record, now));
  if (record.role == UserRole::kAgent) {
    json.key("mode").string(agent_modes_text(record.modes)).key("discover").boolean(record.discover);
    json_texts(json, "capabilities", record.capabilities);
  }
  json.key("created_at").integer(record.created_at).key("expires_at").integer(record.expires_at);
  json.key("old_password_until").integer(record.password_old_until);
  json.key("version").unsigned_integer(record.version).end_object();
}

void write_list(JsonWriter& json, const Shown& shown) {
  json.begin_object();
  json_list(json, "users", shown.users,
            [now = shown.now](JsonWriter& each, const ListedUser& user) { write_user_json(each, user, now); });
  json.end_object();
}

void write_one(JsonWriter& json, const Shown& shown) { write_user_json(json, shown.users[0], shown.now); }

void print_list(Output& out, const Shown& shown) {
  Table table({"USER", "STATE", "MODE", "EXPIRES", "OLD PASSWORD UNTIL", "CAPABILITIES"});
  for (const auto& user : shown.users) {
    if (!user.record.ok()) {
      table.add({user.field, "unreadable", "-", "-", "-", "-"});
      out.note("'" + visible(user.field) + "' may not log in: " + user.record.error().message);
      continue;
    }
    const UserRecord& record = *user.record;
    const bool agent = record.role == UserRole::kAgent;
    table.add({user.field, state_of(record, shown.now), agent ? std::string(agent_modes_text(record.modes)) : "-",
               when(record.expires_at), record.password_old ? when(record.password_old_until) : "-",
               agent ? joined_words(record.capabilities) : "-"});
  }
  out.table(table, "nobody is enrolled");
}

Result<Document> run_list(Context& context, const ListOptions&) {
  auto users = list_users(context.redis, context.keys());
  if (!users.ok()) return users.error();
  return Document::of(Shown{std::move(*users), seconds_now()}, write_list, print_list);
}

Result<Document> run_show(Context& context, const OneUser& options) {
  auto record = load(context, options, false);
  if (!record.ok() && record.error().code != Errc::kMalformed) return record.error();
  Shown shown{{{user_field(options.user_role(), options.id), std::move(record)}}, seconds_now()};
  return Document::of(std::move(shown), write_one, print_list);
}

/// For a node's redis.conf or ACL file: what must be there before mas-registryd can write anything.
Result<Document> run_acl_line(Context& context, const OneUser& options) {
  auto record = load(context, options, false);
  if (!record.ok()) return record.error();
  auto site = read_site(context.redis, context.settings);
  if (!site.ok()) return site.error();
  std::string line = "user " + redis_user_name(context.keys(), *record);
  for (const auto& rule : acl_setuser_rules(*record, *site, seconds_now())) line += " " + rule;
  std::string json;
  JsonWriter(json).begin_object().key("line").string(line).end_object();
  return Document::line(json, line);
}

// ---- the tree

void add_user_options(Command& command, OneUser& options) {
  command.add_option("ID", options.id, "The agent's id, or the name of a daemon or operator")
      ->required()
      ->type_name("");
  command.add_option("--role", options.role, "What the user is for. Default: agent")
      ->one_of({"agent", "gatewayd", "registryd", "healthd", "admin", "operator", "auditor"});
}

void add_state_command(Cli& cli, Command& group, const char* name, const char* help,
                       Result<Document> (*run)(Context&, const StateOptions&)) {
  Command* command = group.add_subcommand(name, help);
  auto& options = cli.leaf<StateOptions>(*command, run);
  add_user_options(*command, options);
  add_by_option(*command, options.by);
}

void add_rotate(Cli& cli, Command& group) {
  Command* rotate = group.add_subcommand("rotate", "Make new secrets; the old ones end after the overlap");
  auto& options = cli.leaf<RotateOptions>(*rotate, run_rotate);
  add_user_options(*rotate, options);
  rotate->add_option("--out", options.out, "New file for the secrets, mode 0600")->required()->type_name("FILE");
  rotate
      ->add_option("--overlap", options.overlap,
                   "Time that the old secrets stay valid; 0: they end, and connections are cut, at once. Default: 24h")
      ->type_name("TIME");
  rotate->add_option("--ttl", options.ttl, "The user ends after this time from now. Default: unchanged")
      ->type_name("TIME");
  add_master_key_option(*rotate, options.master_key);
  add_way_options(*rotate, options.way);
  add_by_option(*rotate, options.by);
  rotate->footer("Examples:\n  masctl user rotate planner --overlap 1h --out planner-2.toml");
}

}  // namespace

void add_user_commands(Cli& cli) {
  Command& group = cli.group("user", "Users of Redis that 'masctl enroll' made: secrets, states");
  add_rotate(cli, group);
  add_state_command(cli, group, "revoke", "End a user permanently, and cut its connections", run_revoke);
  add_state_command(cli, group, "suspend", "Keep a user out until it is resumed, and cut its connections", run_suspend);
  add_state_command(cli, group, "resume", "End the suspension of a user", run_resume);
  Command* list = group.add_subcommand("list", "Print all users, without secrets");
  cli.leaf<ListOptions>(*list, run_list);
  Command* show = group.add_subcommand("show", "Print one user, without secrets");
  auto& one = cli.leaf<OneUser>(*show, run_show);
  add_user_options(*show, one);
  Command* line =
      group.add_subcommand("acl-line", "Print a user's line for redis.conf or an ACL file; passwords in it are hashes");
  add_user_options(*line, cli.leaf<OneUser>(*line, run_acl_line));
}

}  // namespace mas::ctl
