// Scripts that look at sizes, and what they answer.
#include "sdk/masctl/redis/bounded_reads.h"

#include <algorithm>
#include <iterator>

#include "proto/redis/cluster/walk_check.h"
#include "proto/redis/hash_reads.h"

namespace mas::ctl {

namespace {

// KEYS: strings. ARGV: bound.
constexpr std::string_view kReadTexts = R"(
local out = {}
for i, key in ipairs(KEYS) do
  local size = redis.pcall('STRLEN', key)
  out[i] = type(size) == 'number' and size <= tonumber(ARGV[1]) and redis.call('GET', key)
end
return out)";

// KEYS: set. ARGV: members, bytes of one.
constexpr std::string_view kReadMembers = R"(
local out = {}
for _, member in ipairs(redis.call('SRANDMEMBER', KEYS[1], ARGV[1])) do
  if #member <= tonumber(ARGV[2]) then out[#out + 1] = member end
end
return out)";

// KEYS: hash. ARGV: fields, bytes of a name, bytes of a value.
constexpr std::string_view kReadPairs = R"(
local out = {}
if redis.call('HLEN', KEYS[1]) == 0 then return out end
for _, name in ipairs(redis.call('HRANDFIELD', KEYS[1], ARGV[1])) do
  if #name <= tonumber(ARGV[2]) then
    out[#out + 1] = name
    local small = redis.call('HSTRLEN', KEYS[1], name) <= tonumber(ARGV[3])
    out[#out + 1] = small and redis.call('HGET', KEYS[1], name) or ''
  end
end
return out)";

Result<AgentEntry> entry_of(const std::string& id, const Value& reply) {
  bool there = reply.is_array() && reply.elements.size() == std::size(kAgentEntryFields);
  if (!there) return Error{Errc::kNotFound, "not a hash"};
  std::vector<std::optional<std::string_view>> values;
  std::vector<int64_t> sizes;
  for (const auto& element : reply.elements) {
    values.push_back(element.is_text() ? std::optional<std::string_view>(element.text) : std::nullopt);
    sizes.push_back(element.integer);
  }
  if (Status within = check_agent_entry_sizes(sizes); !within.ok()) return within.error();
  return agent_entry_from_values(id, values);
}

using TakePage = std::function<bool(const std::vector<Value>& names)>;

/// @return whether to go on with the next node.
Result<bool> each_key_page_of(SyncRedis& redis, const redis::Node& node, std::string_view pattern,
                              std::string_view type, const TakePage& take) {
  std::string cursor = "0";
  do {
    std::vector<std::string_view> words = {"SCAN", cursor, "MATCH", pattern, "COUNT", "1000"};
    if (!type.empty()) {
      words.emplace_back("TYPE");
      words.push_back(type);
    }
    redis::Command command;
    redis::add_bounded(command, {.text = kNameBytes}, words);
    auto page = redis.ask_node(node, command);
    if (!page.ok()) return page.error();
    if (page->elements.size() != 2)
      return Error{Errc::kProtocol, "unexpected answer to SCAN; expected a cursor and keys"};
    cursor = page->elements[0].text;
    if (!take(page->elements[1].elements)) return false;
  } while (cursor != "0");
  return true;
}

/// @return whether all nodes were walked over: `take` has not said to stop.
Result<bool> walk_over(SyncRedis& redis, const std::vector<redis::Node>& nodes, std::string_view pattern,
                       std::string_view type, const TakePage& take) {
  for (const auto& node : nodes) {
    auto more = each_key_page_of(redis, node, pattern, type, take);
    if (!more.ok() || !*more) return more;
  }
  return true;
}

/// Asks each primary for its slots.
Result<redis::SlotOwners> slot_owners(SyncRedis& redis) {
  auto primaries = redis.primaries();
  if (!primaries.ok()) return primaries.error();
  if (const size_t slots = redis.uncovered_slots(); slots > 0)
    return Error{Errc::kUnreachable, std::to_string(slots) + " slots of the cluster have no primary"};
  redis::SlotOwners owners{std::move(*primaries), {}};
  for (const auto& node : owners.primaries) {
    auto nodes = redis.ask_node(node, redis::Command("CLUSTER", "NODES"));
    if (!nodes.ok()) return nodes.error().in("CLUSTER NODES");
    owners.slots.emplace_back(redis::own_slots(nodes->text));
  }
  return owners;
}

Status walk_cluster(SyncRedis& redis, std::string_view pattern, std::string_view type, const TakePage& take,
                    const std::function<void()>& again) {
  using Next = redis::WalkCheck::Next;
  for (redis::WalkCheck check;;) {
    auto owners = slot_owners(redis);
    if (!owners.ok()) return owners.error();
    const bool walked = check.walked();
    const Next next = check.next(*owners);
    if (next == Next::kDone) return {};
    if (next == Next::kGiveUp) return redis::WalkCheck::moving();
    if (walked) again();
    auto more = walk_over(redis, owners->primaries, pattern, type, take);
    if (!more.ok()) return more.error();
    if (!*more) return {};
  }
}

}  // namespace

