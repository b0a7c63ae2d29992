// The key ids of frames that a gateway makes of dead letters and of records of the archive, in place of their senders.
// Pure.
#pragma once

#include <string_view>

#include "proto/wire/frame.h"

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

}  // namespace mas
