/* What every part of the C interface uses: versions, statuses, errors, handles.
 * Part of mas.h, which says what holds for all functions. */
#ifndef MAS_BASE_H
#define MAS_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MAS_EXPORT __attribute__((visibility("default"))) /**< a function of the library */
#define MAS_CHECKED __attribute__((warn_unused_result))   /**< a function whose result must be looked at */
#else
#define MAS_EXPORT
#define MAS_CHECKED
#endif

/* ---- Version ------------------------------------------------------------------------------------------------- */
#define MAS_VERSION_MAJOR 0 /**< programs built with another one are not served */
#define MAS_VERSION_MINOR 1 /**< additions; while the major version is 0, also changes */
#define MAS_VERSION_PATCH 0 /**< corrections */
/** The version of this header as one number: 0.1.0 is 1000. */
#define MAS_VERSION (MAS_VERSION_MAJOR * 1000000 + MAS_VERSION_MINOR * 1000 + MAS_VERSION_PATCH)

/** @return the version of the library that is running, such as "0.1.0". */
MAS_EXPORT const char *mas_version(void);

/** @return whether the running library can serve a program compiled against `header_version`: it has the same major
 *  version, while that is 0 also the same minor one, and is not older. Call as mas_version_compatible(MAS_VERSION).
 *  @param header_version major * 1,000,000 + minor * 1,000 + patch. */
MAS_EXPORT bool mas_version_compatible(int header_version);

/* ---- Status -------------------------------------------------------------------------------------------------- */
/** Why a call failed. Values are ABI: they are never changed or reused; new ones may be added. */
typedef enum mas_status {
  MAS_OK = 0,
  MAS_INVALID_ARGUMENT = 1, /**< the call's arguments are wrong */
  MAS_INVALID_STATE = 2,    /**< not possible now: not started, already started, or called from a callback */
  MAS_TOO_LARGE = 3,        /**< past a limit (proto/README.md lists them) */
  MAS_MALFORMED = 4,        /**< not the expected JSON */
  MAS_NOT_FOUND = 5,        /**< no such field or agent */
  MAS_TIMEOUT = 6,          /**< retriable: no answer in time */
  MAS_CANCELLED = 7,        /**< ended by the application: cancel, stop */
  MAS_WOULD_BLOCK = 8,      /**< retriable: a queue is full */
  MAS_UNREACHABLE = 9,      /**< retriable: no connection to Redis; nothing was sent */
  MAS_CONNECTION_LOST = 10, /**< retriable: the connection broke; whether Redis acted is unknown */
  MAS_REFUSED = 11,         /**< Redis answered with an error */
  MAS_NO_RECEIVER = 12,     /**< retriable: no instance of that agent listens */
  MAS_AUTH_FAILED = 13,     /**< Redis refused user, password or permission */
  MAS_PROTOCOL = 14,        /**< the server that answered does not speak the protocol */
  MAS_UNAVAILABLE = 15,     /**< retriable: Redis is loading, read-only or out of memory */
  MAS_NO_MEMORY = 16,       /**< retriable */
  MAS_INTERNAL = 17,        /**< a bug of this library */
  MAS_HANDLER_FAILED = 18,  /**< the message could not be handled: for handlers, and the answer to a request */
  /* The gateway refused the message and did not deliver it; proto/README.md lists its decisions. */
  MAS_REVOKED = 19,           /**< the sender's identity was revoked, or has expired */
  MAS_SUSPENDED = 20,         /**< the sender's identity is suspended */
  MAS_SIGNATURE_INVALID = 21, /**< the signature does not match what was sent */
  MAS_REPLAYED = 22,          /**< retriable: the timestamp is outside the gateway's window */
  MAS_AUTHZ_DENIED = 23,      /**< no rule lets this sender send this to the target */
  MAS_RATE_LIMITED = 24,      /**< retriable: the sender is over its rate */
  MAS_DLP_BLOCKED = 25,       /**< the payload contains data that must not be sent */
  MAS_CIRCUIT_OPEN = 26,      /**< retriable: the target's circuit breaker is open */
  MAS_TARGET_NOT_FOUND = 27,  /**< no such agent, or it is not in gateway mode */
  MAS_TARGET_OVERLOADED = 28, /**< retriable: the target's backlog is at its bound */
  MAS_EXPIRED = 29,           /**< the message's deadline has passed */
  MAS_LOOP_DETECTED = 30,     /**< the message was passed on too often */
  MAS_DLQ_FULL = 31,          /**< retriable: the dead-letter queue is at its bound */
  /* The request reached its target, which could not answer it; see mas_error_reply_code(). Also for handlers. */
  MAS_NO_HANDLER = 32,      /**< the target has no handler for messages of this type */
  MAS_INVALID_PAYLOAD = 33, /**< the data does not have the form that the target's handler expects */
  /* The gateway keeps the message. Nothing tells the sender what becomes of it. */
  MAS_HELD = 34 /**< the message waits until a person grants or denies it; do not send it again */
} mas_status;

