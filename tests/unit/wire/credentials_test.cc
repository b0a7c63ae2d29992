// Credentials files: read, written, and errors that help without telling.
#include "proto/wire/credentials.h"

#include <unistd.h>

#include <cstdio>

#include "proto/base/base64.h"
#include "proto/base/random.h"
#include "proto/wire/limits.h"
#include "tests/unit/catch.h"
#include "tests/unit/temp_dir.h"

using namespace mas;
using mas::test::TempDir;

namespace {

const std::string kKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

std::string error_of(const std::string& text) {
  auto credentials = parse_credentials(text, "f");
  return credentials.ok() ? "" : credentials.error().message;
}

bool says(const std::string& message, const std::string& part) {
  INFO(message);
  return message.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("credentials are read back as they were written") {
  Credentials credentials;
  credentials.agent_id = "alice";
  credentials.token = random_token(32);
  credentials.key_id = "k1";
  credentials.key = *from_base64url(kKey);
  auto read = parse_credentials(credentials_toml(credentials), "f");
  REQUIRE(read.ok());
  CHECK(read->agent_id == "alice");
  CHECK(read->token == credentials.token);
  CHECK(read->key_id == "k1");
  CHECK(read->key == credentials.key);
  CHECK(read->has_key());

  auto token_only = parse_credentials("agent_id = 'alice'\ntoken = 'any text'\n", "f");
  REQUIRE(token_only.ok());
  CHECK(token_only->token == "any text");
  CHECK_FALSE(token_only->has_key());
  auto key_only = parse_credentials(
      "\n  # Gr\xc3\xbc\xc3\x9f"
      "e [x] {y}\nkey = \"" +
          kKey + "\"\nkey_id='k1' # why\nagent_id='a'",
      "f");
  REQUIRE(key_only.ok());
  CHECK(key_only->token.empty());
  CHECK(parse_credentials("agent_id = 'a'\ntoken = 'has = and # and [ in it'\n", "f").ok());
}

TEST_CASE("what leads to Redis is read back as it was written") {
  Credentials credentials;
  credentials.agent_id = "alice";
  credentials.redis = {
      "rediss+sentinel://h:1,h:2/main", "team/agent.alice", random_token(32), "/etc/mas/ca.pem", "team", ""};
  auto read = parse_credentials(credentials_toml(credentials), "f");
  REQUIRE(read.ok());
  CHECK(read->redis.url == credentials.redis.url);
  CHECK(read->redis.user == "team/agent.alice");
  CHECK(read->redis.password == credentials.redis.password);
  CHECK(read->redis.ca == "/etc/mas/ca.pem");
  CHECK(read->redis.ns == "team");
  CHECK(read->redis.url_place == "f:3: redis_url");
  CHECK(read->token.empty());
  CHECK(parse_credentials("agent_id = 'a'\ntoken = 't'\n", "f")->redis.empty());
}

TEST_CASE("what leads to Redis is wrong by file, line and field") {
  const std::string user = "agent_id = 'a'\nredis_user = 'u'\n";
  CHECK(says(error_of(user), "f: redis_password is missing"));
  CHECK(says(error_of("agent_id = 'a'\nredis_password = 'p'\n"), "f: redis_user is missing"));
  CHECK(says(error_of(user + "redis_password = 'a b'\n"), "f:3: redis_password: expected a password"));
  CHECK(says(error_of("agent_id = 'a'\nredis_user = 'u v'\nredis_password = 'p'\n"), "f:2: redis_user: expected"));
  CHECK(says(error_of(user + "redis_password = 'p'\nredis_url = ''\n"), "f:4: redis_url: expected"));
  CHECK(says(error_of(user + "redis_password = 'p'\nnamespace = 'a/b'\n"), "f:4: namespace: expected a namespace"));
}

TEST_CASE("the file must be closed to others") {
  TempDir dir;
  std::string text = "agent_id = 'alice'\ntoken = 't0ken'\n";
  CHECK(read_credentials(dir.file("a", text, 0600)).ok());
  CHECK(read_credentials(dir.file("b", text, 0400)).ok());
  for (mode_t mode : {0440, 0640, 0604, 0644, 0660, 0620}) {
    auto refused = read_credentials(dir.file("c" + std::to_string(mode), text, mode));
    REQUIRE_FALSE(refused.ok());
    char bits[8];
    std::snprintf(bits, sizeof bits, "%04o", static_cast<unsigned>(mode));
    CHECK(says(refused.error().message, "has mode " + std::string(bits) + " and is accessible to others; expected"));
  }
  if (geteuid() == 0) {  // who else could give a file away?
    const std::string anothers = dir.file("d", text, 0600);
    REQUIRE(chown(anothers.c_str(), 12345, 0) == 0);
    CHECK(says(read_credentials(anothers).error().message, "belongs to user 12345; expected root or"));
  }
  CHECK(read_credentials(dir.name + "/none").error().code == Errc::kNotFound);
  CHECK(says(read_credentials(dir.name + "/.").error().message, "not a file"));
  CHECK(says(read_credentials(dir.file("large", std::string(5000, '#'))).error().message, "4096"));
  // As systemd gives it to the service's user: readable by an ACL, whose mask shows as the group's permission.
  dir.file("agent", text, 0440);
  setenv("CREDENTIALS_DIRECTORY", dir.name.c_str(), 1);
  CHECK(read_credentials("agent").ok());
  CHECK(read_credentials(dir.name + "/agent").ok());
  unsetenv("CREDENTIALS_DIRECTORY");
  CHECK_FALSE(read_credentials("agent").ok());
}

TEST_CASE("errors say file, line and field") {
  CHECK(says(error_of("agent_id = 'alice'\ntoken = 5\n"), "f:2: expected only lines of FIELD = \"TEXT\""));
  CHECK(says(error_of("agent_id = 'not an id'\ntoken = 't'\n"), "f:1: agent_id: expected an agent id"));
  CHECK(says(error_of("agent_id = 'a'\nkey_id = 'a b'\nkey = '" + kKey + "'\n"), "f:2: "));
  CHECK(says(error_of("agent_id = 'a'\nkey_id = 'k'\nkey = 'short'\n"), "f:3: key: expected 43 characters"));
  CHECK(says(error_of("agent_id = 'a'\n\ntoken = ''\n"), "f:3: token: "));
  for (const char* token : {"\\u3333", "\\n", "\\\"", "\\\\", "'"})
    CHECK(says(error_of("agent_id = 'a'\ntoken = \"x" + std::string(token) + "\"\n"), "f:2: token: "));
  CHECK(says(error_of("agent_id = 'a'\ntoken = 't'\nother = '1'\n"), "f:3: unknown field"));
  CHECK(says(error_of("token = 't'\n"), "agent_id is missing"));
  CHECK(says(error_of("agent_id = 'a'\n"), "expected a token, or key_id and key"));
  CHECK(says(error_of("agent_id = 'a'\ntoken = 't'\nkey_id = 'k'\n"), "key is missing"));
  CHECK(says(error_of("agent_id = 'a'\ntoken = 't'\nkey = '" + kKey + "'\n"), "key_id is missing"));
  CHECK(says(error_of("agent_id = 'a'\nagent_id = 'b'\n"), "f:2: not TOML"));
  CHECK(says(error_of("agent_id = \n"), "f:1: not TOML"));
  CHECK(says(error_of(""), "agent_id is missing"));
}

TEST_CASE("no error tells a secret, wherever it stands") {
  const std::string secret = "s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t-00";
  for (const std::string& text :
       {"agent_id = 'a'\ntoken = " + secret + "\n", "agent_id = 'a'\ntoken = '" + secret + "\n",
        "agent_id = 'a'\nkey_id = 'k'\nkey = '" + secret + "'\n", secret + "\n", "agent_id = 'a'\n" + secret + " = 1\n",
        "agent_id = '" + secret + " '\n", "agent_id = 'a'\ntoken = ['" + secret + "']\n",
        "agent_id = 'a'\ntoken = '" + secret + "' '" + secret + "'\n", "[" + secret + "]\n",
        "agent_id = 'a'\nkey_id = '" + secret + " '\n"}) {
    std::string message = error_of(text);
    INFO(text << " -> " << message);
    CHECK_FALSE(message.empty());
    CHECK(message.find("s3cr3t") == std::string::npos);
  }
}

TEST_CASE("a byte order mark before the first line is passed over") {
  auto read = parse_credentials(
      "\xef\xbb\xbf"
      "agent_id = 'a'\ntoken = 't'\n",
      "f");
  REQUIRE(read.ok());
  CHECK(read->agent_id == "a");
}

TEST_CASE("only flat lines are read, so that no file is deep") {
  for (const std::string& text :
       {std::string("a.b = 1\n"), std::string("[a]\n"), std::string("[[a]]\n"), std::string("a = [1]\n"),
        std::string("a = {b=1}\n"), std::string("\"a\" = 1\n"), std::string("'#'.b.c = 1\n"),
        std::string("a = 3958-05-id 7 a\n"), std::string("a = 2\xef\xbf\xbd\n"),
        std::string("a = '''\n#'''\xef\xbf\xbd\n"), std::string("a = \"\"\"x\n"), std::string("\"=\".b = 1\n"),
        "a = " + std::string(4000, '['), std::string(4000, '.')})
    CHECK(says(error_of(text), "f:1: expected only lines of FIELD"));
}