Status each_key_page(SyncRedis& redis, std::string_view pattern, std::string_view type, const TakePage& take,
                     const std::function<void()>& again) {
  if (redis.on_cluster()) return walk_cluster(redis, pattern, type, take, again);
  auto nodes = redis.primaries();
  if (!nodes.ok()) return nodes.error();
  auto more = walk_over(redis, *nodes, pattern, type, take);
  return more.ok() ? Status() : Status(more.error());
}

Result<std::vector<std::string>> names_matching(SyncRedis& redis, std::string_view pattern, std::string_view type,
                                                const std::function<std::string_view(std::string_view key)>& name) {
  std::vector<std::string> names;
  auto status = each_key_page(redis, pattern, type, [&](const std::vector<Value>& keys) {
    for (const Value& key : keys)
      if (key.is_text()) names.emplace_back(name(key.text));
    return true;
  });
  if (!status.ok()) return status.error();
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());  // SCAN may name a key twice
  return names;
}

Result<std::vector<Result<AgentEntry>>> read_agent_entries(SyncRedis& redis, const Keys& keys,
                                                           std::span<const std::string> ids) {
  std::vector<std::string> entries;
  for (const auto& id : ids) entries.push_back(keys.agent(id));
  redis::Command command;
  const size_t together = redis.on_cluster() ? redis::kHashesPerScriptOnCluster : redis::kHashesPerScript;
  for (size_t at = 0; at < entries.size(); at += together) {
    const auto some = std::span(entries).subspan(at, std::min(together, entries.size() - at));
    redis::add_hash_reads(command, some, kAgentEntryFields, kAgentEntryBounds);
  }
  std::vector<Result<AgentEntry>> out;
  if (command.count() == 0) return out;
  auto replies = redis.ask(command);
  if (!replies.ok()) return replies.error();
  for (size_t i = 0; i < ids.size(); ++i) {
    const Value& script = (*replies)[i / together];
    if (script.is_error()) return Error{Errc::kRefused, script.text};
    size_t place = i % together;
    out.push_back(place < script.elements.size() ? entry_of(ids[i], script.elements[place])
                                                 : Result<AgentEntry>(Error{Errc::kNotFound, "not a hash"}));
  }
  return out;
}

Result<std::vector<Value>> read_texts(SyncRedis& redis, std::span<const std::string> keys, size_t bound) {
  redis::Command command;
  const size_t together = redis.on_cluster() ? 1 : std::max<size_t>(keys.size(), 1);  // a script reads one slot's keys
  for (size_t at = 0; at < keys.size(); at += together) {
    std::vector<std::string_view> words = {"EVAL", kReadTexts};
    const std::string count = std::to_string(together), most = std::to_string(bound);
    words.emplace_back(count);
    for (const auto& key : keys.subspan(at, together)) words.emplace_back(key);
    words.emplace_back(most);
    command.add(words);
  }
  std::vector<Value> texts;
  if (keys.empty()) return texts;
  auto replies = redis.ask(command);
  if (!replies.ok()) return replies.error();
  for (Value& reply : *replies) {
    if (reply.is_error()) return reply.error();
    reply.elements.resize(together, Value(redis::Reply{}));
    std::move(reply.elements.begin(), reply.elements.end(), std::back_inserter(texts));
  }
  return texts;
}

Result<std::vector<std::string>> read_members(SyncRedis& redis, const std::string& key) {
  auto reply = redis.ask_one(redis::Command("EVAL", kReadMembers, 1, key, kMembers, kNameBytes));
  if (!reply.ok()) return reply.error();
  std::vector<std::string> members;
  for (auto& element : reply->elements) members.push_back(std::move(element.text));
  std::sort(members.begin(), members.end());
  return members;
}

Result<std::vector<std::pair<std::string, std::string>>> read_pairs(SyncRedis& redis, const std::string& key) {
  auto reply = redis.ask_one(redis::Command("EVAL", kReadPairs, 1, key, kMembers, kNameBytes, limits::kMetadataBytes));
  if (!reply.ok()) return reply.error();
  std::vector<std::pair<std::string, std::string>> pairs;
  for (size_t i = 0; i + 1 < reply->elements.size(); i += 2)
    pairs.emplace_back(std::move(reply->elements[i].text), std::move(reply->elements[i + 1].text));
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

}  // namespace mas::ctl
