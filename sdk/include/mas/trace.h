/* Tracing: the W3C trace context of messages, and observers of what an agent sends and handles.
 * Part of mas.h, which says what holds for all functions. */
#ifndef MAS_TRACE_H
#define MAS_TRACE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Tracing ------------------------------------------------------------------------------------------------- */
/* A message carries the trace context of what caused it: that of the message whose handler sends it, or what
 * mas_trace_set says. A reply carries its request's, also when the handler has returned. Without either, a message
 * carries none. */

/** @return the W3C traceparent that the message came with; "" without a valid one. Valid as long as the message. */
MAS_EXPORT const char *mas_message_traceparent(const mas_message *message);
/** @return the W3C tracestate that the message came with; "" without a valid one, or without a traceparent. Valid as
 *  long as the message. */
MAS_EXPORT const char *mas_message_tracestate(const mas_message *message);

/** Sets the trace context of what the calling thread sends from now on: messages, requests and replies. It is stronger
 *  than that of the handled message. What a handler sets ends with the handler. In an observer, at a start, it sets the
 *  context of that one message instead (mas_trace_fn).
 *  @param traceparent as W3C Trace Context has it, such as
 *  "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"; of a later version than 00 the fields of 00 are taken.
 *  NULL or "": no context is set any more.
 *  @param tracestate at most 512 bytes; NULL or "": none.
 *  @return MAS_INVALID_ARGUMENT when one of them is invalid, or a tracestate stands alone; MAS_INVALID_STATE in an
 *  observer at an end or a late start. Nothing changes then. */
MAS_EXPORT MAS_CHECKED mas_status mas_trace_set(const char *traceparent, const char *tracestate);

/** What is observed. Values are ABI. */
typedef enum mas_trace_kind {
  MAS_TRACE_SEND = 1,        /**< a message is sent; it ends with its outcome, as a receipt has it */
  MAS_TRACE_REQUEST = 2,     /**< a request is sent; it ends as the request does */
  MAS_TRACE_REPLY = 3,       /**< a reply is sent; it ends with its outcome */
  MAS_TRACE_ERROR_REPLY = 4, /**< an error reply is sent, by the library too; it ends with its outcome */
  MAS_TRACE_HANDLE = 5       /**< a message is handled; it ends with the handler's status, or when it is settled */
} mas_trace_kind;

/** Of what is observed, the beginning or the end. Values are ABI. */
typedef enum mas_trace_phase { MAS_TRACE_START = 1, MAS_TRACE_END = 2 } mas_trace_phase;

/** What an observer is told. Texts are valid during the call, and "" when there is none. */
typedef struct mas_trace_event {
  size_t size;                 /**< bytes of this struct that the library has filled; later versions may add members */
  mas_trace_kind kind;         /**< what is observed */
  mas_trace_phase phase;       /**< its start or its end */
  uint64_t number;             /**< the same at the start and at the end, and of this agent's nothing else has it */
  int64_t started_us;          /**< when it started, by this host's clock: microseconds since 1970 */
  int64_t ended_us;            /**< when it ended; 0 at the start */
  const char *peer;            /**< the other agent: target of what is sent, sender of what is handled */
  const char *type;            /**< the message's type */
  const char *message_id;      /**< the message's id */
  const char *correlation_id;  /**< of a request its message id, of a reply that of its request */
  const char *conversation_id; /**< the conversation that the message belongs to */
  uint32_t attempt;            /**< of a handled message the delivery attempt, starting at 1; else 0 */
  mas_status outcome;          /**< at the end; MAS_OK at the start */
  size_t body_size;            /**< bytes of the message's JSON object */
  const char *body;        /**< the JSON object, `body_size` bytes: at the start, with MAS_TRACE_PAYLOAD; else NULL */
  const char *traceparent; /**< the context that is in force, which an observer may have set at the start */
  const char *tracestate;  /**< likewise */
  void *span;              /**< the observer's own: what it stores here at the start, it gets at the end; NULL first */
} mas_trace_event;

/** Observes an agent's messages. Every start has exactly one end, also when a send fails, a request is cancelled, a
 *  handler's thread ends, or the agent stops: an outcome that is not known then is MAS_TIMEOUT, what has not ended is
 *  MAS_CANCELLED.
 *
 *  Threads   A start runs in the thread that sends, inside that call, before the message is written; for a handler, in
 *            the polling thread before the handler runs. An end runs in the call that it ends, or in the next one of
 *            these on the agent, whichever thread makes it: mas_agent_poll, mas_agent_run, a send, a request, a reply,
 *            mas_message_settle, mas_agent_flush, mas_agent_stop. So several threads may run the observer at the same
 *            time.
 *            Nothing runs on the I/O thread, except the start of what a callback of mas_agent_request_direct sends.
 *  Context   At a start, mas_trace_set replaces the context that the message carries; for a handler, the one that is
 *            passed on by what the handler sends, and by replies to the message at any time. So the observer's span
 *            becomes the parent of what follows from it. NULL, NULL ends the trace there.
 *  Free      No event comes after mas_agent_free has returned. What is under way ends in it, also when a callback of
 *            the agent calls it: a handler that does so ends with MAS_CANCELLED. A call of the observer that began
 *            earlier on another thread is waited for, but no longer than a second. When an observer frees the agent,
 *            what is under way has no end.
 *  Limits    It cannot start, poll or stop an agent, and must not be left by longjmp. What it sends itself is not
 *            observed. When it throws an exception, that ends this call of it and nothing else. When its thread ends in
 *            it (pthread_exit, cancellation), a message that was to be sent is not sent, and one that was to be handled
 *            has failed.
 *  Late      The library's error reply is sent at once also when the handler's thread ends, or a deferred message is
 *            released and not settled. No observer runs there: its start is told right before its end, and carries the
 *            context of the handler, which cannot be replaced any more (MAS_INVALID_STATE).
 *  Refusals  A message with an invalid target or type has no event. Everything else is checked after the start, such as
 *            its body: a message that is refused then ends with that status.
 *  @param event its `span` may be changed at the start. */
typedef void (*mas_trace_fn)(mas_agent *agent, mas_trace_event *event, void *user);

/** What an observer wants. */
typedef enum mas_trace_flags {
  MAS_TRACE_PAYLOAD = 1 /**< the bodies of messages, too */
} mas_trace_flags;

/** Sets the observer of an agent's messages. Without one, tracing costs nothing but context that messages carry.
 *  @param flags MAS_TRACE_… flags, or 0.
 *  @return MAS_INVALID_STATE while the agent runs; MAS_INVALID_ARGUMENT for unknown flags. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_on_trace(mas_agent *agent, unsigned flags, mas_trace_fn fn, void *user);

#ifdef __cplusplus
}
#endif

#endif /* MAS_TRACE_H */
