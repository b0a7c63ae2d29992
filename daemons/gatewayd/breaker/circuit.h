// A target's circuit as all gateways share it: the hash `circuit:{id}`, its fields, and how a change of it is written.
//
// Redis has the authoritative state. Every change increments `generation` and is written only if the generation has not
// changed since it was read (kWriteCircuit): of two concurrent changes the first wins, and the other gateway learns the
// result by the invalidation. So there is nothing to merge. A missing hash is a circuit that never changed.
//
//     field       content                                                           absent
//     state       closed, half_open, open or forced_open                            required
//     generation  number from 1                                                     required
//     since       when the state began, seconds                                     required
//     until       open: when trials may begin; 0: not by time                       0
//     opens       how often it opened in a row, without staying closed between      0
//     cause       failures, inactive or operator; what opened it, or last did       failures
//
// Failure: an unreadable circuit is an error with a sentence. A breaker protects availability, not access, so its
// reader treats such a circuit as closed (closed_circuit) and reports it; the next change replaces it. An operator's
// `forced_open` is written by masctl, not by hand.
// Threading: plain data.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proto/base/clock.h"
#include "proto/base/result.h"

namespace mas::gateway {

enum class CircuitState : uint8_t { kClosed, kHalfOpen, kOpen, kForcedOpen };
inline constexpr std::string_view kCircuitStateNames[] = {"closed", "half_open", "open", "forced_open"};

enum class CircuitCause : uint8_t { kFailures, kInactive, kOperator };
inline constexpr std::string_view kCircuitCauseNames[] = {"failures", "inactive", "operator"};

struct Circuit {
  CircuitState state = CircuitState::kClosed;
  uint64_t generation = 0;  ///< 0: never changed
  WallMicros since = 0;
  WallMicros until = 0;
  uint32_t opens = 0;
  CircuitCause cause = CircuitCause::kFailures;

  bool operator==(const Circuit&) const = default;
};

/// The fields of `circuit:{id}`, in the order in which circuit_values() gives and parse_circuit() takes their values.
inline constexpr std::array<std::string_view, 6> kCircuitFields = {"state", "generation", "since",
                                                                   "until", "opens",      "cause"};

std::array<std::string, kCircuitFields.size()> circuit_values(const Circuit& circuit);

/// @param values of kCircuitFields as HMGET answered them. None at all: a circuit that never changed.
/// @return kMalformed that names the field and what was expected.
Result<Circuit> parse_circuit(std::span<const std::optional<std::string_view>> values);

/// What to go by where parse_circuit() refuses: closed, with the generation as far as that can be read.
Circuit closed_circuit(std::span<const std::optional<std::string_view>> values);

/// KEYS: circuit:{id}. ARGV: the generation that the change was made from, then fields and values. @return 1 if it was
/// written.
inline constexpr std::string_view kWriteCircuit = R"lua(
local held = redis.pcall('HGET', KEYS[1], 'generation')
if type(held) == 'table' then return 0 end
local from = held and string.match(held, '^%d+$') and tonumber(held) or 0
if from ~= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
)lua";

}  // namespace mas::gateway
