// Receipts: what decodes is written back byte for byte, and its outcomes belong to its records.
#include "proto/wire/receipt.h"

#include "proto/wire/limits.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto bytes = text_of(data, size);
  ReceiptMessage receipt;
  if (!decode_receipt(bytes, receipt).ok()) return 0;
  bool long_detail = false;
  for (const auto& outcome : receipt.outcomes) {
    require(is_decision(static_cast<uint8_t>(outcome.decision)), "decisions are in the table");
    if (receipt.kind == ReceiptKind::kDecided)
      require(outcome.offset < receipt.count, "an outcome belongs to a record that was decided");
    long_detail |= outcome.detail.size() > limits::kReceiptDetailBytes;
  }
  if (receipt.kind == ReceiptKind::kFrameRefused)
    require(receipt.outcomes.size() == 1 && !decision_accepted(receipt.outcomes[0].decision), "a refusal has a reason");
  std::string written;
  append_receipt(written, receipt);
  require(long_detail || written == bytes, "a receipt has one form");
  return 0;
}
