// The agents' function library: a change of what it does gets a new name.
#include "proto/wire/agent_functions.h"

#include "proto/wire/digest.h"
#include "tests/unit/catch.h"

using namespace mas;

TEST_CASE("a library with another text has another name") {
  // Agents and daemons of other versions know this text by this number. Where it must change, raise the number in all
  // three.
  CHECK(kAgentLibrary == "mas_agent_2");
  CHECK(kClaimFunction.name == "mas_claim_2");
  CHECK(kTakeBackFunction.name == "mas_take_back_2");
  CHECK(to_hex(sha256(agent_library())) == "44fc2168bed46ccbdb06b4085ddb196ff89bcc795013faeca3cb0aecb4c03ab4");
}
