// Reads of what anybody may have written: sizes are looked at before contents, in one step, and what is too large
// counts as absent or is said to be too large. So one agent's value of 512 MiB does not stop the operator's tools.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/redis/bounded_answer.h"
#include "proto/wire/agent_entry.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

/// Bytes of a daemon's heartbeat: its snapshot for `top`.
inline constexpr size_t kSnapshotBytes = 1024 * 1024;
/// Bytes of a name in a set or a hash, or of a lease's owner.
inline constexpr size_t kNameBytes = 1024;
/// Members of mas.daemons, or instances of an agent, that are looked at.
inline constexpr size_t kMembers = 1000;

/// Of a command whose reply is an error where a text is longer than a name may be: a set of names, numbers in a hash.
inline constexpr redis::AnswerBounds kNames{.text = kNameBytes, .refuse = true};

/// Calls `take` with pages of keys that match; a key may come twice. A name over kNameBytes comes as its length.
/// On a cluster the walk goes over every primary, and begins again where slots moved meanwhile.
/// @param type as SCAN TYPE takes it; empty: any. @param take returns whether to go on.
/// @param again called before the walk begins again. @return kUnavailable while slots go on moving.
Status each_key_page(
    SyncRedis& redis, std::string_view pattern, std::string_view type,
    const std::function<bool(const std::vector<Value>& names)>& take, const std::function<void()>& again = [] {});
/// @return what `name` makes of each key that matches, sorted; without keys over kNameBytes.
Result<std::vector<std::string>> names_matching(SyncRedis& redis, std::string_view pattern, std::string_view type,
                                                const std::function<std::string_view(std::string_view key)>& name);

/// @return one per id: the entry, or as agent_entry_from_values and check_agent_entry_sizes say.
Result<std::vector<Result<AgentEntry>>> read_agent_entries(SyncRedis& redis, const Keys& keys,
                                                           std::span<const std::string> ids);

/// @return one per key: a text, or nil where there is none or it is over the bound.
Result<std::vector<Value>> read_texts(SyncRedis& redis, std::span<const std::string> keys, size_t bound);

/// @return members of a set, each at most kNameBytes, at most kMembers of them, sorted.
Result<std::vector<std::string>> read_members(SyncRedis& redis, const std::string& key);

/// @return fields of a hash and their values, at most kMembers of them; a value over kMetadataBytes is empty.
Result<std::vector<std::pair<std::string, std::string>>> read_pairs(SyncRedis& redis, const std::string& key);

}  // namespace mas::ctl
