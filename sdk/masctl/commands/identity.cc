// `identity create`, `rotate`, `revoke`, `suspend`, `resume`: who an agent is to the gateway. Reading:
// identity_show.cc.
//
// The credentials are shown once: on standard output, or in a new file of mode 0600. The file is written before Redis,
// so that no identity exists whose secrets nobody has; it is removed again when Redis refuses.
#include <unistd.h>

#include <optional>

#include "proto/base/base64.h"
#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "proto/base/secret.h"
#include "proto/base/secret_file.h"
#include "proto/wire/agent_entry.h"
#include "proto/wire/limits.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/times.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/enrolment.h"
#include "sdk/masctl/commands/identity_show.h"
#include "sdk/masctl/commands/rule_arguments.h"
#include "sdk/masctl/identity/issue.h"
#include "sdk/masctl/redis/identity_store.h"
#include "sdk/masctl/redis/operator_audit.h"

namespace mas::ctl {

namespace {

struct SecretOptions {
  std::string agent;
  bool token = false, no_token = false;
  bool key = false, no_key = false;
  std::string master_key;
  std::string out;
  std::string by;
};

struct CreateOptions : SecretOptions {
  std::vector<std::string> claims;
  std::string expires;
  bool force = false;
};

struct RotateOptions : SecretOptions {
  std::string expires;
  std::string overlap = "24h";
};

struct StateOptions {
  std::string agent;
  std::string by;
};

/// @return the master key of --master-key or MAS_MASTER_KEY_FILE; nullopt when no key is to be made.
Result<std::optional<MasterKey>> master_for(const SecretOptions& options, bool wanted) {
  if (!wanted) return std::optional<MasterKey>();
  auto key = read_master_key(options.master_key);
  if (!key.ok()) return key.error();
  return std::optional(std::move(*key));
}

void write_credentials_json(JsonWriter& json, const Credentials& credentials) {
  json.key("credentials").begin_object().key("agent_id").string(credentials.agent_id);
  if (!credentials.token.empty()) json.key("token").string(credentials.token);
  if (credentials.has_key())
    json.key("key_id").string(credentials.key_id).key("key").string(base64url(credentials.key));
  json.end_object();
}

/// Secrets that were handed out. They are shown once.
struct Done {
  std::string agent, action, file;
  Credentials credentials;
};

void write_done(JsonWriter& json, const Done& done) {
  json.begin_object().key("agent").string(done.agent).key("action").string(done.action);
  json.key("key_id");
  done.credentials.has_key() ? json.string(done.credentials.key_id) : json.null();
  if (done.file.empty())
    write_credentials_json(json, done.credentials);
  else
    json.key("file").string(printable(done.file, 4096));
  json.end_object();
}

void print_done(Output& out, const Done& done) {
  if (!done.file.empty()) return out.line("credentials of '" + done.agent + "' are in " + printable(done.file, 4096));
  std::string text = credentials_toml(done.credentials);
  text.pop_back();  // line() ends it
  out.line(text);
  wipe(text);
  out.note("this is shown only once; store it in a file of mode 0600 for the agent (MAS_CREDENTIALS)");
}

/// Asked when a change failed: a command of a transaction may fail alone, and a connection after the transaction.
/// @return whether Redis has the identity as it was written; nullopt: it does not say.
std::optional<bool> was_stored(SyncRedis& redis, const Keys& keys, const Identity& identity) {
  auto found = load_identity(redis, keys, identity.id, false);
  if (found.ok()) return identity_fields(*found) == identity_fields(identity);
  bool answered = found.error().code == Errc::kNotFound || found.error().code == Errc::kMalformed;
  return answered ? std::optional(false) : std::nullopt;
}

Result<Document> hand_out(Context& context, const SecretOptions& options, const Identity& identity,
                          Credentials credentials, const OperatorNote& note) {
  if (!options.out.empty()) {
    std::string text = credentials_toml(credentials);
    auto written = write_secret_file(options.out, text);
    wipe(text);
    if (!written.ok()) return written.error();
  }
  auto stored = store_identity(context.redis, context.keys(), identity, note);
  if (stored.ok())
    return Document::of(Done{options.agent, note.action, options.out, std::move(credentials)}, write_done, print_done);
  if (!options.out.empty()) {
    auto there = was_stored(context.redis, context.keys(), identity);
    if (there.has_value() && !*there)
      unlink(options.out.c_str());
    else
      context.out.note(printable(options.out, 4096) + " is kept, because the identity " +
                       (there ? "was written nevertheless" : "may have been written") + "; see 'masctl identity show'");
  }
  return stored.error();
}

Status check_agent_and_claims(const CreateOptions& options) {
  if (auto status = check_agent_id(options.agent); !status.ok()) return status;
  for (const auto& claim : options.claims)
    if (auto status = check_capability(claim); !status.ok()) return status.error().in("--claims");
  if (options.claims.size() > limits::kCapabilities)
    return Error{Errc::kInvalidArgument, "--claims: expected at most " + std::to_string(limits::kCapabilities)};
  if (options.no_token && options.no_key)
    return Error{Errc::kInvalidArgument, "with both --no-token and --no-key the agent could not authenticate"};
  return {};
}

std::string secrets_detail(const Credentials& credentials) {
  std::string detail = credentials.token.empty() ? "" : "token";
  if (credentials.has_key()) detail += (detail.empty() ? "key=" : " key=") + credentials.key_id;
  return detail;
}

/// @return the identity that is there, if it may be replaced; nullopt when there is none.
Result<std::optional<uint64_t>> version_before(SyncRedis& redis, const Keys& keys, const CreateOptions& options) {
  auto before = load_identity(redis, keys, options.agent, true);
  if (!before.ok() && before.error().code == Errc::kNotFound) return std::optional<uint64_t>();
  bool unreadable = !before.ok() && before.error().code != Errc::kMalformed && before.error().code != Errc::kTooLarge;
  if (unreadable) return before.error();
  if (!options.force)
    return Error{Errc::kInvalidState, "'" + options.agent +
                                          "' has an identity already; --force replaces it and ends what the agent " +
                                          "holds ('identity rotate' replaces its secrets with an overlap)"};
  return std::optional<uint64_t>(before.ok() ? before->version : 0);
}

/// @param expires as given; empty: the identity's end stays as it is.
Status set_expiry(const std::string& expires, WallMicros now, Identity& identity) {
  if (expires.empty()) return {};
  auto period = parse_period(expires);
  if (!period.ok()) return period.error().in("--expires");
  identity.expires_at = now + std::chrono::duration_cast<std::chrono::microseconds>(*period).count();
  return {};
}

Result<Document> run_create(Context& context, const CreateOptions& options) {
  if (auto status = check_agent_and_claims(options); !status.ok()) return status.error();
  WallMicros now = wall_now();
  Identity identity;
  identity.id = options.agent;
  identity.created_at = now;
  identity.claims = options.claims.empty() ? std::vector<std::string>{"*"} : options.claims;
  if (auto status = set_expiry(options.expires, now, identity); !status.ok()) return status.error();
  auto master = master_for(options, !options.no_key);
  if (!master.ok()) return master.error();
  auto before = version_before(context.redis, context.keys(), options);
  if (!before.ok()) return before.error();
  identity.version = before->value_or(0);
  auto credentials = issue_secrets(
      identity,
      {!options.no_token, !options.no_key, master->has_value() ? &**master : nullptr, Duration(0), context.settings.ns},
      now);
  if (!credentials.ok()) return credentials.error();
  std::string detail = secrets_detail(*credentials) + " claims=" + joined_words(identity.claims);
  if (!options.expires.empty()) detail += " expires=" + options.expires;
  if (before->has_value()) detail += " replaced";
  return hand_out(context, options, identity, std::move(*credentials),
                  {operator_name(options.by), "identity.create", detail});
}

/// What to renew: by default what the identity has.
Issue what_to_rotate(const RotateOptions& options, const Identity& identity, WallMicros now) {
  bool has_key = false;
  for (const auto& key : identity.keys) has_key |= key_is_good(key, now);
  Issue issue;
  issue.token = !options.no_token && (options.token || identity.token_hash.has_value());
  issue.key = !options.no_key && (options.key || has_key);
  return issue;
}

Result<Document> run_rotate(Context& context, const RotateOptions& options) {
  if (auto status = check_agent_id(options.agent); !status.ok()) return status.error();
  auto overlap = options.overlap == "0" ? Result<Duration>(Duration(0)) : parse_period(options.overlap);
  if (!overlap.ok()) return overlap.error().in("--overlap");
  auto identity = load_identity(context.redis, context.keys(), options.agent, true);
  if (!identity.ok()) return identity.error();
  WallMicros now = wall_now();
  Issue issue = what_to_rotate(options, *identity, now);
  if (!issue.token && !issue.key)
    return Error{Errc::kInvalidArgument, "nothing to rotate; --token and --key create what does not exist yet"};
  auto master = master_for(options, issue.key);
  if (!master.ok()) return master.error();
  issue.master = master->has_value() ? &**master : nullptr;
  issue.ns = context.settings.ns;
  issue.overlap = *overlap;
  if (auto status = set_expiry(options.expires, now, *identity); !status.ok()) return status.error();
  auto credentials = issue_secrets(*identity, issue, now);
  if (!credentials.ok()) return credentials.error();
  std::string detail = secrets_detail(*credentials) + " overlap=" + options.overlap;
  if (!options.expires.empty()) detail += " expires=" + options.expires;
  return hand_out(context, options, *identity, std::move(*credentials),
                  {operator_name(options.by), "identity.rotate", detail});
}

/// One change of state: which states it starts from, and what is said when it is another.
struct Change {
  const char* action;
  IdentityState to;
  bool (*may)(IdentityState from);
  const char* refusal;
};

constexpr Change kRevoke = {"identity.revoke", IdentityState::kRevoked, [](IdentityState) { return true; }, ""};
constexpr Change kSuspend = {"identity.suspend", IdentityState::kSuspended,
                             [](IdentityState from) { return from != IdentityState::kRevoked; },
                             "the identity was revoked, which is final"};
constexpr Change kResume = {
    "identity.resume", IdentityState::kActive, [](IdentityState from) { return from != IdentityState::kRevoked; },
    "the identity was revoked and cannot be resumed; 'identity create --force' creates a new one"};

Result<Document> change_state(Context& context, const StateOptions& options, const Change& change) {
  if (auto status = check_agent_id(options.agent); !status.ok()) return status.error();
  auto identity = load_identity(context.redis, context.keys(), options.agent, true);
  if (!identity.ok()) return identity.error();
  if (!change.may(identity->state)) return Error{Errc::kInvalidState, change.refusal};
  IdentityState before = identity->state;
  identity->state = change.to;
  ++identity->version;
  std::string was(identity_state_text(before)), is(identity_state_text(change.to));
  auto stored = store_identity(context.redis, context.keys(), *identity,
                               {operator_name(options.by), change.action, was + " -> " + is});
  if (!stored.ok()) return stored.error();
  return Document::line("{\"state\":\"" + is + "\",\"was\":\"" + was + "\"}",
                        "'" + options.agent + "' is " + is + ", was " + was);
}

Result<Document> run_revoke(Context& context, const StateOptions& options) {
  return change_state(context, options, kRevoke);
}
Result<Document> run_suspend(Context& context, const StateOptions& options) {
  return change_state(context, options, kSuspend);
}
Result<Document> run_resume(Context& context, const StateOptions& options) {
  return change_state(context, options, kResume);
}

void add_secret_options(Command& command, SecretOptions& options) {
  command.add_option("AGENT", options.agent, "The agent's id")->required()->type_name("");
  add_master_key_option(command, options.master_key);
  command.add_option("--out", options.out, "Write the credentials to this new file, mode 0600, and print no secret")
      ->type_name("FILE");
  add_by_option(command, options.by);
}

void add_state_command(Cli& cli, Command& group, const char* name, const char* help,
                       Result<Document> (*run)(Context&, const StateOptions&)) {
  Command* command = group.add_subcommand(name, help);
  auto& options = cli.leaf<StateOptions>(*command, run);
  command->add_option("AGENT", options.agent, "The agent's id")->required()->type_name("");
  add_by_option(*command, options.by);
}

void add_create(Cli& cli, Command& group) {
  Command* create = group.add_subcommand("create", "Create an identity and print its credentials, once");
  auto& options = cli.leaf<CreateOptions>(*create, run_create);
  add_secret_options(*create, options);
  create->add_flag("--no-token", options.no_token, "Create no token: the agent must sign");
  create->add_flag("--no-key", options.no_key,
                   "Create no key: the agent uses the token alone, if the profile accepts it");
  create
      ->add_option("--claims", options.claims,
                   "Pattern of capabilities that the agent may claim; * matches any characters; may be repeated. It is "
                   "stored, but nothing checks it yet. Default: *")
      ->type_name("PATTERN");
  create->add_option("--expires", options.expires, "The identity expires after this time, such as 30d. Default: never")
      ->type_name("TIME");
  create->add_flag("--force", options.force, "Replace an existing identity; its secrets become invalid");
  create->footer(
      "Examples:\n"
      "  masctl identity create planner --master-key /etc/mas/master.key --out planner.toml\n"
      "  masctl identity create visitor --no-key --expires 7d --claims 'chat:*'");
}

void add_rotate(Cli& cli, Command& group) {
  Command* rotate = group.add_subcommand("rotate", "Create new secrets; the old ones expire after the overlap");
  auto& options = cli.leaf<RotateOptions>(*rotate, run_rotate);
  add_secret_options(*rotate, options);
  rotate->add_flag("--token", options.token, "Create a token even if there is none yet");
  rotate->add_flag("--key", options.key, "Create a key even if there is none yet");
  rotate->add_flag("--no-token", options.no_token, "Keep the token");
  rotate->add_flag("--no-key", options.no_key, "Keep the keys");
  rotate
      ->add_option("--overlap", options.overlap,
                   "Time that the old secrets stay valid; 0: they expire at once. Default: 24h")
      ->type_name("TIME");
  rotate->add_option("--expires", options.expires, "The identity expires after this time from now. Default: unchanged")
      ->type_name("TIME");
  rotate->footer("Examples:\n  masctl identity rotate planner --overlap 1h --out planner-2.toml");
}

}  // namespace

void add_identity_commands(Cli& cli) {
  Command& group = cli.group("identity", "Identities, by which gateways authenticate agents: tokens, keys, state");
  add_create(cli, group);
  add_rotate(cli, group);
  add_state_command(cli, group, "revoke", "Revoke an identity permanently, at once", run_revoke);
  add_state_command(cli, group, "suspend", "Refuse an agent's messages until it is resumed", run_suspend);
  add_state_command(cli, group, "resume", "End the suspension of an agent", run_resume);
  add_identity_readers(cli, group);
}

}  // namespace mas::ctl
