// Files of secrets, records and users, in this order.
#include "sdk/masctl/commands/enrolment.h"

#include <unistd.h>

#include <cstdlib>

#include "proto/base/secret_file.h"
#include "sdk/masctl/cli/input_file.h"
#include "sdk/masctl/cli/times.h"

namespace mas::ctl {

namespace {

bool is_refusal_of_rights(const Error& error) { return error.message.find("NOPERM") != std::string::npos; }

Status write_file(Context& context, const AgentsWay& way, const Enrolment& enrolment, const std::string& file) {
  std::string text = file_text(context, way, enrolment);
  // Not what its reader would refuse: the secrets cannot be had again.
  if (enrolment.record.role == UserRole::kAgent)
    if (auto read = parse_credentials(text, file); !read.ok()) {
      wipe(text);
      return read.error().in("the file would be refused");
    }
  auto written = write_secret_file(path_of(file), text);
  wipe(text);
  return written;
}

/// What masctl's own URL says, for an agent.
std::string own_url(const redis::Endpoint& endpoint) {
  const std::string& name = endpoint.tls.server_name;
  return endpoint.address() + (name.empty() ? "" : "?server_name=" + name);
}

/// The record after the user was written. One that is gone or cannot be read lets nobody in.
Result<UserRecord> record_now(Context& context, const UserRecord& written) {
  auto found = load_user(context.redis, context.keys(), written.role, written.id, false);
  if (found.ok() || (found.error().code != Errc::kNotFound && found.error().code != Errc::kMalformed)) return found;
  UserRecord out = written;
  out.state = UserState::kRevoked;
  return out;
}

/// Asked when a change failed. @return whether the record may be as it was to be.
bool may_be_stored(SyncRedis& redis, const Keys& keys, const UserRecord& record) {
  auto found = load_user(redis, keys, record.role, record.id, false);
  if (found.ok()) return *found == record;
  return found.error().code != Errc::kNotFound && found.error().code != Errc::kMalformed;
}

}  // namespace

void add_way_options(Command& command, AgentsWay& way) {
  command
      .add_option("--url", way.url,
                  "URL of Redis for the agent's file, without user and password. Default: that of masctl")
      ->type_name("URL");
  command
      .add_option("--ca", way.ca,
                  "CA file for the agent's file: a path on the agent's machine. Default: that of masctl's URL")
      ->type_name("FILE");
}

Status check_way(const Context& context, const AgentsWay& way) {
  const redis::Endpoint& own = context.settings.endpoint;
  if (own.db != 0 && context.settings.ns.empty())
    return Error{Errc::kInvalidArgument,
                 "users of Redis know no databases: in a database other than 0 a system with "
                 "users needs a namespace (--namespace)"};
  if (way.url.empty()) {
    const bool more = !own.tls.cert.empty() || !own.tls.key.empty() || !own.sentinel.user.empty() ||
                      !own.sentinel.password.empty() || !own.sentinel.password_file.empty();
    if (!more) return {};
    return Error{Errc::kInvalidArgument,
                 "the URL of masctl has a client certificate or the sentinels' password, which are not for agents: "
                 "name the agents' own URL with --url"};
  }
  auto endpoint = redis::parse_url(way.url);
  if (!endpoint.ok()) return endpoint.error().in("--url");
  if (endpoint->user.empty() && endpoint->password.empty()) return {};
  return Error{Errc::kInvalidArgument, "--url: expected a URL without user and password; the agent has its own"};
}

std::string file_text(Context& context, const AgentsWay& way, const Enrolment& enrolment) {
  if (enrolment.record.role != UserRole::kAgent) return enrolment.credentials.redis.password + "\n";
  Credentials credentials = enrolment.credentials;
  credentials.agent_id = enrolment.record.id;
  credentials.redis.url = way.url.empty() ? own_url(context.settings.endpoint) : way.url;
  credentials.redis.user = redis_user_name(context.keys(), enrolment.record);
  credentials.redis.ca = way.ca.empty() ? context.settings.endpoint.tls.ca : way.ca;
  credentials.redis.ns = context.settings.ns;
  return credentials_toml(credentials);
}

Status write_user(Context& context, const UserRecord& record, bool cut) {
  auto site = read_site(context.redis, context.settings);
  if (!site.ok()) return site.error();
  constexpr int kAttempts = 10;
  UserRecord last = record;
  for (int i = 0; i < kAttempts; ++i) {
    auto untold = apply_user(context.redis, context.settings, *site, last, cut, seconds_now());
    if (!untold.ok() && !is_refusal_of_rights(untold.error())) return untold.error();
    if (!untold.ok()) {
      context.out.note("Redis does not let masctl change its users (" + untold.error().message +
                       "); mas-registryd does so by the record, within seconds");
      return {};
    }
    auto now = record_now(context, last);
    if (!now.ok()) return now.error();
    if (*now == last) {
      for (const auto& one : *untold)
        context.out.note(visible(one) + "; it lets the user in as before: repeat the command when it can be reached");
      return {};
    }
    last = std::move(*now);
    cut = true;  // somebody may have come in by what is no longer so
  }
  return Error{Errc::kRefused, "the record is being changed by others again and again; see 'masctl user show'"};
}

Status hand_out(Context& context, const AgentsWay& way, const Enrolment& enrolment, const std::string& file,
                const OperatorNote& note, bool cut) {
  if (auto status = write_file(context, way, enrolment, file); !status.ok()) return status;
  const Identity* identity = enrolment.identity ? &*enrolment.identity : nullptr;
  auto stored = store_user(context.redis, context.keys(), enrolment.record, identity, note);
  if (stored.ok()) return write_user(context, enrolment.record, cut);
  if (may_be_stored(context.redis, context.keys(), enrolment.record))
    context.out.note(visible(file) + " is kept, because the user may have been written; see 'masctl user show'");
  else
    unlink(path_of(file).c_str());
  return stored;
}

void add_master_key_option(Command& command, std::string& file) {
  command
      .add_option("--master-key", file,
                  "File of the gateways' master key, which seals the agent's key. Default: $MAS_MASTER_KEY_FILE")
      ->type_name("FILE");
}

Result<MasterKey> read_master_key(const std::string& option) {
  std::string file = option;
  const char* variable = std::getenv("MAS_MASTER_KEY_FILE");
  if (file.empty() && variable != nullptr) file = variable;
  if (file.empty())
    return Error{Errc::kInvalidArgument,
                 "a key is sealed under the gateways' master key: name its file with --master-key or "
                 "MAS_MASTER_KEY_FILE, or use --no-key for a token alone"};
  auto key = MasterKey::read(file);
  // A name in the working directory is what people mean on a command line.
  if (!key.ok() && file.find('/') == std::string::npos) key = MasterKey::read("./" + file);
  if (!key.ok()) return Error{Errc::kInvalidArgument, key.error().message};
  return key;
}

int64_t seconds_now() { return wall_now() / 1'000'000; }

Result<int64_t> period_seconds(const std::string& text, std::string_view flag) {
  if (text.empty() || text == "0") return int64_t{0};
  auto period = parse_period(text);
  if (!period.ok()) return period.error().in(std::string(flag));
  return std::chrono::duration_cast<std::chrono::seconds>(*period).count();
}

}  // namespace mas::ctl
