// Retry states: decoding any bytes ends, what was taken is written the same, and goes on failing within its bounds. The
// input: a state, then 8 bytes of a time and 4 of a limit.
#include "proto/wire/retry.h"

#include "proto/base/bytes.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto bytes = text_of(data, size);
  auto state = RetryState::decode(bytes.substr(0, RetryState::kEncodedBytes));
  if (!state) return 0;
  std::string again;
  state->encode(again);
  require(again == bytes.substr(0, RetryState::kEncodedBytes), "what is taken is what encode writes");
  ByteReader rest(bytes.substr(RetryState::kEncodedBytes));
  auto now = static_cast<WallMicros>(rest.integer<uint64_t>());
  RetryPolicy policy;
  policy.attempts = rest.integer<uint32_t>();
  auto before = state->attempts;
  auto verdict = retry_failed(*state, policy, now, retry_seed(bytes));
  require(state->attempts > before || before == UINT32_MAX, "a failure is counted");
  require((verdict == RetryVerdict::kGiveUp) == (state->attempts >= policy.attempts), "the limit decides");
  require(retry_due(*state, policy, state->next_due), "it is due when it says");
  again.clear();
  state->encode(again);
  require(RetryState::decode(again).ok(), "it can be read after every failure");
  return 0;
}
