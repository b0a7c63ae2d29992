// W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context-1/): `meta.traceparent` and `meta.tracestate`.
//
// Happy path: whoever takes a context over from a message, or from an application, checks both texts here first.
// Failure modes: an invalid traceparent makes its tracestate worthless, too; an invalid tracestate harms nothing else.
// Neither makes a message invalid.
// Threading: pure. Ownership: views of what was passed in.
#pragma once

#include <cstddef>
#include <string_view>

namespace mas {

/// Bytes of a traceparent of version 00, the one that this library writes.
inline constexpr size_t kTraceparentBytes = 55;

/// A message's place in a trace; both texts are empty where it has none.
struct TraceContext {
  std::string_view traceparent;
  std::string_view tracestate;  ///< empty without a traceparent
};

/// @return whether it is a traceparent of version 00, or of a later version that begins with the fields of version 00:
/// lower-case digits, and neither the trace's id nor the parent's is zero.
bool is_traceparent(std::string_view text);

/// @return whether it is a traceparent of ids and flags alone, as of version 00: nothing else has room in it.
bool is_plain_traceparent(std::string_view text);

/// @return whether it is a list of at most 32 members `key=value`, not empty, in at most limits::kMetaTextBytes bytes.
bool is_tracestate(std::string_view text);

/// @return the valid part of a received context.
TraceContext valid_context(std::string_view traceparent, std::string_view tracestate);

}  // namespace mas
