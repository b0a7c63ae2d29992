/* An agent: its life, its loop, its connection and its counters.
 * Part of mas.h, which says what holds for all functions. */
#ifndef MAS_AGENT_H
#define MAS_AGENT_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- An agent's life ----------------------------------------------------------------------------------------- */
/** Makes an agent. Sends nothing yet.
 *  @param id 1–128 of [A-Za-z0-9._-], starting with a letter or digit. Several processes may run the same id: each is
 *  an instance, and each gets every peer-to-peer message.
 *  @param options copied; NULL for defaults.
 *  @param ret_agent free with mas_agent_free. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_new(const char *id, const mas_options *options, mas_agent **ret_agent);

/** Frees an agent. An agent that runs is stopped first, without waiting: what is queued may be lost, and the
 *  registration may stay until the heartbeat expires. mas_agent_stop before that waits. The memory is kept when a
 *  callback of the agent calls this, or another thread does not return from a call on the agent within a second.
 *  In a callback or hook of the agent: its open direct requests and what its observer was told of end now, and no other
 *  callback or hook of it begins after this. The agent is stopped at the end of the call of this library that runs the
 *  callback (poll, start; of an observer also send, flush and others), which waits up to half a second for Redis;
 *  mas_agent_run then returns MAS_OK, mas_agent_poll and mas_agent_start return MAS_CANCELLED.
 *  In the callback of mas_agent_request_direct this has no effect: the agent runs on.
 *  @param agent not used afterwards; NULL is ignored. */
MAS_EXPORT void mas_agent_free(mas_agent *agent);

/** @return the agent's id; valid as long as the agent. */
MAS_EXPORT const char *mas_agent_id(const mas_agent *agent);
/** @return 32 hexadecimal digits that name this start of the agent; "" before mas_agent_start. Changes with every
 *  start, and in gateway mode whenever mas_stats.restarts counts. Each text is valid as long as the agent. */
MAS_EXPORT const char *mas_agent_instance(const mas_agent *agent);

/** Connects, subscribes, loads the state, registers and begins to beat; then runs the start hook.
 *  @param timeout_ms on MAS_TIMEOUT and MAS_UNREACHABLE nothing is left running; call again to try again.
 *  @return MAS_INVALID_STATE when the agent runs already; MAS_CANCELLED when mas_agent_quit() was called meanwhile; the
 *  hook's status if that is not MAS_OK (the agent is then stopped again). */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_start(mas_agent *agent, int timeout_ms);

/** Runs the stop hook, flushes queued messages (gateway mode: waits for their receipts), removes this instance's
 *  registration (and the agent's, when no other instance lives) and disconnects. Blocking requests return
 *  MAS_CANCELLED. Peer to peer, the requester of each request that was not handled gets MAS_HANDLER_FAILED. State stays
 *  in Redis. In gateway mode deferred messages stay unacknowledged (mas_message_defer), and
 *  the receipt callback gets all remaining receipts now; a message without a receipt is MAS_TIMEOUT (unknown; see
 *  mas_agent_send_again) or MAS_CANCELLED (never handed over).
 *  @return MAS_TIMEOUT when not everything could be flushed or removed in time: the registration then ends with the
 *  heartbeat's TTL. The agent is stopped in any case. MAS_OK on an agent that is not running. */
MAS_EXPORT mas_status mas_agent_stop(mas_agent *agent, int timeout_ms);

/** A start or stop hook. @return MAS_OK; mas_agent_start fails with anything else that the start hook returns. */
typedef mas_status (*mas_hook_fn)(mas_agent *agent, void *user);
/** Sets the start hook. Call it before mas_agent_start. */
MAS_EXPORT void mas_agent_on_start(mas_agent *agent, mas_hook_fn fn, void *user);
/** Sets the stop hook. */
MAS_EXPORT void mas_agent_on_stop(mas_agent *agent, mas_hook_fn fn, void *user);

/* ---- Running ------------------------------------------------------------------------------------------------- */
/** Runs the callbacks for everything that has arrived. Waits up to `timeout_ms` for the first of it.
 *  @param ret_handled the number of callbacks that ran; may be NULL.
 *  @return MAS_OK, also when nothing arrived; MAS_CANCELLED once after mas_agent_quit(), and when another thread stops
 *  the agent; MAS_INVALID_STATE when not started, in a callback, or while another thread polls this agent. */
