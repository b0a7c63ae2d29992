// Dead letters as operators ask about them: `dlq:messages`, or what never proved its sender, `dlq:unproven`; page by
// page, what matches a filter.
//
// Happy path: each_letter() hands every letter that matches to the callback, oldest or newest first.
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
};

std::string letter_key(const Keys& keys, LetterQueue queue);

struct Letter {
  std::string_view entry;  ///< its id in the stream, by which it is named
  std::string_view sender, target, message_id, reason;
  std::string_view payload;  ///< empty where it is left out
  uint64_t bytes = 0;        ///< of the payload
  uint64_t attempts = 0;
  WallMicros first = 0, last = 0;
};

struct LetterFilter {
  std::string sender, target, reason, message_id;
  WallMicros since = std::numeric_limits<WallMicros>::min();
  WallMicros until = std::numeric_limits<WallMicros>::max();

  bool matches(const Letter& letter) const;
};

/// @return kInvalidArgument unless `text` is the id of an entry: "1795350096000-0".
Status check_letter_id(std::string_view text);

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
Result<bool> find_letter(SyncRedis& redis, const Keys& keys, const std::string& entry, const LetterReading& how,
                         const OnLetter& on_letter);

}  // namespace mas::ctl
