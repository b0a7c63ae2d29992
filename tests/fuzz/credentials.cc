// Credentials files: what is read survives being written, and no error tells what stood in a line.
#include "proto/wire/credentials.h"

#include "proto/base/ids.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto credentials = parse_credentials(text_of(data, size), "f");
  if (!credentials) {
    // Errors are made of fixed sentences: they are short, and of printable characters whatever the file holds.
    const std::string& message = credentials.error().message;
    require(message.starts_with("credentials: f") && message.size() < 200, "an error names the file and is short");
    require(!has_control_character(message), "an error is one line");
    return 0;
  }
  require(check_agent_id(credentials->agent_id).ok(), "the agent's id is one");
  require(credentials->has_key() != credentials->key_id.empty(), "a key has an id");
  const RedisCredentials& redis = credentials->redis;
  require(redis.user.empty() == redis.password.empty(), "a user of Redis has a password");
  require(credentials->has_key() || !credentials->token.empty() || !redis.user.empty(),
          "there is something to prove oneself with");
  auto again = parse_credentials(credentials_toml(*credentials), "f");
  require(again.ok(), "what was written is read");
  require(again->agent_id == credentials->agent_id && again->token == credentials->token &&
              again->key_id == credentials->key_id && again->key == credentials->key,
          "credentials survive being written");
  require(again->redis.url == redis.url && again->redis.user == redis.user && again->redis.password == redis.password &&
              again->redis.ca == redis.ca && again->redis.ns == redis.ns,
          "the way to Redis survives being written");
  return 0;
}
