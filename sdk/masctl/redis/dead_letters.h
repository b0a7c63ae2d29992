// Dead letters as operators ask about them: `dlq:messages`, or what never proved its sender, `dlq:unproven`, or
// what waits for a person, `mas.held`; page by
// page, what matches a filter.
//
// Happy path: each_letter() hands every letter that matches to the callback, oldest or newest first.
// On a cluster each partition has a queue. All of them are read, also those left over from a larger number of
// partitions, side by side, so that the order is the same. Each read is of one key, which its slot's primary answers
// also while the slot moves.
// Failure: the first error of Redis ends the reading. An entry that lacks fields is a letter without them; a payload
// that is too large, or was not asked for, stays in Redis, and only its size is known.
// Threading: one thread. Ownership: a letter is a view during the callback.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

#include "proto/base/clock.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

enum class LetterQueue : uint8_t {
  kMessages,  ///< messages that could not be delivered
  kUnproven,  ///< elements of ingress lists that were no frames: their sender is who they claim
  kHeld,      ///< messages that wait for a person
};

/// @param place as Keys::dead_letters takes it.
std::string letter_key(const Keys& keys, LetterQueue queue, unsigned place);

/// Which letter.
struct LetterName {
  unsigned place = 0;  ///< on a cluster the partition whose queue has it
  std::string entry;   ///< its id in the stream
};

struct Letter {
  std::string name;  ///< "1795350096000-0"; on a cluster "3:1795350096000-0", with the partition
  unsigned place = 0;
  std::string_view entry;  ///< its id in the stream
  std::string_view type;   ///< of kHeld
  std::string_view sender, target, message_id, reason;
  std::string_view payload;  ///< empty where it is left out
  uint64_t bytes = 0;        ///< of the payload
  uint64_t attempts = 0;
  WallMicros first = 0, last = 0;  ///< of kHeld: since when it waits
};

struct LetterFilter {
  std::string sender, target, reason, message_id;
  WallMicros since = std::numeric_limits<WallMicros>::min();
  WallMicros until = std::numeric_limits<WallMicros>::max();

  bool matches(const Letter& letter) const;
};

/// @param text as Letter::name. @return kInvalidArgument that says what was expected.
Result<LetterName> parse_letter_name(const Keys& keys, std::string_view text);

using OnLetter = std::function<bool(const Letter& letter)>;  ///< @return false: no more

/// How letters are read.
struct LetterReading {
  LetterQueue queue = LetterQueue::kMessages;
  bool newest_first = false;
  bool payloads = false;  ///< whether they are wanted; where not, some are left out
};

Status each_letter(SyncRedis& redis, const Keys& keys, const LetterFilter& filter, const LetterReading& how,
                   const OnLetter& on_letter);

/// @return whether there is such a letter; it is handed to the callback then.
Result<bool> find_letter(SyncRedis& redis, const Keys& keys, const LetterName& name, const LetterReading& how,
                         const OnLetter& on_letter);

}  // namespace mas::ctl
