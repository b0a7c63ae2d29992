// A node's description of its cluster: the input is a reply of Redis. A map that is accepted keeps its bounds, every
// slot leads to one of its primaries, and every address to itself. What a node says instead of running a command is
// read as a redirection only with a slot and an address.
#include "proto/redis/cluster/slot_map.h"
#include "proto/redis/cluster/redirect.h"
#include "tests/fuzz/one_reply.h"

using namespace mas;
using namespace mas::fuzz;

namespace {

void check_address(const redis::Node& node) {
  require(node.port != 0 && !node.host.empty(), "an address has a host and a port");
  auto again = redis::parse_node(node.host + ":" + std::to_string(node.port), "");
  require(again && *again == node, "an address is read back");
}

void check(const Result<redis::SlotMap>& map) {
  if (!map) return require(!map.error().message.empty(), "an error has a sentence");
  require(map->primaries().size() <= redis::SlotMap::kMaxPrimaries, "primaries are bounded");
  require(map->peers().size() <= redis::SlotMap::kMaxPeers, "peers are bounded");
  for (const auto& node : map->primaries()) check_address(node);
  for (const auto& node : map->peers()) check_address(node);
  size_t covered = 0;
  for (unsigned slot = 0; slot < redis::kHashSlots; ++slot) covered += map->primary_of(slot) != nullptr ? 1 : 0;
  require(covered + map->uncovered() == redis::kHashSlots, "a slot has a primary or none");
  require(map->empty() == (covered == 0), "a primary has a slot");
  redis::SlotMap moved = *map;
  const redis::Node elsewhere{"elsewhere", 1};
  if (moved.move(7, elsewhere)) require(*moved.primary_of(7) == elsewhere, "a slot that moved is there");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const OneReply input(data, size);
  const redis::Reply* reply = input.get();
  if (reply == nullptr) return 0;
  check(redis::SlotMap::from_shards(*reply, {"asked", false}));
  check(redis::SlotMap::from_shards(*reply, {"asked", true}));
  check(redis::SlotMap::from_slots(*reply, {"asked", false}));
  auto redirect = redis::redirect_of(*reply, "asked");
  if (!redirect || redirect->onward == redis::Onward::kLater) return 0;
  require(redirect->slot < redis::kHashSlots, "a redirection names a slot");
  check_address(redirect->node);
  return 0;
}
