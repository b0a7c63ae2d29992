// A dead letter on its way back: the frame that carries it through the policy again, made and believed by gateways
// only.
//
//     mas.replay ──request──▶ gateway: letter out of dlq:messages, frame into mas.ingress:{p}, one script
//     mas.ingress:{p} ──turn──▶ accepted: in the target's stream, marked as replayed
//                               refused: a dead letter again, with its attempts, its first time and the new reason
//
// A letter is in the queue, in a list or in a stream, at every moment in exactly one of them: so no replay doubles what
// another one delivered, and none is lost with a process. The message keeps its id, for receivers that drop what they
// know.
//
// Such a frame is an ingress frame of one record with the flag kReplayed, credential kKey, key id kReplayKey (which no
// identity can have), the letter's attempts + 1 for its sequence number and the letter's first time for its timestamp;
// its MAC is under a key that gateways derive from their secret.
// What the archive holds goes the same way with the key id kArchiveKey: it is copied, not moved, and what the policy of
// today refuses is audited and no letter. A held message goes so, too (verdict_mover.h), with what was said about it
// for the key id. No id can be put in another's place, as the MAC covers it.
// Failure: replay_frame() refuses what is no envelope of the letter's sender. Threading: none; pure but for random ids.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/clock.h"
#include "proto/base/result.h"
#include "proto/wire/digest.h"
#include "proto/wire/frame.h"
#include "proto/wire/replayed.h"

namespace mas::gateway {

inline constexpr std::string_view kReplayLabel = "mas.replay.v1";  ///< what the key is derived with

struct ReplayedLetter {
  std::string_view payload, sender;
  uint32_t attempts = 0;
  WallMicros first = 0;  ///< of the archive: when it was delivered; of a held message: since when it was held
  std::string_view credential = kReplayKey;
  uint8_t flags = Record::kReplayed;
};

/// @return the frame, or kMalformed with why the letter cannot be replayed.
Result<std::string> replay_frame(const ReplayedLetter& letter, std::string_view ns, unsigned partition,
                                 const HmacKey& key);

}  // namespace mas::gateway
