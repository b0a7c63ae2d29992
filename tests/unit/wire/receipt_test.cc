// Receipts: the test vectors, and what is none.
#include "proto/wire/receipt.h"

#include "proto/wire/limits.h"
#include "tests/unit/wire/vector_file.h"

using namespace mas;
using namespace mas::test;

namespace {

ReceiptKind kind_of(const std::string& text) {
  if (text == "decided") return ReceiptKind::kDecided;
  if (text == "resend from") return ReceiptKind::kResendFrom;
  REQUIRE(text == "frame refused");
  return ReceiptKind::kFrameRefused;
}

ReceiptMessage sample() {
  ReceiptMessage receipt;
  receipt.frame = new_instance_id();
  receipt.sequence = 9;
  receipt.count = 3;
  receipt.outcomes = {{0, Decision::kRateLimited, 1500, "over 600 a minute"}, {2, Decision::kMalformed, 0, ""}};
  return receipt;
}

std::string written(const ReceiptMessage& receipt) {
  std::string bytes;
  append_receipt(bytes, receipt);
  return bytes;
}

bool decodes(std::string_view bytes) {
  ReceiptMessage receipt;
  return decode_receipt(bytes, receipt).ok();
}

}  // namespace

TEST_CASE("receipts: the test vectors are written and read as they stand") {
  for (const auto& [name, json] : vector_file("receipts.json")) {
    INFO(name);
    VectorObject vector = vector_object(json);
    std::string expected = unhex(vector.at("receipt"));
    ReceiptMessage receipt;
    REQUIRE(decode_receipt(expected, receipt).ok());
    CHECK(receipt.kind == kind_of(vector.at("kind")));
    CHECK(receipt.frame.hex() == vector.at("frame_id"));
    CHECK(std::to_string(receipt.sequence) == vector.at("sequence"));
    CHECK(std::to_string(receipt.count) == vector.at("count"));
    VectorObject outcomes = vector_object(vector.at("outcomes"));
    REQUIRE(receipt.outcomes.size() == outcomes.size());
    for (size_t i = 0; i < outcomes.size(); ++i) {
      VectorObject outcome = vector_object(outcomes.at(std::to_string(i)));
      CHECK(std::to_string(receipt.outcomes[i].offset) == outcome.at("offset"));
      CHECK(decision_text(receipt.outcomes[i].decision) == outcome.at("decision"));
      CHECK(std::to_string(receipt.outcomes[i].retry_after_ms) == outcome.at("retry_after_ms"));
      CHECK(receipt.outcomes[i].detail == outcome.at("detail"));
    }
    CHECK(written(receipt) == expected);
  }
}

TEST_CASE("a receipt that is cut or longer is none") {
  std::string bytes = written(sample());
  REQUIRE(decodes(bytes));
  for (size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(decodes(std::string_view(bytes).substr(0, size)));
  CHECK_FALSE(decodes(bytes + '\0'));
}

TEST_CASE("what a receipt may not say") {
  auto refused = [](auto change) {
    ReceiptMessage receipt = sample();
    change(receipt);
    return !decodes(written(receipt));
  };
  CHECK_FALSE(refused([](ReceiptMessage&) {}));
  CHECK(refused([](ReceiptMessage& r) { r.kind = static_cast<ReceiptKind>(0); }));
  CHECK(refused([](ReceiptMessage& r) { r.kind = static_cast<ReceiptKind>(4); }));
  CHECK(refused([](ReceiptMessage& r) { r.count = limits::kFrameRecords + 1; }));
  CHECK(refused([](ReceiptMessage& r) { r.outcomes[0].decision = static_cast<Decision>(0); }));
  CHECK(refused([](ReceiptMessage& r) { r.outcomes[0].decision = static_cast<Decision>(255); }));
  CHECK(refused([](ReceiptMessage& r) { r.outcomes[0].offset = 2; }));  // twice
  CHECK(refused([](ReceiptMessage& r) { std::swap(r.outcomes[0], r.outcomes[1]); }));
  // An outcome for a record that was not decided; a frame that is refused without a reason, or with good news.
  CHECK(refused([](ReceiptMessage& r) { r.outcomes[1].offset = 3; }));
  CHECK(refused([](ReceiptMessage& r) { r.kind = ReceiptKind::kResendFrom; }));
  CHECK(refused([](ReceiptMessage& r) { r.kind = ReceiptKind::kFrameRefused; }));
  CHECK(refused([](ReceiptMessage& r) {
    r.kind = ReceiptKind::kFrameRefused;
    r.outcomes.clear();
  }));
  CHECK(refused([](ReceiptMessage& r) {
    r.kind = ReceiptKind::kFrameRefused;
    r.outcomes = {{0, Decision::kAllowed, 0, ""}};
  }));
}

TEST_CASE("a sentence in a receipt is cut to its limit") {
  ReceiptMessage receipt = sample();
  std::string sentence(limits::kReceiptDetailBytes + 100, 's');
  receipt.outcomes[0].detail = sentence;
  std::string bytes = written(receipt);
  ReceiptMessage read;
  REQUIRE(decode_receipt(bytes, read).ok());
  CHECK(read.outcomes[0].detail.size() == limits::kReceiptDetailBytes);
}

TEST_CASE("receipts: the bound is the size of the longest one") {
  ReceiptMessage receipt;
  receipt.count = limits::kFrameRecords;
  const std::string detail(limits::kReceiptDetailBytes + 1, 'x');  // is cut
  for (uint32_t i = 0; i < limits::kFrameRecords; ++i)
    receipt.outcomes.push_back({i, Decision::kRateLimited, UINT32_MAX, detail});
  CHECK(written(receipt).size() == kMaxReceiptBytes);
}

TEST_CASE("HELD is told in a form that a library which does not know it takes for AUTHZ_DENIED") {
  ReceiptMessage receipt = sample();
  receipt.outcomes = {{1, Decision::kHeld, 0, "waits for approval: rule 1"}};
  const std::string bytes = written(receipt);
  const size_t outcome = bytes.size() - (4 + 1 + 4 + 2 + receipt.outcomes[0].detail.size() + 6);
  CHECK(static_cast<Decision>(bytes[outcome + 4]) == Decision::kAuthzDenied);
  CHECK(bytes.ends_with("HELD: waits for approval: rule 1"));
  ReceiptMessage read;
  REQUIRE(decode_receipt(bytes, read).ok());
  CHECK(read.outcomes.at(0).decision == Decision::kHeld);
  CHECK(read.outcomes[0].detail == "waits for approval: rule 1");

  std::string other = bytes;
  other[outcome + 4] = static_cast<char>(Decision::kHeld);  // there is one form
  CHECK_FALSE(decodes(other));
  receipt.outcomes = {{1, Decision::kAuthzDenied, 0, "default: deny"}};
  const std::string denied = written(receipt);
  REQUIRE(decode_receipt(denied, read).ok());
  CHECK(read.outcomes.at(0).decision == Decision::kAuthzDenied);
}
