// Scripts that look at sizes first.
#include "daemons/gatewayd/facts/bounded_read.h"

#include <string>
#include <vector>

#include "proto/wire/limits.h"

namespace mas::gateway {
namespace {

// ARGV: the bound, fields.
constexpr std::string_view kFields = R"lua(
for i = 2, #ARGV do
  local size = redis.pcall('HSTRLEN', KEYS[1], ARGV[i])
  if type(size) == 'table' then return size end
  if size > tonumber(ARGV[1]) then
    return redis.error_reply('TOOLARGE field ' .. ARGV[i] .. ' has ' .. size .. ' bytes; expected at most ' .. ARGV[1])
  end
end
return redis.pcall('HMGET', KEYS[1], unpack(ARGV, 2))
)lua";

// MEMORY USAGE looks at every element, so they are counted first. ARGV: the bounds of bytes and elements, the command
// that reads, the one that counts.
constexpr std::string_view kWhole = R"lua(
local count = redis.pcall(ARGV[4], KEYS[1])
if type(count) == 'table' then return count end
if count > tonumber(ARGV[2]) then
  return redis.error_reply('TOOLARGE the key has ' .. count .. ' elements; expected at most ' .. ARGV[2])
end
local size = redis.pcall('MEMORY', 'USAGE', KEYS[1], 'SAMPLES', '0')
if type(size) == 'number' and size > tonumber(ARGV[1]) then
  return redis.error_reply('TOOLARGE the key takes ' .. size .. ' bytes; expected at most ' .. ARGV[1])
end
return redis.pcall(ARGV[3], KEYS[1])
)lua";

}  // namespace

void append_bounded_fields(redis::Command& command, std::string_view key, size_t most,
                           std::initializer_list<std::string_view> fields) {
  const std::string bound = std::to_string(most);
  std::vector<std::string_view> words{"EVAL", kFields, "1", key, bound};
  words.insert(words.end(), fields);
  command.add(words);
}

void append_bounded_hash(redis::Command& command, std::string_view key, size_t most) {
  command.add("EVAL", kWhole, 1, key, most, limits::kAclEntries, "HGETALL", "HLEN");
}

void append_bounded_set(redis::Command& command, std::string_view key, size_t most) {
  command.add("EVAL", kWhole, 1, key, most, limits::kAclEntries, "SMEMBERS", "SCARD");
}

}  // namespace mas::gateway
