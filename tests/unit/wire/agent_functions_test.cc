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
  CHECK(to_hex(sha256(agent_library())) == "2ea5de6f2cee1ffe28ebf14b38af37f847e33651294ec2643d430b125c0a4212");
}
