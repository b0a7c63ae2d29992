// Chains for tests: blocks that fit each other, and what can be done to them.
#pragma once

#include <string>
#include <vector>

#include "daemons/gatewayd/audit/block.h"

namespace mas::gateway::audit::testing {

inline constexpr WallMicros kNow = 1'795'350'097'286'038;

struct Link {
  std::string bytes;
  Digest hash{};
};

/// One block with two records. @param sender what tells one version of a block from another.
inline Link make_block(uint64_t number, const Digest& previous, std::string_view sender = "planner-1",
                       uint64_t epoch = 4, uint32_t partition = 3, std::string_view ns = {}) {
  BlockBuilder builder;
  builder.begin(partition, epoch, number, previous, kNow + static_cast<WallMicros>(number) * 1000, {}, ns);
  AuditRecord record;
  record.time = kNow + static_cast<WallMicros>(number) * 1000;
  record.message_id = "01a20334-6d86-7abc-8def-0123456789ab";
  record.sender = sender;
  record.target = "worker-7";
  record.type = "sum.request";
  record.sequence = 2 * number - 1;
  builder.add(record);
  record.sequence = 2 * number;
  builder.add(record);
  auto finished = builder.finish();
  return {std::string(finished.bytes), finished.hash};
}

/// Blocks `first` … `last`. @param previous what the first is chained to.
inline std::vector<Link> make_chain(uint64_t first, uint64_t last, Digest previous = kGenesisPrevious,
                                    std::string_view sender = "planner-1") {
  std::vector<Link> chain;
  for (uint64_t number = first; number <= last; ++number) {
    chain.push_back(make_block(number, previous, sender));
    previous = chain.back().hash;
  }
  return chain;
}

inline std::string changed(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace mas::gateway::audit::testing
