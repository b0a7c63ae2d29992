// The agents' function library: a change of what it does gets a new name.
#include "proto/wire/agent_functions.h"

#include "proto/wire/digest.h"
#include "tests/unit/catch.h"

using namespace mas;

TEST_CASE("a library with another text has another name") {
  // Agents and daemons of other versions know this text by this number. Where it must change, raise the number in all three.
  CHECK(kAgentLibrary == "mas_agent_1");
  CHECK(kClaimFunction.name == "mas_claim_1");
  CHECK(kTakeBackFunction.name == "mas_take_back_1");
  CHECK(to_hex(sha256(agent_library())) == "dc1f74e7f0f60b13f679c4e399418ecc25533564745b87d95fabbd5c303aa650");
}
