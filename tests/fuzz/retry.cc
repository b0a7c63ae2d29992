// Retry states, messages that wait to be delivered again, reports of failed handlers: decoding any bytes ends, what was
// taken is written the same, and a state goes on failing within its bounds. The input, for a state: it, then 8 bytes of
// a time and 4 of a limit.
#include "proto/wire/retry.h"

#include "proto/base/bytes.h"
#include "proto/wire/failure_report.h"
#include "proto/wire/waiting_retry.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto bytes = text_of(data, size);
  std::string written;
  if (auto waiting = WaitingRetry::decode(bytes)) {
    waiting->encode(written);
    require(written == bytes, "a message that waits has one form");
  }
  written.clear();
  if (auto report = FailureReport::decode(bytes)) {
    report->encode(written);
    require(written == bytes, "a report has one form");
  }
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
  require(verdict.again == (state->attempts < policy.attempts), "the limit decides");
  require(verdict.due >= 0, "when it is due is a time");
  again.clear();
  state->encode(again);
  require(RetryState::decode(again).ok(), "it can be read after every failure");
  return 0;
}
