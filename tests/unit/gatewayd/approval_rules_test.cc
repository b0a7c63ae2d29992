// Which messages wait for a person: rules, and the room for what is held.
#include "daemons/gatewayd/approval/rules.h"

#include "daemons/gatewayd/approval/held_room.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;

namespace {

ApprovalRules rules_of(const std::vector<ApprovalRules::Row>& rows) {
  auto rules = ApprovalRules::parse(rows);
  REQUIRE(rules.ok());
  return std::move(*rules);
}

std::optional<size_t> find(const ApprovalRules& rules, std::string_view sender, std::string_view target,
                           std::string_view type, std::string_view found_type = {}) {
  const std::function<bool(std::string_view)> found = [&](std::string_view asked) { return asked == found_type; };
  return rules.find({sender, target, type, found});
}

std::string problem(const ApprovalRules::Row& row) {
  const std::vector<ApprovalRules::Row> rows{{{"sender", "a"}}, row};
  auto rules = ApprovalRules::parse(rows);
  REQUIRE_FALSE(rules.ok());
  return rules.error().message;
}

}  // namespace

TEST_CASE("all of a rule must match, and the first rule that matches holds") {
  const ApprovalRules rules = rules_of({{{"sender", "planner-*"}, {"type", "payment"}},
                                        {{"target", "bank"}, {"dlp_type", "credit_card"}},
                                        {{"type", "pay*"}}});
  CHECK(find(rules, "planner-1", "x", "payment") == 1);
  CHECK(find(rules, "planner-1", "x", "note") == std::nullopt);
  CHECK(find(rules, "planner", "x", "payment") == 3);
  CHECK(find(rules, "alice", "bank", "note", "credit_card") == 2);
  CHECK(find(rules, "alice", "bank", "note", "iban") == std::nullopt);
  CHECK(find(rules, "alice", "bank-2", "note", "credit_card") == std::nullopt);
  CHECK(find(rules, "alice", "bank", "pay", "credit_card") == 2);
  CHECK(find(rules_of({{{"sender", "*"}}}), "anybody", "x", "y") == 1);
  CHECK(find(ApprovalRules(), "a", "b", "c") == std::nullopt);
  CHECK(describe(rules, 1) == "rule 1 (sender planner-*, type payment)");
  CHECK(describe(rules, 2) == "rule 2 (target bank, dlp_type credit_card)");
}

TEST_CASE("a rule that would hold nothing, or more than it says, is refused with its number") {
  CHECK(problem({}).starts_with("rule 2: expected sender, target"));
  CHECK(problem({{"sender", "a*b"}}) == "rule 2: sender is not a pattern: a*b");
  CHECK(problem({{"type", ""}}).starts_with("rule 2: type is not a pattern"));
  CHECK(problem({{"dlp_type", "credit*"}}).starts_with("rule 2: dlp_type is not a type"));
  CHECK(problem({{"who", "a"}}) == "rule 2: unknown key who");
}

TEST_CASE("what was held since the look before counts on top of what Redis says") {
  HeldRoom room;
  const HeldAmount bound{3, 100};
  CHECK(room.has_room(bound, 100));
  CHECK_FALSE(room.has_room(bound, 101));
  room.take(40);
  room.take(40);
  CHECK(room.has_room(bound, 20));
  CHECK_FALSE(room.has_room(bound, 21));
  room.seen({0, 0});  // their commit was still under way
  room.take(10);
  CHECK_FALSE(room.has_room(bound, 1));
  room.seen({3, 90});
  CHECK_FALSE(room.has_room(bound, 1));
  room.seen({1, 40});
  CHECK(room.has_room(bound, 60));
}
