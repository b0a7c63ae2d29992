// Circuits as texts.
#include "daemons/gatewayd/breaker/circuit.h"

#include "proto/base/ids.h"
#include "proto/base/numbers.h"

namespace mas::gateway {
namespace {

constexpr WallMicros kMaxTime = 9'000'000'000'000'000;  // seconds with six decimals stay within 16 digits

enum Field : size_t { kState, kGeneration, kSince, kUntil, kOpens, kCause };

Error odd(Field field, std::string_view text, std::string_view expected) {
  return {Errc::kMalformed, "circuit: " + std::string(kCircuitFields[field]) + " is '" + printable(text, 64) +
                                "', expected " + std::string(expected)};
}

template <typename Number>
bool read_number(std::string_view text, Number& ret_number) {
  auto number = parse_number<Number>(text);
  if (number) ret_number = *number;
  return number.has_value();
}

/// Seconds with at most six decimals.
bool read_time(std::string_view text, WallMicros& ret_time) {
  const size_t dot = std::min(text.find('.'), text.size());
  std::string_view fraction = text.substr(std::min(dot + 1, text.size()));
  uint64_t seconds = 0, micros = 0;
  if (!read_number(text.substr(0, dot), seconds) || fraction.size() > 6) return false;
  if (dot < text.size() && !read_number(fraction, micros)) return false;
  for (size_t i = fraction.size(); i < 6; ++i) micros *= 10;
  if (seconds > static_cast<uint64_t>(kMaxTime / 1'000'000)) return false;
  ret_time = static_cast<WallMicros>(seconds * 1'000'000 + micros);
  return true;
}

template <typename Enum, size_t kCount>
bool read_name(std::string_view text, const std::string_view (&names)[kCount], Enum& ret_value) {
  for (size_t i = 0; i < kCount; ++i) {
    if (names[i] != text) continue;
    ret_value = static_cast<Enum>(i);
    return true;
  }
  return false;
}

std::string time_text(WallMicros time) {
  if (time == 0) return "0";
  std::string text;
  append_seconds(text, time);
  return text;
}

}  // namespace

std::array<std::string, kCircuitFields.size()> circuit_values(const Circuit& circuit) {
  return {std::string(kCircuitStateNames[static_cast<size_t>(circuit.state)]),
          std::to_string(circuit.generation),
          time_text(circuit.since),
          time_text(circuit.until),
          std::to_string(circuit.opens),
          std::string(kCircuitCauseNames[static_cast<size_t>(circuit.cause)])};
}

Result<Circuit> parse_circuit(std::span<const std::optional<std::string_view>> values) {
  std::array<std::optional<std::string_view>, kCircuitFields.size()> have;
  bool any = false;
  for (size_t i = 0; i < have.size() && i < values.size(); ++i) {
    have[i] = values[i];
    any = any || values[i].has_value();
  }
  Circuit circuit;
  if (!any) return circuit;
  for (Field field : {kState, kGeneration, kSince})
    if (!have[field]) return Error{Errc::kMalformed, "circuit: " + std::string(kCircuitFields[field]) + " is missing"};
  if (!read_name(*have[kState], kCircuitStateNames, circuit.state))
    return odd(kState, *have[kState], "closed, half_open, open or forced_open");
  if (!read_number(*have[kGeneration], circuit.generation) || circuit.generation == 0)
    return odd(kGeneration, *have[kGeneration], "a number from 1");
  if (!read_time(*have[kSince], circuit.since)) return odd(kSince, *have[kSince], "seconds");
  if (have[kUntil] && !read_time(*have[kUntil], circuit.until)) return odd(kUntil, *have[kUntil], "seconds");
  if (have[kOpens] && !read_number(*have[kOpens], circuit.opens)) return odd(kOpens, *have[kOpens], "a number");
  if (have[kCause] && !read_name(*have[kCause], kCircuitCauseNames, circuit.cause))
    return odd(kCause, *have[kCause], "failures, inactive or operator");
  return circuit;
}

Circuit closed_circuit(std::span<const std::optional<std::string_view>> values) {
  Circuit circuit;
  bool known =
      values.size() > kGeneration && values[kGeneration] && read_number(*values[kGeneration], circuit.generation);
  if (!known) circuit.generation = 0;
  return circuit;
}

}  // namespace mas::gateway
