// The dead-letter queue as operators ask about it: `dlq:messages`, page by page, what matches a filter.
//
// Happy path: each_letter() hands every letter that matches to the callback, oldest or newest first.
// Failure: the first error of Redis ends the reading. An entry that lacks fields is a letter without them.
// Threading: one thread. Ownership: a letter is a view during the callback.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

#include "proto/base/clock.h"
#include "sdk/masctl/cli/output.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

class Command;

struct Letter {
  std::string_view entry;  ///< its id in the stream, by which it is named
  std::string_view sender, target, message_id, reason, payload;
  uint64_t attempts = 0;
  WallMicros first = 0, last = 0;
};

/// Filters as given on the command line.
struct LetterFilterOptions {
  std::string sender, target, reason, message_id, since, until;

  bool any() const;
};

struct LetterFilter {
  std::string sender, target, reason, message_id;
  WallMicros since = std::numeric_limits<WallMicros>::min();
  WallMicros until = std::numeric_limits<WallMicros>::max();

  bool matches(const Letter& letter) const;
};

void add_letter_filters(Command& command, LetterFilterOptions& options);

/// @return kInvalidArgument that names the flag that is wrong.
Result<LetterFilter> letter_filter(const LetterFilterOptions& options, WallMicros now);

/// @return kInvalidArgument unless `text` is the id of an entry: "1795350096000-0".
Status check_letter_id(std::string_view text);

using OnLetter = std::function<bool(const Letter& letter)>;  ///< @return false: no more

Status each_letter(SyncRedis& redis, const Keys& keys, const LetterFilter& filter, bool newest_first,
                   const OnLetter& on_letter);

/// @return whether there is such a letter; it is handed to the callback then.
Result<bool> find_letter(SyncRedis& redis, const Keys& keys, const std::string& entry, const OnLetter& on_letter);

/// Appends {"letter":…}. @param payload whether with it: JSON where it is JSON, else `payload_base64`.
void append_letter_json(std::string& out, const Letter& letter, bool payload);

}  // namespace mas::ctl
