// What a script that reads hashes answers: the input is a reply of Redis. Each of its elements is a hash's values or
// sizes, never both, and what they say of an agent's entry is within the bounds.
#include "proto/redis/hash_reads.h"

#include "proto/wire/agent_entry.h"
#include "tests/fuzz/one_reply.h"

using namespace mas;
using namespace mas::fuzz;

namespace {

void look_at(const redis::Reply& hash) {
  redis::HashSeen seen = redis::hash_seen(hash);
  require(seen.values.empty() || seen.sizes.empty(), "values and sizes are not mixed");
  require(seen.values.size() + seen.sizes.size() == (hash.is_array() ? hash.count : 0), "one for each field");
  Status sizes = check_agent_entry_sizes(seen.sizes);
  if (seen.values.empty()) return;
  require(sizes.ok(), "where there are values no size is told");
  auto entry = agent_entry_from_values(seen.values[0].value_or(""), seen.values);
  if (!entry) return require(!entry.error().message.empty(), "an error has a sentence");
  require(seen.values.size() == std::size(kAgentEntryFields), "an entry has all of its fields");
  require(entry->id == *seen.values[0], "an entry has the id that stands there");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const OneReply input(data, size);
  const redis::Reply* reply = input.get();
  if (reply == nullptr) return 0;
  for (const auto& hash : *reply) look_at(hash);
  return 0;
}
