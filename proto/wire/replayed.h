// Replays: the key ids of frames that a gateway makes in place of their senders, of dead letters, of records of the
// archive, and of held messages about which something was said. Pure.
#pragma once

#include <cstdint>
#include <optional>
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

/// What becomes of a message that was held.
enum class Verdict : uint8_t { kGranted, kDenied, kExpired };
inline constexpr std::string_view kVerdictKeys[] = {"@granted", "@denied", "@expired"};  ///< by Verdict

/// What a frame says about a held message: its key id is `@granted WHO`, `@denied WHO` or `@expired`.
struct ClaimedVerdict {
  Verdict verdict;
  std::string_view who;  ///< as long as the header's credential
};

/// @return nullopt: the frame says nothing of the kind. What it says is worth nothing until its MAC fits.
inline std::optional<ClaimedVerdict> claimed_verdict(const FrameHeader& header) {
  if (header.kind != CredentialKind::kKey || !header.credential.starts_with('@')) return std::nullopt;
  const std::string_view name = header.credential.substr(0, header.credential.find(' '));
  for (Verdict verdict : {Verdict::kGranted, Verdict::kDenied, Verdict::kExpired}) {
    if (name != kVerdictKeys[static_cast<uint8_t>(verdict)]) continue;
    std::string_view who = header.credential.substr(name.size());
    if (!who.empty()) who.remove_prefix(1);
    return ClaimedVerdict{verdict, who};
  }
  return std::nullopt;
}

}  // namespace mas
