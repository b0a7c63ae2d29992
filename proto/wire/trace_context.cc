// The grammar of traceparent and tracestate.
#include "proto/wire/trace_context.h"

#include <algorithm>

#include "proto/wire/limits.h"

namespace mas {
namespace {

constexpr size_t kTracestateMembers = 32;
constexpr size_t kKeyBytes = 256, kTenantBytes = 241, kSystemBytes = 14;
constexpr size_t kValueBytes = 256;

// Where the fields of a traceparent stand: version-trace_id-parent_id-flags.
constexpr size_t kTraceIdAt = 3, kParentIdAt = 36, kFlagsAt = 53;
constexpr size_t kDashes[] = {2, 35, 52};

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_lower_or_digit(char c) { return is_lower(c) || (c >= '0' && c <= '9'); }
bool all_zero(std::string_view digits) { return digits.find_first_not_of('0') == std::string_view::npos; }

std::string_view without_space(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// @param digit_first whether it may begin with a digit.
bool is_key_part(std::string_view part, size_t most, bool digit_first) {
  auto allowed = [](char c) {
    return is_lower_or_digit(c) || std::string_view("_-*/").find(c) != std::string_view::npos;
  };
  if (part.empty() || part.size() > most) return false;
  const bool begins = is_lower(part.front()) || (digit_first && is_lower_or_digit(part.front()));
  return begins && std::all_of(part.begin(), part.end(), allowed);
}

/// Of both forms, `key` and `tenant@system`.
bool is_key(std::string_view key) {
  const size_t at = key.find('@');
  if (at == std::string_view::npos) return is_key_part(key, kKeyBytes, false);
  return is_key_part(key.substr(0, at), kTenantBytes, true) && is_key_part(key.substr(at + 1), kSystemBytes, false);
}

bool is_value(std::string_view value) {
  auto allowed = [](char c) { return c >= ' ' && c <= '~' && c != '='; };
  return !value.empty() && value.size() <= kValueBytes && std::all_of(value.begin(), value.end(), allowed);
}

bool is_member(std::string_view member) {
  const size_t equals = member.find('=');
  return equals != std::string_view::npos && is_key(member.substr(0, equals)) && is_value(member.substr(equals + 1));
}

}  // namespace

bool is_traceparent(std::string_view text) {
  if (text.size() < kTraceparentBytes) return false;
  const std::string_view fields = text.substr(0, kTraceparentBytes);
  for (size_t i = 0; i < fields.size(); ++i) {
    const bool dash = std::find(std::begin(kDashes), std::end(kDashes), i) != std::end(kDashes);
    if (dash ? fields[i] != '-' : !is_hex(fields[i])) return false;
  }
  if (fields.starts_with("ff")) return false;
  if (text.size() > kTraceparentBytes && (fields.starts_with("00") || text[kTraceparentBytes] != '-')) return false;
  return !all_zero(fields.substr(kTraceIdAt, 32)) && !all_zero(fields.substr(kParentIdAt, kFlagsAt - 1 - kParentIdAt));
}

bool is_plain_traceparent(std::string_view text) { return text.size() == kTraceparentBytes && is_traceparent(text); }

bool is_tracestate(std::string_view text) {
  if (text.size() > limits::kMetaTextBytes) return false;
  size_t members = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view member = without_space(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (member.empty()) continue;  // the grammar allows it
    if (++members > kTracestateMembers || !is_member(member)) return false;
  }
  return members > 0;
}

TraceContext valid_context(std::string_view traceparent, std::string_view tracestate) {
  if (!is_traceparent(traceparent)) return {};
  return {traceparent, is_tracestate(tracestate) ? tracestate : std::string_view()};
}

}  // namespace mas
