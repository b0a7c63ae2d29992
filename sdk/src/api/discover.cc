// The C functions of discovery, and the list that it returns.
#include <utility>
#include <vector>

#include "proto/wire/limits.h"
#include "sdk/src/agent/agent.h"
#include "sdk/src/core/error.h"

using mas::sdk::DiscoverQuery;
using mas::sdk::fail;
using mas::sdk::guarded;
using mas::sdk::is_missing;
using mas::sdk::report;

struct mas_agent_list {
  std::vector<mas::AgentEntry> agents;
};

namespace {

/// @return null past the end.
const mas::AgentEntry* entry(const mas_agent_list* list, size_t i) {
  if (is_missing(list, "list")) return nullptr;
  return i < list->agents.size() ? &list->agents[i] : nullptr;
}

}  // namespace

extern "C" {

mas_status mas_agent_discover(mas_agent* agent, const char* const* capabilities, size_t count, unsigned flags,
                              size_t limit, int timeout_ms, mas_agent_list** ret_list) {
  return guarded({{agent, "agent"}, {ret_list, "ret_list"}}, [&] {
    if ((flags & ~static_cast<unsigned>(MAS_DISCOVER_ALL | MAS_DISCOVER_INACTIVE)) != 0)
      return fail(MAS_INVALID_ARGUMENT, "unknown flags; expected MAS_DISCOVER_…");
    if (count > 0 && is_missing(capabilities, "capabilities")) return MAS_INVALID_ARGUMENT;
    if (count > mas::limits::kCapabilities)
      return fail(MAS_TOO_LARGE,
                  "too many capabilities; expected at most " + std::to_string(mas::limits::kCapabilities));
    DiscoverQuery query;
    for (size_t i = 0; i < count; ++i) {
      if (capabilities[i] == nullptr) return fail(MAS_INVALID_ARGUMENT, "a capability is NULL");
      if (auto status = mas::check_capability(capabilities[i]); !status) return report(status);
      query.capabilities.emplace_back(capabilities[i]);
    }
    query.all = (flags & MAS_DISCOVER_ALL) != 0;
    query.inactive = (flags & MAS_DISCOVER_INACTIVE) != 0;
    query.limit = limit;
    auto found = agent->discover(std::move(query), timeout_ms);
    if (found) *ret_list = new mas_agent_list{std::move(*found)};
    return report(found);
  });
}

size_t mas_agent_list_size(const mas_agent_list* list) { return is_missing(list, "list") ? 0 : list->agents.size(); }

const char* mas_agent_list_id(const mas_agent_list* list, size_t i) {
  const auto* agent = entry(list, i);
  return agent == nullptr ? nullptr : agent->id.c_str();
}

const char* mas_agent_list_metadata(const mas_agent_list* list, size_t i) {
  const auto* agent = entry(list, i);
  return agent == nullptr ? nullptr : agent->metadata.c_str();
}

bool mas_agent_list_active(const mas_agent_list* list, size_t i) {
  const auto* agent = entry(list, i);
  return agent != nullptr && agent->active;
}

double mas_agent_list_registered_at(const mas_agent_list* list, size_t i) {
  const auto* agent = entry(list, i);
  return agent == nullptr ? 0 : agent->registered_at;
}

size_t mas_agent_list_capability_count(const mas_agent_list* list, size_t i) {
  const auto* agent = entry(list, i);
  return agent == nullptr ? 0 : agent->capabilities.size();
}

const char* mas_agent_list_capability(const mas_agent_list* list, size_t i, size_t j) {
  const auto* agent = entry(list, i);
  return agent == nullptr || j >= agent->capabilities.size() ? nullptr : agent->capabilities[j].c_str();
}

void mas_agent_list_free(mas_agent_list* list) { delete list; }

}  // extern "C"
