// Tracing: what an observer is told of an agent's messages, and the trace context of what a thread sends. mas/trace.h
// says on which thread each event runs.
#ifndef MAS_TRACE_HPP
#define MAS_TRACE_HPP

#include <mas.h>
#include <mas/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mas {
inline namespace MAS_HPP_NAMESPACE {

/// The start or the end of a message that is sent, or handled. Texts are valid during the call.
struct TraceEvent {
  mas_trace_kind kind;
  mas_trace_phase phase;
  uint64_t number;  ///< the same at the start and at the end
  int64_t started_us, ended_us;
  std::string_view peer, type, message_id, correlation_id, conversation_id;
  uint32_t attempt;
  mas_status outcome;
  size_t body_size;
  std::string_view body;  ///< at the start, with MAS_TRACE_PAYLOAD
  std::string_view traceparent, tracestate;
  void *&span;  ///< the observer's own

  explicit TraceEvent(mas_trace_event &event)
      : kind(event.kind),
        phase(event.phase),
        number(event.number),
        started_us(event.started_us),
        ended_us(event.ended_us),
        peer(event.peer),
        type(event.type),
        message_id(event.message_id),
        correlation_id(event.correlation_id),
        conversation_id(event.conversation_id),
        attempt(event.attempt),
        outcome(event.outcome),
        body_size(event.body_size),
        traceparent(event.traceparent),
        tracestate(event.tracestate),
        span(event.span) {
    if (event.body != nullptr) body = {event.body, event.body_size};
  }
};

namespace detail {
inline Result<void> set_trace(const std::string &traceparent, const std::string &tracestate) {
  return result_of(mas_trace_set(traceparent.c_str(), tracestate.c_str()));
}
}  // namespace detail

namespace results {
/// Sets the trace context of what the calling thread sends; "" ends it.
inline Result<void> set_trace(const std::string &traceparent, const std::string &tracestate = "") {
  return detail::set_trace(traceparent, tracestate);
}
}  // namespace results

#ifdef __cpp_exceptions
/// Sets the trace context of what the calling thread sends; "" ends it.
inline void set_trace(const std::string &traceparent, const std::string &tracestate = "") {
  Throwing::give(detail::set_trace(traceparent, tracestate));
}
#endif

}  // namespace MAS_HPP_NAMESPACE
}  // namespace mas

#endif  // MAS_TRACE_HPP
