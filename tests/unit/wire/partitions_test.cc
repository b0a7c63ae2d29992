// mas.config, and whether an agent takes part, as texts from Redis.
#include "proto/wire/partitions.h"

#include <vector>

#include "proto/wire/presence.h"
#include "tests/unit/catch.h"

using namespace mas;

TEST_CASE("a number of partitions is from 1 to 1024") {
  CHECK(parse_partitions("1") == 1u);
  CHECK(parse_partitions("1024") == 1024u);
  for (const char* bad : {"", "0", "1025", "-1", "16 ", "16x", "99999999999999999999"})
    CHECK_FALSE(parse_partitions(bad));
}

TEST_CASE("who reads mas.config says what is wrong in it") {
  CHECK(*agreed_partitions("16", "1", "this gateway") == 16);
  auto protocol = agreed_partitions("16", "2", "this gateway");
  REQUIRE_FALSE(protocol.ok());
  CHECK(protocol.error().code == Errc::kProtocol);
  CHECK(protocol.error().message ==
        "mas.config has protocol '2', this gateway speaks 1; install a version here that speaks 2");
  CHECK_FALSE(agreed_partitions("16", "", "this gateway").ok());
  auto count = agreed_partitions("2000", "1", "this library");
  REQUIRE_FALSE(count.ok());
  CHECK(count.error().message == "mas.config has partitions '2000'; expected 1 to 1024");
}

TEST_CASE("a number that is being changed is neither none nor a default") {
  auto agreed = PartitionsField::parse("16");
  CHECK((agreed->agreed == 16 && agreed->most() == 16 && agreed->settled().ok()));
  auto missing = PartitionsField::parse("");
  CHECK((missing->agreed == 0 && missing->most() == 0 && missing->settled().ok()));
  auto changing = PartitionsField::parse("changing:5:48");
  REQUIRE(changing.ok());
  CHECK((changing->agreed == 0 && changing->most() == 48 && changing->changing->to == 5));
  CHECK(changing->settled().error().message ==
        "the number of partitions is being changed (mas.config has 'changing:5:48'); where nobody does so any more, "
        "run masctl partitions set 5 to finish it");
  CHECK(agreed_partitions("changing:5:48", "1", "this gateway").error().message == changing->settled().error().message);
  CHECK(agreed_partitions("", "1", "this gateway").error().message ==
        "mas.config has no number of partitions; expected 1 to 1024");
  CHECK(PartitionsMark{5, 48}.text() == "changing:5:48");
  for (const char* bad : {"changing:", "changing:5", "changing:48:5", "changing:0:5", "changing:5:1025",
                          "changing:5:48:", "changing:5:48 ", "Changing:5:48", "x", "0"})
    CHECK_FALSE(PartitionsField::parse(bad).ok());
}

TEST_CASE("a program works by its own protocol and by the one before it") {
  CHECK(check_protocol("3", "this gateway", 3).ok());
  CHECK(check_protocol("2", "this gateway", 3).ok());
  CHECK(check_protocol("1", "this gateway", 3).error().message ==
        "mas.config has protocol '1', this gateway speaks 3 and 2; upgrade everything to a version that speaks 2 "
        "first, then run masctl protocol set 2");
  CHECK(check_protocol("4", "this gateway", 3).error().message ==
        "mas.config has protocol '4', this gateway speaks 3 and 2; install a version here that speaks 4");
  CHECK_FALSE(check_protocol("0", "this gateway", 1).ok());
  CHECK(check_protocol("x", "this gateway", 1).error().message ==
        "mas.config has protocol 'x', this gateway speaks 1; expected a number from 1");
}

TEST_CASE("an entry says whether its agent takes part in gateway mode") {
  using Values = std::vector<std::optional<std::string_view>>;
  auto whole = presence_from_values("alice", Values{"alice", "gateway", "ACTIVE", "secret"});
  CHECK((whole.registered && whole.gateway_mode && whole.active));
  CHECK(whole.token == "secret");
  auto bare = presence_from_values("alice", Values{"alice", {}, {}, {}});
  CHECK(bare.registered);
  CHECK_FALSE((bare.gateway_mode || bare.active));
  CHECK(bare.token.empty());
  CHECK_FALSE(presence_from_values("alice", Values{"bob", "gateway", "ACTIVE", "secret"}).registered);
  CHECK_FALSE(presence_from_values("alice", Values{{}, {}, {}, {}}).registered);
  CHECK_FALSE(presence_from_values("alice", Values{}).registered);
}
