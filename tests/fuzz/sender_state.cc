// Sender state: decoding any bytes ends, and what was taken is written the same and goes on deciding.
#include "daemons/gatewayd/turn/sender_state.h"

#include <algorithm>

#include "proto/wire/limits.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;
using namespace mas::gateway;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto bytes = text_of(data, size);
  auto state = SenderState::decode(bytes);
  if (!state) return 0;
  std::string again;
  state->append_to(again);
  bool fixed_runs = bytes.front() == 1;  // the version before
  require(fixed_runs || again == bytes, "what is taken is what append_to writes");
  auto read = SenderState::decode(again);
  require(read.ok(), "what append_to writes is taken");
  for (uint64_t number = state->last(); number > state->last() - std::min<uint64_t>(state->last(), 100); --number)
    require(read->decision(number) == state->decision(number), "it means the same");
  uint64_t last = state->last();
  require(last == 0 || state->standing(last) == Standing::kDecided, "the last number is decided");
  require(state->standing(last + 1) == Standing::kNext, "one number is next");
  for (uint64_t number = last; number > last - std::min<uint64_t>(last, 100); --number)
    require(is_decision(static_cast<uint8_t>(state->decision(number))), "every number has a decision of the table");
  for (int i = 0; i < 3 && state->last() < UINT64_MAX - 1; ++i) {
    state->decide(i == 1 ? Decision::kAllowed : Decision::kMalformed);
    again.clear();
    state->append_to(again);
    require(SenderState::decode(again).ok(), "it can be read after every decision");
    require(state->decision(state->last()) == (i == 1 ? Decision::kAllowed : Decision::kMalformed), "it is remembered");
  }
  return 0;
}
