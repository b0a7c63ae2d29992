// Credentials files, by toml++; the one place of the protocol library that parses TOML.
#include "proto/wire/credentials.h"

// Compiled in here, without exceptions: libmas must not need another shared library for four lines of text.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>

#include "proto/base/base64.h"
#include "proto/base/byte_order_mark.h"
#include "proto/base/ids.h"
#include "proto/base/secret.h"
#include "proto/base/secret_file.h"
#include "proto/wire/digest.h"
#include "proto/wire/identity.h"
#include "proto/wire/keys.h"
#include "proto/wire/limits.h"

namespace mas {
namespace {

Error wrong(std::string text) { return Error{Errc::kInvalidArgument, "credentials: " + std::move(text)}; }

std::string place(const std::string& file, const toml::source_region& at) {
  return file + ":" + std::to_string(at.begin.line);
}

/// Says what is wrong with a field's text, and nothing when it is right. Moves it to where it belongs.
std::string take_agent_id(std::string text, Credentials& into) {
  if (!check_agent_id(text).ok())
    return "expected an agent id: 1-128 of [A-Za-z0-9._-], starting with a letter or digit";
  into.agent_id = std::move(text);
  return {};
}

std::string take_token(std::string text, Credentials& into) {
  auto plain = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\'' && c != '\\'; };
  if (text.empty() || text.size() > limits::kCredentialBytes || !std::all_of(text.begin(), text.end(), plain))
    return "expected a token: 1-256 printable characters of ASCII without quotes and backslashes";
  into.token = std::move(text);
  return {};
}

std::string take_key_id(std::string text, Credentials& into) {
  if (auto status = check_key_id(text); !status) return status.error().message;
  into.key_id = std::move(text);
  return {};
}

std::string take_key(std::string text, Credentials& into) {
  auto bytes = from_base64url(text);
  wipe(text);
  if (!bytes || bytes->size() != kIdentityKeyBytes) return "expected 43 characters of url-safe base64";
  into.key = std::move(*bytes);
  return {};
}

/// What can stand in quotes in the file, and nothing that would end it.
bool is_plain(std::string_view text, size_t most) {
  auto plain = [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\'' && c != '\\'; };
  return !text.empty() && text.size() <= most && std::all_of(text.begin(), text.end(), plain);
}

template <std::string RedisCredentials::*kMember>
std::string take_plain(std::string text, Credentials& into) {
  constexpr size_t kMost = 1024;
  if (!is_plain(text, kMost)) return "expected 1-1024 characters of ASCII without spaces, quotes and backslashes";
  into.redis.*kMember = std::move(text);
  return {};
}

std::string take_redis_password(std::string text, Credentials& into) {
  if (!is_plain(text, limits::kCredentialBytes)) {
    wipe(text);
    return "expected a password: 1-256 characters of ASCII without spaces, quotes and backslashes";
  }
  into.redis.password = std::move(text);
  return {};
}

std::string take_namespace(std::string text, Credentials& into) {
  if (text.empty() || !check_namespace(text).ok()) return "expected a namespace: 1-64 of [A-Za-z0-9._-]";
  into.redis.ns = std::move(text);
  return {};
}

struct Field {
  std::string_view name;
  std::string (*take)(std::string text, Credentials& into);
};

constexpr Field kFields[] = {{"agent_id", take_agent_id},
                             {"token", take_token},
                             {"key_id", take_key_id},
                             {"key", take_key},
                             {"redis_url", take_plain<&RedisCredentials::url>},
                             {"redis_user", take_plain<&RedisCredentials::user>},
                             {"redis_password", take_redis_password},
                             {"redis_ca", take_plain<&RedisCredentials::ca>},
                             {"namespace", take_namespace}};

/// What toml++ must not be given: it descends once per part of a dotted key and per bracket, as deep as the file is
/// long, and its parsers of numbers, dates and characters beyond ASCII have assertions that a file can break. So: a
/// bare key and a text of one line in quotes, all in ASCII; lines of comment are free.
bool is_flat(std::string_view line) {
  constexpr std::string_view kInName = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_- \t\r";
  auto first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos || line[first] == '#') return true;
  if (std::any_of(line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) return false;
  bool many_lines = line.find("'''") != std::string_view::npos || line.find(R"(""")") != std::string_view::npos;
  if (many_lines) return false;
  auto equals = line.find('=');
  std::string_view name = line.substr(0, std::min(equals, line.find('#')));
  if (name.find_first_not_of(kInName) != std::string_view::npos) return false;
  if (name.size() != equals) return true;  // a comment, or nothing
  auto value = line.find_first_not_of(" \t", equals + 1);
  return value == std::string_view::npos || line[value] == '"' || line[value] == '\'';
}

size_t first_line_not_flat(std::string_view text) {
  for (size_t number = 1; !text.empty(); ++number) {
    auto line = text.substr(0, text.find('\n'));
    if (!is_flat(line)) return number;
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return 0;
}

Status read_field(const std::string& file, std::string_view name, const toml::key& key, const toml::node& node,
                  Credentials& into) {
  for (const auto& field : kFields) {
    if (field.name != name) continue;
    const auto* text = node.as_string();
    std::string problem = text == nullptr ? "expected a text in quotes" : field.take(text->get(), into);
    if (problem.empty() && field.name == "redis_url") into.redis.url_place = place(file, node.source()) + ": redis_url";
    if (problem.empty()) return {};
    return wrong(place(file, node.source()) + ": " + std::string(name) + ": " + problem);
  }
  // Not quoted: somebody may have pasted a secret here.
  return wrong(place(file, key.source()) + ": unknown field; expected agent_id, token, key_id, key, redis_url, " +
               "redis_user, redis_password, redis_ca and namespace");
}

Status check_whole(const std::string& file, const Credentials& credentials) {
  if (credentials.agent_id.empty()) return wrong(file + ": agent_id is missing");
  if (credentials.key.empty() != credentials.key_id.empty())
    return wrong(file + ": " + (credentials.key.empty() ? "key" : "key_id") +
                 " is missing; key and key_id go together");
  const RedisCredentials& redis = credentials.redis;
  if (redis.user.empty() != redis.password.empty())
    return wrong(file + ": " + (redis.user.empty() ? "redis_user" : "redis_password") +
                 " is missing; redis_user and redis_password go together");
  if (credentials.key.empty() && credentials.token.empty() && redis.user.empty())
    return wrong(file + ": expected a token, or key_id and key, or redis_user and redis_password");
  return {};
}

}  // namespace

Credentials::~Credentials() {
  wipe(token);
  wipe(key);
  wipe(redis.password);
}

Result<Credentials> parse_credentials(std::string_view text, const std::string& file) {
  if (text.size() > limits::kCredentialsFileBytes)
    return wrong(file + " has more than " + std::to_string(limits::kCredentialsFileBytes) + " bytes");
  text = without_byte_order_mark(text);
  if (size_t line = first_line_not_flat(text); line != 0)
    return wrong(file + ":" + std::to_string(line) + ": expected only lines of FIELD = \"TEXT\" in ASCII");
  auto parsed = toml::parse(text);
  // toml++'s own sentence may quote the line.
  if (!parsed) return wrong(place(file, parsed.error().source()) + ": not TOML; expected FIELD = \"TEXT\"");
  Credentials credentials;
  for (const auto& [key, node] : parsed.table())
    if (auto status = read_field(file, key.str(), key, node, credentials); !status) return status.error();
  if (auto status = check_whole(file, credentials); !status) return status.error();
  return credentials;
}

Result<Credentials> read_credentials(const std::string& path_or_credential) {
  std::string path;
  auto text = read_secret_file(path_or_credential, limits::kCredentialsFileBytes, SecretReaders::kOwner, &path);
  if (!text) return text.error().in("credentials");
  auto credentials = parse_credentials(*text, path);
  wipe(*text);
  return credentials;
}

std::string credentials_toml(const Credentials& credentials) {
  std::string out =
      "# Credentials of an agent: keep them secret. `masctl user rotate` or `masctl identity rotate` replaces lost "
      "ones.\n";
  auto line = [&out](std::string_view name, std::string_view text) {
    if (!text.empty()) out.append(name).append(" = \"").append(text).append("\"\n");
  };
  std::string key = base64url(credentials.key);
  line("agent_id", credentials.agent_id);
  line("token", credentials.token);
  line("key_id", credentials.key_id);
  line("key", key);
  line("redis_url", credentials.redis.url);
  line("redis_user", credentials.redis.user);
  line("redis_password", credentials.redis.password);
  line("redis_ca", credentials.redis.ca);
  line("namespace", credentials.redis.ns);
  wipe(key);
  return out;
}

}  // namespace mas
