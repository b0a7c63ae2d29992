// Receipts, written and read.
#include "proto/wire/receipt.h"

#include "proto/base/bytes.h"
#include "proto/wire/limits.h"

namespace mas {
namespace {

constexpr uint8_t kReceiptVersion = 1;

Error malformed(std::string_view what) { return {Errc::kMalformed, "receipt: " + std::string(what)}; }

// A library from before there was HELD would take no receipt with its value, and its window would stand still. So a
// receipt says AUTHZ_DENIED, which such a library knows, and these words before the detail.
constexpr std::string_view kHeldMark = "HELD: ";

void append_outcome(ByteWriter& writer, const Outcome& outcome) {
  const bool held = outcome.decision == Decision::kHeld;
  const Decision told = held ? Decision::kAuthzDenied : outcome.decision;
  std::string marked;
  if (held) marked.append(kHeldMark).append(outcome.detail);
  const std::string_view detail = held ? std::string_view(marked) : outcome.detail;
  writer.integer(outcome.offset)
      .integer(static_cast<uint8_t>(told))
      .integer(outcome.retry_after_ms)
      .text16(detail.substr(0, limits::kReceiptDetailBytes));
}

/// @return whether the table has the decision, in the one form that receipts have of it.
bool read_outcome(ByteReader& in, Outcome& ret_outcome) {
  ret_outcome.offset = in.integer<uint32_t>();
  const auto decision = in.integer<uint8_t>();
  ret_outcome.decision = static_cast<Decision>(decision);
  ret_outcome.retry_after_ms = in.integer<uint32_t>();
  ret_outcome.detail = in.text16();
  if (!in.ok() || !is_decision(decision) || ret_outcome.decision == Decision::kHeld) return false;
  if (ret_outcome.decision == Decision::kAuthzDenied && ret_outcome.detail.starts_with(kHeldMark)) {
    ret_outcome.decision = Decision::kHeld;
    ret_outcome.detail.remove_prefix(kHeldMark.size());
  }
  return true;
}

/// So that who acts on a receipt may index a frame's records by its outcomes, and find the reason of a refusal.
Status check_outcomes(const ReceiptMessage& receipt) {
  const auto& outcomes = receipt.outcomes;
  switch (receipt.kind) {
    case ReceiptKind::kDecided:
      if (outcomes.empty() || outcomes.back().offset < receipt.count) return {};
      return malformed("an outcome outside the records that it decides");
    case ReceiptKind::kResendFrom:
      if (outcomes.empty()) return {};
      return malformed("an outcome, but nothing decided");
    case ReceiptKind::kFrameRefused:
      if (outcomes.size() == 1 && outcomes[0].offset == 0 && !decision_accepted(outcomes[0].decision)) return {};
      return malformed("a refused frame without its one reason");
  }
  return malformed("unknown kind");
}

}  // namespace

void append_receipt(std::string& out, const ReceiptMessage& receipt) {
  ByteWriter writer(out);
  writer.integer(kReceiptVersion)
      .integer(static_cast<uint8_t>(receipt.kind))
      .bytes(receipt.frame.bytes)
      .integer(receipt.sequence)
      .integer(receipt.count)
      .integer(static_cast<uint32_t>(receipt.outcomes.size()));
  for (const Outcome& outcome : receipt.outcomes) append_outcome(writer, outcome);
}

Status decode_receipt(std::string_view bytes, ReceiptMessage& ret_receipt) {
  ByteReader in(bytes);
  ret_receipt.outcomes.clear();
  if (in.integer<uint8_t>() != kReceiptVersion) return malformed("another version; expected 1");
  auto kind = in.integer<uint8_t>();
  if (kind < 1 || kind > 3) return malformed("unknown kind");
  ret_receipt.kind = static_cast<ReceiptKind>(kind);
  ret_receipt.frame.bytes = in.array<16>();
  ret_receipt.sequence = in.integer<uint64_t>();
  ret_receipt.count = in.integer<uint32_t>();
  auto outcomes = in.integer<uint32_t>();
  if (!in.ok() || ret_receipt.count > limits::kFrameRecords || outcomes > limits::kFrameRecords)
    return malformed("cut short, or more than a frame's records");
  for (uint32_t i = 0; i < outcomes; ++i) {
    Outcome outcome;
    const bool known = read_outcome(in, outcome);
    const bool rising = i == 0 || outcome.offset > ret_receipt.outcomes.back().offset;
    if (!known || !rising) return malformed("an unknown outcome");
    ret_receipt.outcomes.push_back(outcome);
  }
  if (!in.at_end()) return malformed("extra bytes at its end");
  return check_outcomes(ret_receipt);
}

}  // namespace mas
