// Entries of the archive and requests for them: what decodes lies within the bytes, what parses is written again the
// same.
#include "daemons/gatewayd/archive/entry.h"
#include "daemons/gatewayd/archive/request.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;
using namespace mas::gateway::archive;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Key key = *Key::of("k", "0123456789abcdef0123456789ABCDEF");
  auto bytes = text_of(data, size);
  Entry entry;
  if (decode(bytes, entry).ok()) {
    require(entry.head.size() + entry.sealed.size() == size, "head and envelopes are the whole");
    auto plain = open(entry, key, "mas.archive:{0}");
    if (plain.ok())
      for (const auto& part : entry.records)
        require(size_t{part.begin} + part.size <= plain->size(), "an envelope is within the others");
  }
  if (auto request = parse_request(bytes)) {
    auto again = parse_request(request_text(*request));
    require(again.ok() && again->records == request->records && again->entry == request->entry &&
                again->partition == request->partition,
            "a request is read as it was written");
  }
  return 0;
}
