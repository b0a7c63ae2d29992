// Identities, field by field.
#include "proto/wire/identity.h"

#include <algorithm>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "proto/base/numbers.h"
#include "proto/wire/agent_entry.h"
#include "proto/wire/json.h"
#include "proto/wire/limits.h"

namespace mas {
namespace {

constexpr std::string_view kKeyDomain = "mas.identity.key.v2";
constexpr std::string_view kStates[] = {"active", "suspended", "revoked"};
/// The last moment that append_seconds writes and every reader of doubles still tells to the microsecond.
constexpr WallMicros kMaxTime = 9'007'199'254'740'991;

Error malformed(std::string_view field, std::string_view expected) {
  return {Errc::kMalformed, "identity: " + std::string(field) + ": expected " + std::string(expected)};
}

bool digits_only(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Seconds with up to six decimals, exactly. "0" is how "none" is written.
std::optional<WallMicros> parse_time(std::string_view text) {
  auto dot = text.find('.');
  std::string whole(text.substr(0, dot));
  std::string fraction(dot == std::string_view::npos ? "0" : text.substr(dot + 1));
  if (!digits_only(whole) || !digits_only(fraction) || whole.size() > 10 || fraction.size() > 6) return std::nullopt;
  fraction.resize(6, '0');
  auto micros = parse_number<WallMicros>(whole + fraction);
  return micros && *micros <= kMaxTime ? micros : std::nullopt;
}

std::string time_text(WallMicros time) {
  if (time <= 0) return "0";
  std::string out;
  append_seconds(out, time);
  return out;
}

Status read_time(std::string_view field, std::string_view text, WallMicros& ret_time) {
  auto time = parse_time(text);
  if (!time) return malformed(field, "seconds since 1970 with at most six decimals, 0 for none");
  ret_time = *time;
  return {};
}

Status read_digest(std::string_view field, std::string_view text, std::optional<Digest>& ret_digest) {
  ret_digest = digest_from_hex(text);
  if (ret_digest) return {};
  return malformed(field, "64 hexadecimal digits");
}

Status read_state(std::string_view text, IdentityState& ret_state) {
  auto at = std::find(std::begin(kStates), std::end(kStates), text);
  if (at == std::end(kStates)) return malformed("state", "active, suspended or revoked");
  ret_state = static_cast<IdentityState>(at - std::begin(kStates));
  return {};
}

Status read_version(std::string_view text, uint64_t& ret_version) {
  ret_version = parse_number<uint64_t>(text).value_or(0);
  if (ret_version > 0) return {};
  return malformed("version", "a number from 1");
}

Status read_claims(std::string_view json, std::vector<std::string>& ret_claims) {
  auto claims = JsonReader::local().string_array(json);
  if (!claims) return claims.error().in("identity: claims");
  for (const auto& claim : *claims)
    if (auto status = check_capability(claim); !status) return malformed("claims", "patterns of capabilities");
  ret_claims = std::move(*claims);
  return {};
}

/// One member of `keys`: {"sealed":"…","created_at":1,"not_after":0}.
Status read_key(std::string_view json, IdentityKey& ret_key) {
  auto members = JsonReader::local().members(json);
  if (!members) return malformed("keys", "an object for each key");
  bool sealed = false, created = false;
  for (const auto& [name, token] : *members) {
    bool text = token.starts_with('"');
    if (name == "sealed" && text) {
      ret_key.sealed = json_text(token);
      sealed = !ret_key.sealed.empty() && ret_key.sealed.size() <= limits::kSealedKeyBytes;
    } else if (name == "created_at" && !text) {
      if (auto status = read_time("keys: created_at", token, ret_key.created_at); !status) return status;
      created = true;
    } else if (name == "not_after" && !text) {
      if (auto status = read_time("keys: not_after", token, ret_key.not_after); !status) return status;
    } else {
      return malformed("keys", "sealed (text), created_at and not_after (numbers) in each key, and nothing else");
    }
  }
  if (!sealed || !created) return malformed("keys", "sealed and created_at in each key");
  return {};
}

Status read_keys(std::string_view json, std::vector<IdentityKey>& ret_keys) {
  auto members = JsonReader::local().members(json);
  if (!members) return members.error().in("identity: keys");
  if (members->size() > limits::kIdentityKeys)
    return Error{Errc::kTooLarge, "identity: keys: expected at most " + std::to_string(limits::kIdentityKeys)};
  for (const auto& [id, token] : *members) {
    if (!check_key_id(id).ok()) return malformed("keys", "key ids of 1-64 of [A-Za-z0-9._-]");
    IdentityKey key;
    key.id = id;
    if (auto status = read_key(token, key); !status) return status;
    ret_keys.push_back(std::move(key));
  }
  return {};
}

using FieldReader = Status (*)(std::string_view value, Identity& identity);

struct Field {
  std::string_view name;
  bool required;
  FieldReader read;
};

constexpr Field kFields[] = {
    {"token_hash", false, [](std::string_view v, Identity& i) { return read_digest("token_hash", v, i.token_hash); }},
    {"token_hash_old", false,
     [](std::string_view v, Identity& i) { return read_digest("token_hash_old", v, i.token_hash_old); }},
    {"token_old_until", false,
     [](std::string_view v, Identity& i) { return read_time("token_old_until", v, i.token_old_until); }},
    {"keys", false, [](std::string_view v, Identity& i) { return read_keys(v, i.keys); }},
    {"state", true, [](std::string_view v, Identity& i) { return read_state(v, i.state); }},
    {"created_at", true, [](std::string_view v, Identity& i) { return read_time("created_at", v, i.created_at); }},
    {"expires_at", true, [](std::string_view v, Identity& i) { return read_time("expires_at", v, i.expires_at); }},
    {"claims", false, [](std::string_view v, Identity& i) { return read_claims(v, i.claims); }},
    {"version", true, [](std::string_view v, Identity& i) { return read_version(v, i.version); }},
};

std::string keys_json(const std::vector<IdentityKey>& keys) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  for (const auto& key : keys) {
    json.key(key.id).begin_object();
    json.key("sealed").string(key.sealed);
    json.key("created_at").raw(time_text(key.created_at));
    json.key("not_after").raw(time_text(key.not_after)).end_object();
  }
  json.end_object();
  return out;
}

std::string key_context(std::string_view ns, std::string_view agent_id, std::string_view key_id) {
  std::string context;
  ByteWriter(context).text16(kKeyDomain).text16(ns).text16(agent_id).text16(key_id);
  return context;
}

/// Linear but for the last `*`: on a mismatch the run that it stands for grows by one.
bool matches(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace

std::string_view identity_state_text(IdentityState state) { return kStates[static_cast<size_t>(state)]; }

Result<Identity> identity_from_fields(std::string_view id, std::span<const std::string_view> names_and_values) {
  if (names_and_values.empty()) return Error{Errc::kNotFound, "identity: there is none for '" + printable(id) + "'"};
  if (auto status = check_agent_id(id); !status) return Error{Errc::kMalformed, "identity: " + status.error().message};
  Identity identity;
  identity.id = std::string(id);
  bool seen[std::size(kFields)] = {};
  for (size_t i = 0; i + 1 < names_and_values.size(); i += 2) {
    std::string_view name = names_and_values[i], value = names_and_values[i + 1];
    auto field =
        std::find_if(std::begin(kFields), std::end(kFields), [name](const Field& f) { return f.name == name; });
    if (field == std::end(kFields)) return malformed(printable(name), "no such field; a newer version wrote this");
    size_t index = static_cast<size_t>(field - std::begin(kFields));
    if (seen[index]) return malformed(name, "the field once");
    if (value.size() > limits::kIdentityFieldBytes)
      return Error{Errc::kTooLarge, "identity: " + std::string(name) + ": expected at most " +
                                        std::to_string(limits::kIdentityFieldBytes) + " bytes"};
    if (auto status = field->read(value, identity); !status) return status.error();
    seen[index] = true;
  }
  for (size_t i = 0; i < std::size(kFields); ++i)
    if (kFields[i].required && !seen[i]) return malformed(kFields[i].name, "the field to be there");
  // Without this, an old token would be good for ever.
  if (identity.token_hash_old && identity.token_old_until == 0)
    return malformed("token_old_until", "a time, since there is a token_hash_old");
  return identity;
}

std::vector<std::pair<std::string, std::string>> identity_fields(const Identity& identity) {
  std::vector<std::pair<std::string, std::string>> fields;
  if (identity.token_hash) fields.emplace_back("token_hash", to_hex(*identity.token_hash));
  if (identity.token_hash_old) {
    fields.emplace_back("token_hash_old", to_hex(*identity.token_hash_old));
    fields.emplace_back("token_old_until", time_text(identity.token_old_until));
  }
  if (!identity.keys.empty()) fields.emplace_back("keys", keys_json(identity.keys));
  fields.emplace_back("state", identity_state_text(identity.state));
  fields.emplace_back("created_at", time_text(identity.created_at));
  fields.emplace_back("expires_at", time_text(identity.expires_at));
  fields.emplace_back("claims", capabilities_json(identity.claims));
  fields.emplace_back("version", std::to_string(identity.version));
  return fields;
}

Status check_key_id(std::string_view key_id) {
  bool legal =
      !key_id.empty() && key_id.size() <= limits::kKeyIdBytes && std::all_of(key_id.begin(), key_id.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
      });
  if (legal) return {};
  return Error{Errc::kInvalidArgument, "a key id is 1-64 of [A-Za-z0-9._-]"};
}

Digest token_hash(std::string_view token) { return sha256(token); }

std::string seal_identity_key(const MasterKey& master, std::string_view ns, std::string_view agent_id,
                              std::string_view key_id, std::string_view key) {
  return master.seal(key, key_context(ns, agent_id, key_id));
}

Result<std::string> unseal_identity_key(const MasterKey& master, std::string_view ns, std::string_view agent_id,
                                        const IdentityKey& key) {
  auto plain = master.unseal(key.sealed, key_context(ns, agent_id, key.id));
  if (!plain) return plain.error().in("key " + key.id + " of '" + printable(agent_id) + "'");
  return plain;
}

bool may_claim(const std::vector<std::string>& claims, std::string_view capability) {
  return std::any_of(claims.begin(), claims.end(),
                     [capability](const std::string& claim) { return matches(claim, capability); });
}

}  // namespace mas
