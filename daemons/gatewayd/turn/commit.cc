// The commit script, its arguments and its reply.
#include "daemons/gatewayd/turn/commit.h"

#include <array>

namespace mas::gateway {
namespace {

// KEYS: epochs, changes, entries. ARGV: number of epochs, epochs; number of changes, then per change its command,
// number of arguments and these; number of entries, then per entry the number of its fields and values and these.
// A change cannot be undone, but it fails for its key's type only: a command that reads is tried on each key before
// anything is written. Out of memory, Redis refuses a script's first write and none after it.
constexpr std::string_view kScript = R"lua(
local refused = {}
local function refuse(key, reply)
  refused[#refused + 1] = key - 1
  refused[#refused + 1] = reply.err
end
local function full() return #refused >= 128 end
local a, k = 2, tonumber(ARGV[1])
for i = 1, k do
  local epoch = redis.pcall('GET', KEYS[i])
  if type(epoch) == 'table' then
    if not full() then refuse(i, epoch) end
  elseif epoch ~= ARGV[a] then
    return {'FENCED', i - 1}
  end
  a = a + 1
end
local reads = {HSET = 'HLEN', HDEL = 'HLEN', LTRIM = 'LLEN', ZADD = 'ZCARD', ZREM = 'ZCARD', XDEL = 'XLEN',
               XTRIM = 'XLEN'}
local changes = tonumber(ARGV[a])
a = a + 1
local first, seen = a, nil
for i = 1, changes do
  local key, read = KEYS[k + i], reads[ARGV[a]]
  if read and key ~= seen then
    local size = redis.pcall(read, key)
    if type(size) == 'table' and not full() then refuse(k + i, size) end
  end
  seen = key
  a = a + 2 + tonumber(ARGV[a + 1])
end
if #refused > 0 then return {'FAILED', unpack(refused)} end
local added = {}
local entries = tonumber(ARGV[a])
local e = k + changes
a = a + 1
for i = 1, entries do
  local fields = tonumber(ARGV[a])
  local id
  if fields == 2 then
    id = redis.pcall('XADD', KEYS[e + i], '*', ARGV[a + 1], ARGV[a + 2])
  else
    id = redis.pcall('XADD', KEYS[e + i], '*', unpack(ARGV, a + 1, a + fields))
  end
  if type(id) == 'table' then
    refuse(e + i, id)
    if full() then break end
  else
    added[i] = id
  end
  a = a + 1 + fields
end
if #refused > 0 then
  for i, id in pairs(added) do redis.call('XDEL', KEYS[e + i], id) end
  return {'FAILED', unpack(refused)}
end
a = first
for i = 1, changes do
  local count = tonumber(ARGV[a + 1])
  if ARGV[a] ~= 'PEXPIRE' or redis.call('PTTL', KEYS[k + i]) == -1 then
    redis.call(ARGV[a], KEYS[k + i], unpack(ARGV, a + 2, a + 1 + count))
  end
  a = a + 2 + count
end
return {'DONE'}
)lua";
static_assert(kMaxRefusals == 64, "the script has two values for each");

/// Decimal texts of the small numbers that arguments are counted by.
std::string_view small_number(uint64_t value) {
  static const auto kTexts = [] {
    std::array<std::string, 8192> texts;
    for (size_t i = 0; i < texts.size(); ++i) texts[i] = std::to_string(i);
    return texts;
  }();
  return kTexts[value];
}

}  // namespace

void Commit::Part::clear() {
  keys.clear();
  arguments.clear();
}

void Commit::clear() {
  epochs_.clear();
  added_.clear();
  changed_.clear();
  entries_ = changes_ = 0;
}

void Commit::number(Part& part, uint64_t value) { part.arguments.emplace_back(small_number(value)); }

void Commit::fence(std::string_view epoch_key, std::string_view epoch) {
  epochs_.keys.push_back(epoch_key);
  epochs_.arguments.emplace_back(epoch);
}

void Commit::entry(std::string_view key, std::initializer_list<redis::Argument> fields) {
  ++entries_;
  added_.keys.push_back(key);
  number(added_, fields.size());
  added_.arguments.insert(added_.arguments.end(), fields);
}

void Commit::change(std::string_view command, std::string_view key, const std::vector<std::string_view>& arguments) {
  ++changes_;
  changed_.keys.push_back(key);
  changed_.arguments.emplace_back(command);
  number(changed_, arguments.size());
  changed_.arguments.insert(changed_.arguments.end(), arguments.begin(), arguments.end());
}

std::string_view Commit::key(size_t number) const {
  for (const Part* part : {&epochs_, &changed_, &added_}) {
    if (number < part->keys.size()) return part->keys[number];
    number -= part->keys.size();
  }
  return {};
}

std::optional<size_t> Commit::entry_of(size_t number) const {
  size_t before = epochs_.keys.size() + changed_.keys.size();
  if (number < before || number - before >= added_.keys.size()) return std::nullopt;
  return number - before;
}

void Commit::append_to(redis::Rope& rope) const {
  std::string keys = std::to_string(epochs_.keys.size() + added_.keys.size() + changed_.keys.size());
  std::string epochs = std::to_string(epochs_.keys.size());
  std::string entries = std::to_string(entries_);
  std::string changes = std::to_string(changes_);
  std::vector<redis::Argument> words{"EVAL", kScript, keys};
  auto append = [&words](const auto& more) { words.insert(words.end(), more.begin(), more.end()); };
  for (const Part* part : {&epochs_, &changed_, &added_}) append(part->keys);
  words.emplace_back(epochs);
  append(epochs_.arguments);
  words.emplace_back(changes);
  append(changed_.arguments);
  words.emplace_back(entries);
  append(added_.arguments);
  rope.add(words);
}

Result<CommitResult> commit_result(const redis::Reply& reply) {
  if (reply.is_error()) return redis::error_of(reply);
  const Error other{Errc::kProtocol, "unexpected answer of the commit script"};
  CommitResult result;
  if (!reply.is_array() || reply.count == 0) return other;
  auto number = [&reply](size_t i) { return reply[i].is_integer() && reply[i].integer >= 0; };
  if (reply[0].text == "DONE" && reply.count == 1) return result;
  if (reply[0].text == "FENCED" && reply.count == 2 && number(1)) {
    result.kind = CommitResult::Kind::kFenced;
    result.epoch = static_cast<size_t>(reply[1].integer);
    return result;
  }
  if (reply[0].text != "FAILED" || reply.count < 3 || reply.count % 2 == 0) return other;
  result.kind = CommitResult::Kind::kFailed;
  for (size_t i = 1; i < reply.count; i += 2) {
    if (!number(i) || !reply[i + 1].is_text()) return other;
    result.refused.push_back({static_cast<size_t>(reply[i].integer), std::string(reply[i + 1].text)});
  }
  return result;
}

}  // namespace mas::gateway