MAS_EXPORT mas_status mas_agent_poll(mas_agent *agent, int timeout_ms, size_t *ret_handled);

/** Polls until mas_agent_quit() is called or another thread stops the agent.
 *  @return MAS_OK then; MAS_INVALID_STATE as mas_agent_poll. */
MAS_EXPORT mas_status mas_agent_run(mas_agent *agent);

/** Makes mas_agent_run() (or one mas_agent_poll() or mas_agent_start()) return; when none is running, the next call.
 *  Safe in callbacks, in signal handlers and from other threads. */
MAS_EXPORT void mas_agent_quit(mas_agent *agent);

/** For applications with an event loop of their own. @return a descriptor that polls as readable while callbacks wait;
 *  then call mas_agent_poll(agent, 0, NULL). Who watches edges (EPOLLET) repeats that until *ret_handled is 0. Valid as
 *  long as the agent. Do not read or close it. */
MAS_EXPORT int mas_agent_fd(const mas_agent *agent);

/* ---- Connection and overload --------------------------------------------------------------------------------- */
/** Whether an agent is connected to Redis. */
typedef enum mas_connection {
  MAS_DISCONNECTED = 0, /**< peer to peer, this agent misses messages published meanwhile; in gateway mode none */
  MAS_CONNECTED = 1     /**< registered and receiving */
} mas_connection;
/** Called in mas_agent_poll for each change after mas_agent_start.
 *  @param state what it is now. @param detail one sentence; valid during the call. */
typedef void (*mas_connection_fn)(mas_agent *agent, mas_connection state, const char *detail, void *user);
/** Sets the connection callback. */
MAS_EXPORT void mas_agent_on_connection(mas_agent *agent, mas_connection_fn fn, void *user);

/** Called in mas_agent_poll after messages were dropped from the full inbound queue.
 *  @param dropped their number since the last call. */
typedef void (*mas_overflow_fn)(mas_agent *agent, uint64_t dropped, void *user);
/** Sets the overflow callback. */
MAS_EXPORT void mas_agent_on_overflow(mas_agent *agent, mas_overflow_fn fn, void *user);

/** Counters since mas_agent_new. */
typedef struct mas_stats {
  uint64_t sent;           /**< messages handed to Redis and answered by it */
  uint64_t undelivered;    /**< of these, messages that reached nobody */
  uint64_t send_failed;    /**< messages that Redis did not take, or with an unknown outcome */
  uint64_t received;       /**< well-formed messages */
  uint64_t malformed;      /**< dropped: not an envelope for this agent; the debug callback gets sender and reason */
  uint64_t dropped;        /**< dropped: the inbound queue was full */
  uint64_t unhandled;      /**< messages without a handler for their type */
  uint64_t handler_failed; /**< messages whose handler did not return MAS_OK, or that were answered by an error reply */
  uint64_t late_replies;   /**< replies to requests that had ended */
  uint64_t reconnects;     /**< connections to Redis after the first */
  /* Gateway mode. */
  uint64_t refused;         /**< messages that the gateway refused */
  uint64_t duplicates;      /**< dropped: the dedupe window had them already */
  uint64_t stray_receipts;  /**< receipts for messages that do not wait for one */
  uint64_t restarts;        /**< times the agent continued as a new instance, after Redis had lost data for example */
  uint64_t losses;          /**< times the agent's streams had lost data: messages may be gone */
  uint64_t reports_refused; /**< failed handlers whose report is refused for good: handled again at the next start */
  /* Both modes. */
  uint64_t foreign_replies; /**< dropped: replies of agents that were not asked, or not on the reply stream */
  /** Requests answered by an error reply: by the library, or by mas_message_reply_error. */
  uint64_t error_replies;
  /** Gateway mode: accepted messages that Redis may have lost (mas_agent_on_doubt). */
  uint64_t in_doubt;
} mas_stats;
/** Reads the counters. @param ret_stats receives them; members that this version does not know stay as they are.
 *  @param size sizeof(mas_stats) of the caller: later versions may add members at the end. */
MAS_EXPORT void mas_agent_stats(const mas_agent *agent, mas_stats *ret_stats, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* MAS_AGENT_H */