/** @param status any value. @return a short constant text such as "timeout"; "unknown" for a value without a name. */
MAS_EXPORT const char *mas_status_text(mas_status status);

/** @param status any value. @return whether the same call may succeed later without the caller changing anything. */
MAS_EXPORT bool mas_status_retriable(mas_status status);

/** @return one sentence about the last call on this thread that did not return MAS_OK: what was wrong and what was
 *  expected; "" before the first. Valid until the next failing call on this thread. Never contains secrets. */
MAS_EXPORT const char *mas_error_detail(void);

/** The mas_receipt_… functions describe the last receipt that the calling thread has seen: in a receipt callback, after
 *  mas_agent_send_wait, or after a request that a receipt ended. They are valid until the thread's next receipt.
 *  @return the gateway's decision, such as "ALLOWED" or "RATE_LIMITED" (proto/README.md lists them); "" when the
 *  gateway has not decided, and in peer-to-peer mode. */
MAS_EXPORT const char *mas_receipt_decision(void);
/** @return one sentence about the decision, or "". */
MAS_EXPORT const char *mas_receipt_detail(void);
/** @return for RATE_LIMITED and the like: the milliseconds after which the message would pass; 0 if not stated. */
MAS_EXPORT int64_t mas_receipt_retry_after(void);

/** The mas_error_reply_… functions describe the error reply that ended the calling thread's last request: after
 *  mas_agent_request, or in a reply callback. They are valid until the thread's next request ends.
 *  @return the error reply's code, such as "NO_HANDLER" or "INVALID_PAYLOAD" (proto/README.md lists them), also one
 *  that this version does not know and whose status therefore is MAS_HANDLER_FAILED; "" when no error reply ended
 *  it. */
MAS_EXPORT const char *mas_error_reply_code(void);
/** @return the target's sentence about it, at most 512 bytes without control characters, or "". The target wrote it. */
MAS_EXPORT const char *mas_error_reply_text(void);

#define MAS_STRLEN SIZE_MAX /**< as the size of a text: up to its terminating zero */

/** Frees what a function returned with the note "free with mas_free".
 *  @param memory not used afterwards; NULL is ignored. */
MAS_EXPORT void mas_free(void *memory);

/* ---- Types --------------------------------------------------------------------------------------------------- */
typedef struct mas_options mas_options;       /**< the settings of a new agent; owned by the caller */
typedef struct mas_agent mas_agent;           /**< one agent; owned by the caller */
typedef struct mas_message mas_message;       /**< a received message; borrowed in callbacks, see mas_message_ref */
typedef struct mas_request mas_request;       /**< an asynchronous request under way; owned by the caller */
typedef struct mas_agent_list mas_agent_list; /**< the result of a discovery; owned by the caller */

#ifdef __cplusplus
}
#endif

#endif /* MAS_BASE_H */
