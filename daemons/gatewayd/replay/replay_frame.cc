// The frame of a dead letter that is replayed.
#include "daemons/gatewayd/replay/replay_frame.h"

#include <algorithm>

#include "proto/wire/envelope.h"
#include "proto/wire/limits.h"

namespace mas::gateway {

Result<std::string> replay_frame(const ReplayedLetter& letter, std::string_view ns, unsigned partition,
                                 const HmacKey& key) {
  if (auto status = check_agent_id(letter.sender); !status) return status.error().in("sender");
  EnvelopeDecoder decoder;
  auto envelope = decoder.decode(letter.payload, limits::kMaxEnvelopeBytes);
  if (!envelope) return envelope.error();
  if (envelope->sender_id != letter.sender)
    return Error{Errc::kMalformed, "the envelope's sender is not the letter's sender"};
  FrameHeader header;
  header.kind = CredentialKind::kKey;
  header.id = new_instance_id();
  header.instance = new_instance_id();
  header.first_sequence = uint64_t{letter.attempts} + 1;
  header.timestamp = std::max<WallMicros>(letter.first, 0);
  header.sender = letter.sender;
  header.credential = letter.credential;
  Record record;
  record.flags = letter.flags;
  record.envelope = letter.payload;
  Digest digest = sha256(letter.payload);
  std::string scratch, records, frame;
  append_frame_mac_input(scratch, ns, partition, header, {&record, 1}, {&digest, 1});
  Digest mac = key.tag(scratch);
  append_record(records, letter.payload, {}, letter.flags);
  append_frame(frame, header, &mac, 1, records);
  return frame;
}

}  // namespace mas::gateway
