// The agents' function library: a change of what it does gets a new name.
#include "proto/wire/agent_functions.h"

#include "proto/wire/digest.h"
#include "tests/unit/catch.h"

using namespace mas;

TEST_CASE("a library with another text has another name") {
  // Agents and daemons of other versions know this text by this number. Where it must change, raise the number in all
  // three.
  CHECK(kAgentLibrary == "mas_agent_3");
  CHECK(kClaimFunction.name == "mas_claim_3");
  CHECK(kTakeBackFunction.name == "mas_take_back_3");
  CHECK(to_hex(sha256(agent_library())) == "80f05eb2472d189f06bbd95cb508622b96d167d43c56e1f7b2634a5079c8631b");
}
