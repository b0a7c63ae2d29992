// What a gateway remembers of the audit's chains, and what it misses when Redis went back in time.
#include "daemons/gatewayd/audit/chain_memory.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway::audit;

namespace {

constexpr WallMicros kNow = 1'795'350'097'286'038;

BlockHead block(uint64_t number, unsigned char fill = 1, uint32_t partition = 3) {
  BlockHead head{partition, number, {}};
  if (number > 0) head.hash.fill(fill);
  return head;
}

}  // namespace

TEST_CASE("a chain that goes on misses nothing, whoever writes it") {
  ChainMemory memory;
  CHECK_FALSE(ChainMemory::missing(memory.tips(), block(0), kNow));
  memory.saw(block(7));
  CHECK_FALSE(ChainMemory::missing(memory.tips(), block(7), kNow));
  CHECK_FALSE(ChainMemory::missing(memory.tips(), block(9, 2), kNow));
  memory.saw(block(5, 3));  // of an answer that comes late
  CHECK_FALSE(ChainMemory::missing(memory.tips(), block(7), kNow));
  CHECK_FALSE(ChainMemory::missing(memory.tips(), block(1, 1, 4), kNow));
}

TEST_CASE("a chain that is shorter than it was lacks the blocks behind its end") {
  ChainMemory memory;
  memory.saw(block(131));
  auto lost = ChainMemory::missing(memory.tips(), block(119, 9), kNow);
  REQUIRE(lost);
  CHECK(*lost == LostBlocks{3, 120, 131, block(131).hash, block(119, 9).hash, kNow});
  CHECK(lost_blocks_text(*lost) == "blocks 120 to 131 of partition 3");
  lost = ChainMemory::missing(memory.tips(), block(0), kNow);
  REQUIRE(lost);
  CHECK(lost->first == 1);
  lost = ChainMemory::missing(memory.tips(), block(131, 9), kNow);  // written anew up to the same number
  REQUIRE(lost);
  CHECK(lost->first == 131);
  CHECK(lost->last == 131);
}

TEST_CASE("what is missing is told once in the log, in the chain and in a head") {
  ChainMemory memory;
  memory.committed(block(131));
  const auto lost = *ChainMemory::missing(memory.tips(), block(119, 9), kNow);
  memory.report(lost, block(119, 9));
  CHECK_FALSE(ChainMemory::missing(memory.tips(), block(119, 9), kNow));
  memory.report(lost, block(119, 9));
  CHECK(memory.take_unreported() == std::vector{lost});
  CHECK(memory.take_unreported().empty());
  CHECK(memory.times_reported(3) == 1);
  CHECK(memory.reported_since(block(125), 0));
  CHECK_FALSE(memory.reported_since(block(132), 0));
  CHECK_FALSE(memory.reported_since(block(125), 1));  // seen since

  REQUIRE(memory.to_record(block(119, 9)));  // fenced once more before it was committed
  CHECK(*memory.to_record(block(119, 9)) == lost);
  memory.committed(block(120, 9));
  CHECK_FALSE(memory.to_record(block(120, 9)));

  CHECK(memory.to_sign() == std::vector{lost});
  memory.signed_in_head(memory.to_sign());
  CHECK_FALSE(memory.any_to_sign());
}

TEST_CASE("a chain that others went on with is not said to begin anew") {
  ChainMemory memory;
  memory.saw(block(131));
  memory.report(*ChainMemory::missing(memory.tips(), block(119, 9), kNow), block(119, 9));
  CHECK_FALSE(memory.to_record(block(122, 9)));
  CHECK_FALSE(memory.to_record(block(119, 9)));
}

TEST_CASE("heads that were signed before a restart put nothing back that was seen since") {
  ChainMemory memory;
  memory.committed(block(140, 2));
  ChainMemory::Tips tips;
  ChainMemory::follow({block(131), block(8, 1, 4)}, {}, tips);
  memory.recall(tips);
  CHECK(memory.tips().at(3) == block(140, 2));
  CHECK(memory.tips().at(4) == block(8, 1, 4));
}

TEST_CASE("a loss that a head names is not noticed again after a restart") {
  ChainMemory::Tips tips;
  ChainMemory::follow({block(131)}, {}, tips);
  ChainMemory::follow({}, {{3, 1, 131, block(131).hash, {}, kNow}}, tips);  // nothing of the chain is left
  ChainMemory memory;
  memory.recall(tips);
  CHECK_FALSE(ChainMemory::missing(memory.tips(), block(0), kNow));
  ChainMemory::follow({block(122, 9)}, {{3, 120, 131, block(131).hash, block(119, 9).hash, kNow}}, tips);
  CHECK(tips.at(3) == block(122, 9));  // written since, by the same head
}
