/* Requests and their replies. Part of mas.h, which says what holds for all functions. */
#ifndef MAS_REQUEST_H
#define MAS_REQUEST_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Requests ------------------------------------------------------------------------------------------------ */
/** Sends a request and waits for its reply. May be called from a handler; other callbacks wait meanwhile.
 *  @param ret_reply the reply; release it with mas_message_unref.
 *  @return MAS_NO_RECEIVER at once when nobody listens; the reason at once when the gateway refuses the request;
 *  MAS_NO_HANDLER, MAS_INVALID_PAYLOAD, MAS_HANDLER_FAILED or MAS_UNAVAILABLE at once when the target's error reply
 *  says so (mas_error_reply_code); MAS_TIMEOUT; MAS_CANCELLED at a stop; else as mas_agent_send. Peer to peer, where
 *  several subscribers got the request, an error reply counts once all of them have sent one, or at the time-out. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_request(mas_agent *agent, const char *target, const char *type,
                                                    const char *json, size_t size, int timeout_ms,
                                                    mas_message **ret_reply);

/** The end of an asynchronous request. Runs exactly once, unless the request was cancelled: in mas_agent_poll, or
 *  with MAS_CANCELLED in mas_agent_stop or mas_agent_free.
 *  @param status as mas_agent_request returns it. @param reply borrowed; NULL unless `status` is MAS_OK. */
typedef void (*mas_reply_fn)(mas_agent *agent, mas_status status, const mas_message *reply, void *user);

/** Sends a request and returns; `fn` gets the reply.
 *  @param ret_request for mas_request_cancel; may be NULL. Free with mas_request_free, before or after the end.
 *  @return as mas_agent_send. MAS_WOULD_BLOCK also when the number of requests that are under way, or have ended and
 *  were not polled, has reached the outbound queue's bound of messages. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_request_async(mas_agent *agent, const char *target, const char *type,
                                                          const char *json, size_t size, int timeout_ms,
                                                          mas_reply_fn fn, void *user, mas_request **ret_request);
/** As mas_agent_request_async, but needs no mas_agent_poll: `fn` runs as soon as the request ends, on the I/O thread or
 *  on one that calls this library, with `agent` NULL.
 *  @param fn must be quick, throw nothing, and call only mas_message_… and mas_schema_… functions. A function that
 *  waits returns MAS_INVALID_STATE in it.
 *  @param ret_request as there. @return as mas_agent_request_async. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_request_direct(mas_agent *agent, const char *target, const char *type,
                                                           const char *json, size_t size, int timeout_ms,
                                                           mas_reply_fn fn, void *user, mas_request **ret_request);
/** Cancels a request: after this returns, `fn` does not start.
 *  @param request from mas_agent_request_async or mas_agent_request_direct.
 *  @return MAS_NOT_FOUND when it has ended already. */
MAS_EXPORT mas_status mas_request_cancel(mas_request *request);
/** Frees the handle; the request itself goes on. @param request NULL is ignored. */
MAS_EXPORT void mas_request_free(mas_request *request);

#ifdef __cplusplus
}
#endif

#endif /* MAS_REQUEST_H */
