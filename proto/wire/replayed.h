// Replays: the key ids of frames that a gateway makes of dead letters and of records of the archive, in place of their
// senders; and where masctl keeps how far a replay of the archive has come. Pure.
#pragma once

#include <string>
#include <string_view>

#include "proto/wire/frame.h"
#include "proto/wire/keys.h"

namespace mas {

inline constexpr std::string_view kReplayKey = "@replay";
inline constexpr std::string_view kArchiveKey = "@archive";

/// Whether a frame says that it carries a letter. What it says is worth nothing until its MAC fits.
inline bool claims_replay(const FrameHeader& header) {
  return header.kind == CredentialKind::kKey && header.credential == kReplayKey;
}

inline bool claims_archive(const FrameHeader& header) {
  return header.kind == CredentialKind::kKey && header.credential == kArchiveKey;
}

/// Hash, in the slot of keys.replays(place): replays of the archive that are not finished, each with the last record
/// that it has requested there.
inline std::string replay_progress_key(const Keys& keys, unsigned place) {
  constexpr std::string_view kList = "mas.replay";
  std::string key = keys.replays(place);
  return key.insert(key.rfind(kList) + kList.size(), ".done");
}

}  // namespace mas
