// The script, and its reply.
#include "proto/redis/hash_reads.h"

#include <algorithm>

namespace mas::redis {

namespace {

// KEYS: hashes. ARGV: field, bound, field, bound, … Answers per hash: nil where the key is of another type; the values;
// or the sizes, as integers, where one is over its bound.
constexpr std::string_view kRead = R"(
local names, bounds = {}, {}
for i = 1, #ARGV, 2 do
  names[#names + 1] = ARGV[i]
  bounds[#bounds + 1] = tonumber(ARGV[i + 1])
end
local function read(key)
  local sizes, within = {}, true
  for i, name in ipairs(names) do
    local size = redis.pcall('HSTRLEN', key, name)
    if type(size) == 'table' then
      if string.find(size.err, 'WRONGTYPE', 1, true) then return false end
      error(size.err)
    end
    sizes[i] = size
    within = within and size <= bounds[i]
  end
  return within and redis.call('HMGET', key, unpack(names)) or sizes
end
local out = {}
for i, key in ipairs(KEYS) do out[i] = read(key) end
return out)";

}  // namespace

void add_hash_reads(Command& batch, std::span<const std::string> keys, std::span<const std::string_view> fields,
                    std::span<const size_t> bounds, size_t per_script) {
  std::vector<std::string> bound_texts;
  for (size_t bound : bounds) bound_texts.push_back(std::to_string(bound));
  while (!keys.empty()) {
    auto chunk = keys.first(std::min(keys.size(), per_script));
    keys = keys.subspan(chunk.size());
    const std::string count = std::to_string(chunk.size());
    std::vector<std::string_view> arguments = {"EVAL", kRead, count};
    arguments.insert(arguments.end(), chunk.begin(), chunk.end());
    for (size_t i = 0; i < fields.size(); ++i) {
      arguments.push_back(fields[i]);
      arguments.push_back(bound_texts[i]);
    }
    batch.add(std::span<const std::string_view>(arguments));
  }
}

HashSeen hash_seen(const Reply& reply) {
  HashSeen seen;
  if (!reply.is_array() || reply.count == 0) return seen;
  bool sizes = reply[0].is_integer();
  for (const Reply& value : reply) {
    if (sizes) {
      seen.sizes.push_back(value.integer);
    } else {
      seen.values.push_back(value.is_text() ? std::optional(value.text) : std::nullopt);
    }
  }
  return seen;
}

}  // namespace mas::redis
