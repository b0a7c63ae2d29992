// Candidates from index or scan, then the entries themselves in bounded pipelines.
#include "sdk/masctl/redis/registry_reader.h"

#include <algorithm>
#include <span>

#include "sdk/masctl/redis/bounded_reads.h"

namespace mas::ctl {

namespace {

constexpr size_t kEntriesPerPipeline = 1000;

Result<std::vector<std::string>> texts_of(Result<Value> value) {
  if (!value.ok()) return value.error();
  std::vector<std::string> out;
  out.reserve(value->elements.size());
  for (auto& element : value->elements) out.push_back(std::move(element.text));
  return out;
}

/// Of a cluster, where each set is in a slot of its own. @return those of any set; the entries tell who has all.
Result<std::vector<std::string>> candidates_from_sets(SyncRedis& redis, const Keys& keys, const AgentQuery& query) {
  redis::Command command;
  for (const auto& capability : query.capabilities) command.add("SMEMBERS", keys.capability_index(capability));
  if (query.capabilities.empty()) command.add("SMEMBERS", keys.agents_index());
  auto sets = redis.ask(command);
  if (!sets.ok()) return sets.error();
  std::vector<std::string> ids;
  for (const Value& set : *sets) {
    if (set.is_error()) return set.error();
    for (auto id : set.texts()) ids.emplace_back(id);
  }
  return ids;
}

Result<std::vector<std::string>> candidates_from_index(SyncRedis& redis, const Keys& keys, const AgentQuery& query) {
  if (redis.on_cluster()) return candidates_from_sets(redis, keys, query);
  std::vector<std::string> args = {query.all_of ? "SINTER" : "SUNION"};
  for (const auto& capability : query.capabilities) args.push_back(keys.capability_index(capability));
  if (query.capabilities.empty()) args.push_back(keys.agents_index());
  return texts_of(redis.ask_one(redis::Command::of(args)));
}

Result<std::vector<std::string>> candidates_from_scan(SyncRedis& redis, const Keys& keys) {
  return names_matching(redis, keys.agent_scan_pattern(), {},
                        [&](std::string_view key) { return keys.agent_id_of_key(key); });
}

}  // namespace

bool matches(const AgentEntry& entry, const AgentQuery& query) {
  if (!entry.active && !query.inactive) return false;
  auto has = [&entry](const std::string& wanted) {
    return std::find(entry.capabilities.begin(), entry.capabilities.end(), wanted) != entry.capabilities.end();
  };
  if (query.capabilities.empty()) return true;
  return query.all_of ? std::all_of(query.capabilities.begin(), query.capabilities.end(), has)
                      : std::any_of(query.capabilities.begin(), query.capabilities.end(), has);
}

Result<AgentListing> list_agents(SyncRedis& redis, const Keys& keys, const AgentQuery& query) {
  auto index = redis.ask_one(redis::Command("EXISTS", keys.index_ready()));
  if (!index.ok()) return index.error();
  AgentListing listing;
  listing.from_index = index->integer == 1;
  auto ids = listing.from_index ? candidates_from_index(redis, keys, query) : candidates_from_scan(redis, keys);
  if (!ids.ok()) return ids.error();
  std::sort(ids->begin(), ids->end());
  ids->erase(std::unique(ids->begin(), ids->end()), ids->end());  // SCAN may name a key twice

  std::span<const std::string> rest(*ids);
  auto full = [&] { return query.limit > 0 && listing.agents.size() >= query.limit; };
  while (!rest.empty() && !full()) {
    auto chunk = rest.first(std::min(rest.size(), kEntriesPerPipeline));
    auto entries = read_agent_entries(redis, keys, chunk);
    if (!entries.ok()) return entries.error();
    for (auto& entry : *entries) {
      if (full()) break;
      if (!entry.ok()) {
        listing.malformed += entry.error().code != Errc::kNotFound;
      } else if (matches(*entry, query)) {
        listing.agents.push_back(std::move(*entry));
      }
    }
    rest = rest.subspan(chunk.size());
  }
  return listing;
}

}  // namespace mas::ctl
