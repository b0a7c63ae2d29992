// Removes the streams of an agent that has stopped, by one script, so that no message arrives between check and
// removal.
//
// Happy path: forget_agent_words() is an EVAL over the keys of one agent. The script keeps the streams if the agent is
// registered, is alive, was active recently or has messages waiting. It answers with three values: a word
// (parse_forget_state), the number of waiting messages, and the milliseconds since the agent was last active.
// A message that is delivered before the script runs is waiting, so the streams stay. One that is delivered after it
// creates the stream anew, and the agent's next start creates the group at the stream's beginning. Neither is lost.
// Activity is the last sign of the agent: an orderly stop touches the instance's consumer, which resets its `idle`
// time; a message that arrives is the stream's last id. -1: neither ever happened. (Redis before 7.2 does not count a
// read that finds nothing, so reads prove nothing; a running agent is registered.)
// The agent cannot make the script slow: if it has more than 1,000 instances on record, or 1 MiB of them, its streams
// stay.
// On a cluster the agent's keys are in one slot and its streams in those of all partitions, so each has a script of its
// own, and ForgetParts makes one answer of theirs. First all of them look. Then the streams of the other partitions are
// removed, and those of partition 0 once all others are gone: by these gateways know the agent. Each removal looks
// again at the messages of its partition, so none is lost there, either. An agent that starts meanwhile reads its
// streams, which keeps them for kForgetSoonest; so a removal comes at most kForgetWithin after the look.
// Failure modes: if a lane has another type, all streams stay; a user without the right gets Redis's NOPERM.
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
  kRegistered,  ///< it has a registry entry: it was not stopped in order
  kAlive,       ///< it has a heartbeat, an instance with a lease, or more instances on record than are checked
  kRecent,      ///< it was active within the given time
  kWaiting,     ///< messages wait for it
  kForeign,     ///< a lane is not a stream
};

/// Minimum time. An agent that is starting has read its streams already and is not registered yet.
inline constexpr Duration kForgetSoonest = std::chrono::seconds(10);

/// On a cluster: the time from the beginning of the look until the removal is sent.
inline constexpr Duration kForgetWithin = kForgetSoonest / 2;

struct ForgetOptions {
  Duration gone = kForgetSoonest;  ///< at least so long; less than kForgetSoonest is that
  bool discard = false;            ///< also with messages waiting, which are lost
  bool dry_run = false;            ///< change nothing
};

struct ForgetAnswer {
  ForgetState state = ForgetState::kNone;
  int64_t waiting = 0;   ///< messages
  int64_t gone_ms = -1;  ///< since the agent was last active; -1: it never was
};

/// @return the command, on one server.
std::vector<std::string> forget_agent_words(const Keys& keys, std::string_view id, const ForgetOptions& options);

/// On a cluster: looks whether the agent is registered or alive. @return the command; it answers kNone where it is not.
std::vector<std::string> agent_presence_words(const Keys& keys, std::string_view id);
/// On a cluster: as forget_agent_words(), of the streams of one partition.
std::vector<std::string> forget_lanes_words(const Keys& keys, std::string_view id, unsigned partition,
                                            const ForgetOptions& options);

/// On a cluster: what the scripts of one agent answered, in any order, as one answer.
class ForgetParts {
 public:
  void add_presence(const ForgetAnswer& part) { presence_ = part.state; }
  void add_lanes(const ForgetAnswer& part);
  ForgetAnswer whole() const;
  ForgetState presence() const { return presence_; }

 private:
  ForgetState presence_ = ForgetState::kNone;
  ForgetAnswer lanes_;
};

/// @return nullopt for a word that the script does not have.
std::optional<ForgetState> parse_forget_state(std::string_view word);

/// @return the word.
std::string_view forget_state_name(ForgetState state);

/// @return the id if `key` is a lane of an agent of this namespace, of any partition on a cluster, else empty.
std::string_view agent_id_of_lane(const Keys& keys, std::string_view key);

/// `SCAN MATCH` pattern of the lanes; also matches the streams of replies.
std::string lane_scan_pattern(const Keys& keys);

}  // namespace mas
