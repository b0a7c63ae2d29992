// Wake-ups: decoding any bytes ends, takes no more inboxes than it may, and what was taken is written the same.
#include "proto/wire/wake_up.h"

#include "proto/wire/partitions.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto text = text_of(data, size);
  std::vector<WakeUp> inboxes;
  const bool read = decode_wake_ups(text, inboxes).ok();
  require(read != inboxes.empty(), "inboxes exactly where it is a wake-up");
  require(inboxes.size() <= kMaxWakeUps, "no more inboxes than a gateway names");
  std::string written;
  for (const WakeUp& one : inboxes) {
    require(one.partition < kMaxPartitions, "a partition that there may be");
    append_wake_up(written, one);
  }
  require(!read || written == text, "a wake-up has one form");
  return 0;
}
