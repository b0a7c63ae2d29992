// What a gateway decides about a message. Names and values are stable API; decisions.def is the one table.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/base/result.h"

namespace mas {

enum class Decision : uint8_t {
#define MAS_DECISION(name, value, text, accepted, errc, meaning) name = value,
#include "proto/base/decisions.def"
#undef MAS_DECISION
};

/// @return the stable name, such as "AUTHZ_DENIED"; "UNKNOWN" for a value outside the table.
std::string_view decision_text(Decision decision);

/// @return whether `value` is in the table.
bool is_decision(uint8_t value);

std::optional<Decision> parse_decision(std::string_view text);

/// @return whether the message is in the target's stream.
bool decision_accepted(Decision decision);

/// @return what a refusal is as an error code; nullopt for an accepted message.
std::optional<Errc> decision_errc(Decision decision);

/// One sentence for people.
std::string_view decision_meaning(Decision decision);

/// Calls `fn(Decision)` for each decision, in the order of the table.
template <typename Fn>
void for_each_decision(Fn&& fn) {
#define MAS_DECISION(name, value, text, accepted, errc, meaning) fn(Decision::name);
#include "proto/base/decisions.def"
#undef MAS_DECISION
}

}  // namespace mas
