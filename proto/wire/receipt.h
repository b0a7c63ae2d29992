// The receipt: what the gateway tells a sender instance about a frame, published on `mas.receipts:{id}:{instance}`.
//
//   u8 version (1) · u8 kind · 16 frame id · u64 sequence · u32 count · u32 number of outcomes · outcomes
//   outcome   u32 offset · u8 decision · u32 retry after (ms) · text16 detail
//
// kDecided: records `sequence … sequence + count - 1` of the frame are decided; those without an outcome were ALLOWED.
// kResendFrom: nothing of the frame was decided; the gateway waits for number `sequence` of this instance.
// kFrameRefused: the frame as a whole was refused (it could not be authenticated, say) and no number was used up; its
// one outcome (offset 0) says why.
// A receipt answers the frame that its id names: a forger who did not see the frame cannot answer for it.
// Failure: kMalformed. Ownership: a decoded receipt's views live as long as the bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/decisions.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/wire/limits.h"

namespace mas {

enum class ReceiptKind : uint8_t { kDecided = 1, kResendFrom = 2, kFrameRefused = 3 };

struct Outcome {
  uint32_t offset = 0;  ///< sequence number less the receipt's
  Decision decision = Decision::kAllowed;
  uint32_t retry_after_ms = 0;  ///< RATE_LIMITED: how long until it would pass; else 0
  std::string_view detail;      ///< one sentence for people, or empty; never payload
};

struct ReceiptMessage {
  ReceiptKind kind = ReceiptKind::kDecided;
  Id128 frame;
  uint64_t sequence = 0;
  uint32_t count = 0;
  std::vector<Outcome> outcomes;  ///< by rising offset
};

void append_receipt(std::string& out, const ReceiptMessage& receipt);

/// Bytes of the longest receipt that a gateway writes: one outcome with a sentence for each record of a frame.
inline constexpr size_t kMaxReceiptBytes = 34 + limits::kFrameRecords * (11 + limits::kReceiptDetailBytes);

/// @param ret_receipt its vector is reused.
Status decode_receipt(std::string_view bytes, ReceiptMessage& ret_receipt);

}  // namespace mas
