// Identifiers: agent ids, instance ids, message ids. Pure but for the randomness they are drawn from.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/base/clock.h"
#include "proto/base/result.h"

namespace mas {

constexpr size_t kMaxAgentIdBytes = 128;

/// Checks an agent id that this system admits: 1–128 of [A-Za-z0-9._-], starting with a letter or digit.
/// @return ok, or kInvalidArgument with a sentence that quotes the id (shortened) and says what was expected.
Status check_agent_id(std::string_view id);

/// @return whether `id` is safe to show and to address in peer-to-peer mode although `check_agent_id` refuses
/// it: 1–512 bytes of valid UTF-8 without control characters. Foreign programs use such ids.
bool is_foreign_agent_id(std::string_view id);

/// @return whether `text`, valid UTF-8, has a control character (U+0000 to U+001F, U+007F to U+009F).
bool has_control_character(std::string_view text);

/// 128 bits as a value: an instance of an agent or daemon (random), or a message id (UUIDv7, RFC 9562 §5.7).
struct Id128 {
  std::array<unsigned char, 16> bytes{};

  auto operator<=>(const Id128&) const = default;
  /// 32 lower-case hexadecimal digits.
  std::string hex() const;
};

/// @return 128 random bits; names one start of an agent or daemon.
Id128 new_instance_id();

/// @return a UUIDv7: 48 bits of milliseconds, then 74 random bits. Sorts by time across processes.
Id128 new_uuid_v7(WallMicros now);

/// Appends the 36-character form, 8-4-4-4-12, of a UUID.
void append_uuid(std::string& out, const Id128& id);

/// @return `text` fit for one line of a log or an error: control characters and invalid UTF-8 replaced by
/// '?', cut to `max_bytes` with "…".
std::string printable(std::string_view text, size_t max_bytes = 64);

}  // namespace mas
