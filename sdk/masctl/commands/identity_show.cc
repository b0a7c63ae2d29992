// `identity list` and `identity show`.
#include "sdk/masctl/commands/identity_show.h"

#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/cli/times.h"
#include "sdk/masctl/commands/rule_arguments.h"
#include "sdk/masctl/identity/issue.h"
#include "sdk/masctl/redis/identity_store.h"

namespace mas::ctl {

namespace {

struct ListOptions {};

struct ShowOptions {
  std::string agent;
};

std::string date(WallMicros time) { return time_text(time).substr(0, 19) + "Z"; }

std::string ends(WallMicros time, WallMicros now) {
  if (time == 0) return "never";
  return date(time) + (time < now ? " (past)" : "");
}

/// What the gateway makes of it now.
std::string state_of(const Identity& identity, WallMicros now) {
  bool expired = identity.expires_at != 0 && identity.expires_at < now;
  if (identity.state != IdentityState::kRevoked && expired) return "expired";
  return std::string(identity_state_text(identity.state));
}

size_t good_keys(const Identity& identity, WallMicros now) {
  size_t count = 0;
  for (const auto& key : identity.keys) count += key_is_good(key, now) ? 1 : 0;
  return count;
}

void write_time(JsonWriter& json, std::string_view name, WallMicros time) {
  json.key(name);
  time == 0 ? json.null() : json.number(static_cast<double>(time) / 1e6);
}

void write_identity(JsonWriter& json, const Identity& identity, WallMicros now) {
  json.key("state").string(state_of(identity, now));
  json.key("token").boolean(identity.token_hash.has_value());
  write_time(json, "old_token_until", identity.token_old_until);
  json.key("keys").begin_array();
  for (const auto& key : identity.keys) {
    json.begin_object().key("id").string(key.id);
    write_time(json, "created_at", key.created_at);
    write_time(json, "not_after", key.not_after);
    json.key("good").boolean(key_is_good(key, now)).end_object();
  }
  json.end_array();
  json_texts(json, "claims", identity.claims);
  write_time(json, "created_at", identity.created_at);
  write_time(json, "expires_at", identity.expires_at);
  json.key("version").unsigned_integer(identity.version);
}

void write_listed(JsonWriter& json, const std::string& agent, const Result<Identity>& identity, WallMicros now) {
  json.begin_object().key("agent");
  json_text_or_lossy(json, agent);
  if (identity.ok())
    write_identity(json, *identity, now);
  else
    json.key("state").string("unreadable").key("problem").string(identity.error().message);
  json.end_object();
}

/// Identities as they stand now.
struct Shown {
  std::vector<ListedIdentity> identities;
  WallMicros now = 0;
};

void write_list(JsonWriter& json, const Shown& shown) {
  json.begin_object();
  json_list(json, "identities", shown.identities, [now = shown.now](JsonWriter& each, const ListedIdentity& listed) {
    write_listed(each, listed.agent, listed.identity, now);
  });
  json.end_object();
}

void print_list(Output& out, const Shown& shown) {
  Table table({"AGENT", "STATE", "EXPIRES", "TOKEN", "KEYS", "CLAIMS"});
  for (const auto& [agent, identity] : shown.identities) {
    if (identity.ok())
      table.add({agent, state_of(*identity, shown.now), ends(identity->expires_at, shown.now),
                 identity->token_hash ? "yes" : "no", std::to_string(good_keys(*identity, shown.now)),
                 joined_words(identity->claims)});
    else
      table.add({agent, "unreadable", "-", "-", "-", "-"});
  }
  out.table(table, "no agent has an identity");
  for (const auto& [agent, identity] : shown.identities)
    if (!identity.ok()) out.note("every message of '" + visible(agent) + "' is refused: " + identity.error().message);
}

Result<Document> run_list(Context& context, const ListOptions&) {
  auto listed = list_identities(context.redis, context.keys());
  if (!listed.ok()) return listed.error();
  return Document::of(Shown{std::move(*listed), wall_now()}, write_list, print_list);
}

void write_one(JsonWriter& json, const Shown& shown) {
  write_listed(json, shown.identities[0].agent, shown.identities[0].identity, shown.now);
}

void print_one(Output& out, const Shown& shown) {
  const Identity& identity = *shown.identities[0].identity;
  const WallMicros now = shown.now;
  Table table({"FIELD", "VALUE"});
  table.add({"agent", identity.id});
  table.add({"state", state_of(identity, now)});
  table.add({"created", date(identity.created_at)});
  table.add({"expires", ends(identity.expires_at, now)});
  table.add({"token", identity.token_hash ? "yes" : "no"});
  if (identity.token_hash_old) table.add({"old token expires", ends(identity.token_old_until, now)});
  for (const auto& key : identity.keys)
    table.add({"key " + key.id, "made " + date(key.created_at) + ", expires " + ends(key.not_after, now)});
  table.add({"claims", joined_words(identity.claims)});
  table.add({"changes", std::to_string(identity.version)});
  out.table(table);
}

Result<Document> run_show(Context& context, const ShowOptions& options) {
  if (auto status = check_agent_id(options.agent); !status.ok()) return status.error();
  auto identity = load_identity(context.redis, context.keys(), options.agent, false);
  if (!identity.ok()) return identity.error();
  return Document::of(Shown{{{options.agent, std::move(identity)}}, wall_now()}, write_one, print_one);
}

}  // namespace

void add_identity_readers(Cli& cli, Command& group) {
  cli.leaf<ListOptions>(*group.add_subcommand("list", "List identities, without secrets"), run_list);

  Command* show = group.add_subcommand("show", "Print an identity, without secrets");
  auto& options = cli.leaf<ShowOptions>(*show, run_show);
  show->add_option("AGENT", options.agent, "The agent's id")->required()->type_name("");
}

}  // namespace mas::ctl
