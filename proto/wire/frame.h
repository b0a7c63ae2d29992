// The ingress frame: what a sender hands to the gateway, one element of `mas.ingress:{p}`.
//
//   u8 version (1) · u8 credential kind · 16 frame id · 16 instance · u64 first sequence · u64 timestamp (µs)
//   · text16 sender · text16 token or key id · 32 MAC (kind kKey only) · u32 count · records
//
// Record i has sequence number `first sequence + i`. The MAC is HMAC-SHA256 under the key over a domain-separated,
// length-prefixed encoding of all of the header, the namespace, the partition, and of each record its flags, its ticket
// and the SHA-256 of its envelope (frame_mac_input). The digests are computed once and serve the audit too.
// Failure: kMalformed or kTooLarge with what is wrong. A frame that decodes has exactly `count` records.
// Threading: none. Ownership: a decoded frame's views live as long as the bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/wire/digest.h"
#include "proto/wire/record_batch.h"

namespace mas {

inline constexpr uint8_t kFrameVersion = 1;

enum class CredentialKind : uint8_t { kToken = 1, kKey = 2 };

struct FrameHeader {
  CredentialKind kind = CredentialKind::kToken;
  Id128 id;  ///< random, per frame that is sent: a resend is another frame
  Id128 instance;
  uint64_t first_sequence = 1;
  WallMicros timestamp = 0;
  std::string_view sender;
  std::string_view credential;  ///< token, or key id
};

struct Frame {
  FrameHeader header;
  Digest mac{};  ///< kKey only
  std::vector<Record> records;
};

/// Decodes one ingress element. @param ret_frame its vector is reused.
/// @return kMalformed; kTooLarge past limits::kFrameRecords records, or limits::kFrameBytes bytes of more than one.
/// The envelopes are not looked at.
Status decode_frame(std::string_view element, Frame& ret_frame);

/// @return the id in an element that does not decode as a whole, for the receipt and the audit; zeros where it is cut.
Id128 frame_id_of(std::string_view element);

/// Appends what the MAC is computed over. @param digests SHA-256 of each record's envelope.
void append_frame_mac_input(std::string& out, std::string_view ns, unsigned partition, const FrameHeader& header,
                            std::span<const Record> records, std::span<const Digest> digests);

/// Appends a frame. @param records its records, encoded. @param mac for kKey.
void append_frame(std::string& out, const FrameHeader& header, const Digest* mac, uint32_t count,
                  std::string_view records);

}  // namespace mas
