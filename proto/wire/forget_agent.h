// Removing the streams of an agent that has stopped: one script, so that nothing is delivered between the look and the removal.
//
// Happy path: forget_agent_words() is an EVAL over the keys of one agent. The script looks whether the agent is registered,
// alive, was here lately or has messages waiting, and removes its lanes if none of that is so. It answers with three values:
// a word (parse_forget_state), how many messages wait, and for how many milliseconds the agent is gone.
// A message that is delivered before the script runs waits, so the lanes stay. One that is delivered after it makes the stream
// anew, and the agent's next start makes the group at the stream's beginning. Neither is lost.
// Time gone counts from the last sign of the agent: an instance that stops in order touches its consumer, whose `idle` begins
// anew, and a message that comes in is the stream's last id. -1: neither ever happened. (Redis before 7.2 counts no read that
// finds nothing, so an agent must not be judged by its reads; one that runs is registered.)
// What the agent wrote bounds nothing: of instances at most 1,000 in 1 MiB are looked at, else the agent is left alone.
// Failure modes: where a lane is of another type, all lanes are left alone; a user without a right gets Redis's NOPERM.
// Threading: pure. Ownership: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/clock.h"
#include "proto/wire/keys.h"

namespace mas {

enum class ForgetState : uint8_t {
  kForgotten,   ///< its lanes are gone
  kWould,       ///< they would be; nothing was changed
  kNone,        ///< it has no lane
  kRegistered,  ///< it has a registry entry: it has not stopped in order
  kAlive,       ///< it has a heartbeat, an instance with a lease, or more instances on record than are looked at
  kRecent,      ///< it was here less than the time asked for ago
  kWaiting,     ///< messages wait for it
  kForeign,     ///< a lane is no stream
};

/// No agent is forgotten sooner: one that starts at this moment has read its streams, but is not registered yet.
inline constexpr Duration kForgetSoonest = std::chrono::seconds(10);

struct ForgetOptions {
  Duration gone = kForgetSoonest;  ///< at least so long; less than kForgetSoonest is that
  bool discard = false;            ///< also with messages waiting, which are lost
  bool dry_run = false;            ///< change nothing
};

/// @return the command.
std::vector<std::string> forget_agent_words(const Keys& keys, std::string_view id, const ForgetOptions& options);

/// @return nullopt for a word that the script does not have.
std::optional<ForgetState> parse_forget_state(std::string_view word);

/// @return the word.
std::string_view forget_state_name(ForgetState state);

/// @return the id if `key` is a lane of an agent of this namespace, else empty.
std::string_view agent_id_of_lane(const Keys& keys, std::string_view key);

/// `SCAN MATCH` pattern of the lanes; also matches the streams of replies.
std::string lane_scan_pattern(const Keys& keys);

}  // namespace mas
