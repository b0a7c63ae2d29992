// Which sentinel is believed, and in which order they are asked.
#include "proto/redis/sentinel/ballot.h"

#include "proto/redis/sentinel/roster.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;

namespace {

const Node kA{"a", 1}, kB{"b", 1}, kC{"c", 1};
const Node kSentinels[] = {{"s1", 1}, {"s2", 1}, {"s3", 1}};

Statement says(const Node& primary, uint64_t epoch, std::string id = {}) {
  return {.primary = primary, .epoch = epoch, .id = std::move(id), .others = 2, .sentinels = {}};
}

Record served(const Node& server, uint64_t epoch) { return {.served = Naming{server, epoch}, .refuted = {}}; }

}  // namespace

TEST_CASE("before a primary has served, the first sentinel is believed") {
  Ballot ballot({});
  CHECK(ballot.accepts(says(kA, 3), kSentinels[0]));
}

TEST_CASE("who names the primary that served last, or another one with a higher epoch, is believed") {
  Ballot ballot(served(kA, 3));
  CHECK(ballot.accepts(says(kA, 3), kSentinels[0]));
  CHECK(ballot.accepts(says(kA, 2), kSentinels[0]));
  CHECK(ballot.accepts(says(kB, 4), kSentinels[0]));
}

TEST_CASE("who names another one without a higher epoch is believed with the majority only") {
  for (uint64_t epoch : {0u, 3u}) {
    Ballot ballot(served(kA, 3));
    CHECK_FALSE(ballot.accepts(says(kB, epoch, "1"), kSentinels[0]));
    CHECK_FALSE(ballot.accepts(says(kB, epoch, "1"), kSentinels[1]));  // the same sentinel by another address
    CHECK_FALSE(ballot.accepts(says(kC, epoch, "2"), kSentinels[1]));
    CHECK(ballot.accepts(says(kB, epoch, "3"), kSentinels[2]));
  }
}

TEST_CASE("sentinels without ids are told apart by their addresses") {
  Ballot ballot(served(kA, 3));
  CHECK_FALSE(ballot.accepts(says(kB, 3), kSentinels[0]));
  CHECK_FALSE(ballot.accepts(says(kB, 3), kSentinels[0]));
  CHECK(ballot.accepts(says(kB, 3), kSentinels[1]));
}

TEST_CASE("the primary that served last is tried where nobody contradicts") {
  CHECK(Ballot(served(kA, 3)).last_resort() == Naming{kA, 3});
  CHECK_FALSE(Ballot({}).last_resort().has_value());

  Ballot older(served(kA, 3));
  CHECK_FALSE(older.accepts(says(kB, 2), kSentinels[0]));
  CHECK(older.last_resort() == Naming{kA, 3});

  Ballot rival(served(kA, 3));
  CHECK_FALSE(rival.accepts(says(kB, 3), kSentinels[0]));
  CHECK_FALSE(rival.last_resort().has_value());

  Ballot blank(served(kA, 3));
  blank.count_blank();
  CHECK_FALSE(blank.last_resort().has_value());
}

TEST_CASE("a server that proved to be a replica is not believed in until a fail-over, and tried last") {
  Record record = served(kB, 3);
  record.refuted = Naming{kA, 3};
  Ballot ballot(record);
  CHECK_FALSE(ballot.accepts(says(kA, 3), kSentinels[0]));
  CHECK_FALSE(ballot.accepts(says(kA, 3), kSentinels[1]));
  CHECK(ballot.last_resort() == Naming{kB, 3});
  CHECK(ballot.accepts(says(kA, 4), kSentinels[0]));

  record.failed = true;
  Ballot without_b(record);
  CHECK_FALSE(without_b.accepts(says(kA, 3), kSentinels[0]));
  CHECK(without_b.last_resort() == Naming{kA, 3});
}

TEST_CASE("the sentinel that was right is asked first, the one that was wrong last") {
  Roster roster({kSentinels[0], kSentinels[1]});
  CHECK(roster.in_order() == std::vector<Node>{kSentinels[0], kSentinels[1]});
  roster.believe(kSentinels[1], {kSentinels[2]});
  CHECK(roster.in_order() == std::vector<Node>{kSentinels[1], kSentinels[0], kSentinels[2]});
  roster.doubt(kSentinels[1]);
  CHECK(roster.in_order() == std::vector<Node>{kSentinels[0], kSentinels[2], kSentinels[1]});
  roster.doubt({"unknown", 1});
  CHECK(roster.in_order().size() == 3);
}

TEST_CASE("learned sentinels are forgotten when nobody lists them, configured ones never") {
  Roster roster({kSentinels[0]});
  roster.believe(kSentinels[0], {kSentinels[1], kSentinels[2], kSentinels[0]});
  CHECK(roster.in_order().size() == 3);
  roster.believe(kSentinels[2], {kSentinels[0]});
  CHECK(roster.in_order() == std::vector<Node>{kSentinels[2], kSentinels[0]});
  roster.believe(kSentinels[0], {});
  CHECK(roster.in_order() == std::vector<Node>{kSentinels[0]});
}
