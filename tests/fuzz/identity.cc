// Identities. The input's lines are the agent's id, then names and values in turn.
#include "proto/wire/identity.h"

#include "proto/wire/limits.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto text = text_of(data, size);
  auto id = take_line(text);
  std::vector<std::string_view> lines;
  while (!text.empty()) lines.push_back(take_line(text));
  auto identity = identity_from_fields(id, lines);
  if (!identity) return 0;
  require(identity->id == id, "an identity has the id of its key");
  require(identity->keys.size() <= limits::kIdentityKeys, "keys have a limit");
  for (const auto& key : identity->keys) {
    require(check_key_id(key.id).ok(), "key ids are legal");
    require(key.created_at >= 0 && key.not_after >= 0, "times are not negative");
  }
  require(!identity->token_hash_old || identity->token_old_until > 0, "an old token ends");
  auto fields = identity_fields(*identity);
  std::vector<std::string_view> flat;
  for (const auto& [name, value] : fields) flat.insert(flat.end(), {name, value});
  auto again = identity_from_fields(id, flat);
  require(again.ok(), "what was written is read");
  require(identity_fields(*again) == fields, "an identity survives being written");
  require(again->state == identity->state && again->expires_at == identity->expires_at &&
              again->keys.size() == identity->keys.size() && again->token_hash == identity->token_hash &&
              again->claims == identity->claims && again->version == identity->version,
          "an identity survives being written");
  return 0;
}
