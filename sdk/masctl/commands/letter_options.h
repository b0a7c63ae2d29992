// Which dead letters a command is about, as the command line says it, and a letter as JSON.
#pragma once

#include <string>

#include "sdk/masctl/redis/dead_letters.h"

namespace mas::ctl {

class Command;

/// Filters as given on the command line.
struct LetterFilterOptions {
  bool unproven = false;
  std::string sender, target, reason, message_id, since, until;

  bool any() const;
  LetterQueue queue() const { return unproven ? LetterQueue::kUnproven : LetterQueue::kMessages; }
};

void add_unproven_flag(Command& command, bool& unproven);
/// Those that messages which wait for a person have.
void add_held_filters(Command& command, LetterFilterOptions& options);
void add_letter_filters(Command& command, LetterFilterOptions& options);

/// @return kInvalidArgument that names the flag that is wrong.
Result<LetterFilter> letter_filter(const LetterFilterOptions& options, WallMicros now);

/// Appends {"letter":…}. @param payload whether with it: JSON where it is JSON, else `payload_base64`.
void append_letter_json(std::string& out, const Letter& letter, LetterQueue queue, bool payload);

}  // namespace mas::ctl
