/* libmas: the C client of MAS. Independent agent programs find each other, exchange messages and keep state over Redis.
 *
 * Happy path: mas_options_new, mas_agent_new, mas_agent_on_message, mas_agent_start, mas_agent_run until
 * mas_agent_quit, mas_agent_stop, mas_agent_free. README.md has a complete program; docs/SDK.md is the guide.
 *
 * Conventions
 *   Status     A function that can fail returns mas_status; mas_error_detail() describes the calling thread's last
 *              failure in one sentence. An output parameter is named ret_… and is set only on MAS_OK; most may be NULL.
 *   Text       Zero-terminated UTF-8. JSON is passed as text and size; the size MAS_STRLEN means "up to the zero".
 *   Time       Milliseconds. A negative time-out waits for ever, 0 does not wait.
 *   Threads    Any thread may call any function, except where stated. The library runs one I/O thread per process; it
 *              keeps connections and heartbeats alive whatever the application does.
 *   Callbacks  run inside mas_agent_poll and mas_agent_run, in the calling thread, one at a time per agent; not on the
 *              I/O thread, except where stated. Start and stop hooks run inside mas_agent_start and mas_agent_stop.
 *              Callbacks and hooks may call every function on their agent except mas_agent_poll, mas_agent_run,
 *              mas_agent_start, mas_agent_stop and mas_agent_free. mas_agent_quit() ends the loop that they run in.
 *   Fork       In a child of a process that has agents, every call returns MAS_INVALID_STATE at once, functions that
 *              free are safe (mas_agent_free frees nothing), and exec, exit and _exit work. The parent is not affected.
 *              A child of a process without agents (none yet, or all freed) may use the library.
 *   Exit       exit() may be called at any time, from any thread, also in a callback, and without mas_agent_stop: the
 *              agents then end as if the process had been killed. Functions given to atexit() and destructors of static
 *              objects may still stop agents. After exit() has begun, the debug callback is not called.
 *   Thread end A thread may end in a callback (pthread_exit, cancellation): the message or hook has failed, and other
 *              threads can go on. Only mas_agent_poll and mas_agent_run are cancellation points, while they wait.
 *   Signals    The library installs no handlers, blocks all signals on its own thread and raises no SIGPIPE.
 *   Ending     For each agent: mas_agent_stop, then mas_agent_free. Lists, and messages kept by mas_message_ref, may be
 *              freed before or after that. The I/O thread ends with the last agent.
 *   Output     The library prints nothing. mas_options_set_debug() shows what it does.
 *   Delivery   Peer to peer: at most once, in order per sender and target; a message that reached nobody is reported to
 *              the receipt callback. Gateway mode: the gateway decides about every message; exactly once into the
 *              target's stream, at least once to its handler, and a receipt with the decision for every message.
 *
 * Parameters, where a function does not describe them. What is passed in stays the caller's, what is kept is copied.
 *   agent          From mas_agent_new; not NULL.
 *   options        From mas_options_new; not NULL. One thread at a time.
 *   message        Not NULL; borrowed.
 *   list           From mas_agent_discover; not NULL. It never changes, so any thread may read it.
 *   target         The receiving agent's id.
 *   type           The message's type, 1 to 256 bytes of UTF-8.
 *   json           A JSON object; NULL for {}.
 *   size           Bytes of the text before it, or MAS_STRLEN.
 *   timeout_ms     The longest wait in milliseconds; 0 does not wait, a negative one waits for ever.
 *   fn             The callback; NULL removes it.
 *   user           For the callback; not looked at and not freed, and valid for as long as the callback may run.
 *   i              An index that starts with 0.
 *   ret_size       Receives the text's bytes without the terminating zero; may be NULL.
 */
#ifndef MAS_H
#define MAS_H

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
  MAS_NO_HANDLER = 32,     /**< the target has no handler for messages of this type */
  MAS_INVALID_PAYLOAD = 33 /**< the data does not have the form that the target's handler expects */
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
 *  @return the error reply's code, such as "NO_HANDLER" or "INVALID_PAYLOAD" (proto/README.md lists them), also one that
 *  this version does not know and whose status therefore is MAS_HANDLER_FAILED; "" when no error reply ended it. */
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

/* ---- Options ------------------------------------------------------------------------------------------------- */
/** @return the default options, or NULL when out of memory; free with mas_options_free. */
MAS_EXPORT mas_options *mas_options_new(void);
/** Frees options. Agents made from them do not need them. @param options NULL is ignored. */
MAS_EXPORT void mas_options_free(mas_options *options);

/** Sets the address of Redis. @param url redis://[user[:password]@]host[:port][/db],
 *  rediss://…[?ca=FILE&cert=FILE&key=FILE&server_name=NAME] or unix://[user[:password]@]/path[?db=N]. Default: the
 *  environment's MAS_REDIS_URL, else redis://localhost:6379. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_redis_url(mas_options *options, const char *url);
/** Prefixes every key and channel. @param ns goes before each, with a slash; at most 64 of [A-Za-z0-9._-]. Default:
 *  MAS_NAMESPACE, else none. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_namespace(mas_options *options, const char *ns);
/** How messages travel. The rest of an agent's code is the same in both modes. */
typedef enum mas_mode {
  MAS_MODE_P2P = 0,    /**< from agent to agent: at most once, no policy except Redis's own */
  MAS_MODE_GATEWAY = 1 /**< through mas-gatewayd: checked, audited, exactly once into the target's stream */
} mas_mode;
/** Sets how messages travel. @param mode default: the environment's MAS_MODE (p2p or gateway), else MAS_MODE_P2P. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_mode(mas_options *options, mas_mode mode);
/** Gateway mode: names the file with the agent's token or key. Each mas_agent_start reads it.
 *  @param path a file that `masctl identity create` wrote: TOML, mode 0600. NULL or "": no file; the token in the agent's
 *  registry entry is used, where the gateway accepts that. Default: the environment's MAS_CREDENTIALS. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_credentials(mas_options *options, const char *path);
/** Gateway mode: limits the time of a handler. A handler that exceeds it has failed: its result is ignored, and the
 *  gateway delivers the message again, perhaps while the handler still runs.
 *  @param timeout_ms milliseconds, 0 to 86,400,000. Default: 0, no limit. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_handler_timeout(mas_options *options, int timeout_ms);
/** Gateway mode: drops a message that is among the last ones received, by sender and id: one that was sent again
 *  (mas_agent_send_again) or delivered again, unless its handler failed.
 *  @param messages the number that is remembered, at most 10,000,000. Default: 0, off. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_dedupe_window(mas_options *options, size_t messages);
/** Adds a capability; at most 256 per agent. @param capability 1 to 128 bytes without control characters. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_add_capability(mas_options *options, const char *capability);
/** Sets what discovery shows to others. @param json a JSON object of at most 64 KiB; not NULL. Default: {}. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_metadata(mas_options *options, const char *json, size_t size);
/** Sets the pace of heartbeats: 100 ms ≤ interval < ttl ≤ 1 day.
 *  @param interval_ms milliseconds between two heartbeats. Default: 30,000. @param ttl_ms milliseconds without a
 *  heartbeat after which the agent counts as dead. Default: 60,000. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_heartbeat(mas_options *options, int interval_ms, int ttl_ms);
/** Sets the largest envelope that is sent or accepted. A larger one that arrives is counted as malformed; in gateway
 *  mode it has failed, as if its handler had, and becomes a dead letter in the end.
 *  @param bytes 1 KiB to 64 MiB. Default: 1 MiB. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_max_message(mas_options *options, size_t bytes);
/** Bounds the queue of messages for mas_agent_poll. When it is full, the oldest message is dropped,
 *  counted and reported to the overflow callback. In gateway mode no message is dropped: the agent reads no more, and
 *  the rest waits in Redis. The queue then exceeds its bound by at most one stream entry of each lane (1,024 messages
 *  in 1 MiB, or one larger message). @param messages default: 65,536. @param bytes default: 64 MiB. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_inbound_queue(mas_options *options, size_t messages, size_t bytes);
/** Bounds the queue of messages that wait for Redis, in gateway mode for receipts. When it is full, mas_agent_send
 *  returns MAS_WOULD_BLOCK. @param messages default: 65,536. @param bytes default: 16 MiB. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_outbound_queue(mas_options *options, size_t messages, size_t bytes);

/** Gets a line for each thing that the library does: connects, losses, registrations. Called on the I/O thread and on
 *  calling threads. It must be quick and must not call this library. @param line zero-terminated; valid during the call. */
typedef void (*mas_debug_fn)(const char *line, void *user);
/** Sets the debug callback. */
MAS_EXPORT void mas_options_set_debug(mas_options *options, mas_debug_fn fn, void *user);

/* ---- An agent's life ----------------------------------------------------------------------------------------- */
/** Makes an agent. Sends nothing yet.
 *  @param id 1–128 of [A-Za-z0-9._-], starting with a letter or digit. Several processes may run the same id: each is
 *  an instance, and each gets every peer-to-peer message.
 *  @param options copied; NULL for defaults.
 *  @param ret_agent free with mas_agent_free. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_new(const char *id, const mas_options *options, mas_agent **ret_agent);

/** Frees an agent. An agent that runs is stopped first, without waiting. The memory is kept when a callback of the
 *  agent calls this, or another thread does not return from a call on the agent within a second.
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
 *  MAS_CANCELLED. State stays in Redis. In gateway mode the receipt callback gets all remaining receipts now; a message
 *  without a receipt is MAS_TIMEOUT (unknown; see mas_agent_send_again) or MAS_CANCELLED (never handed over).
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

/* ---- Messages ------------------------------------------------------------------------------------------------ */
/** Handles one message. The message is borrowed: valid until the handler returns, see mas_message_ref.
 *  Gateway mode: a message is acknowledged after its handler has returned MAS_OK. When the process dies before that, it
 *  is delivered again; after any other status too, later, until its attempts are used up (docs/GATEWAY.md).
 *  A handler may be left without returning: by a C++ exception (the poll goes on), by pthread_exit() or cancellation of
 *  its thread, or by longjmp() to a function that called mas_agent_poll or to one of its callers. Its message has
 *  then failed, as with MAS_HANDLER_FAILED; after longjmp(), as soon as that thread next polls or stops the agent. A
 *  handler must not jump out of a call of this library that it made.
 *
 *  A request whose handler fails for good is answered by an error reply: its requester gets MAS_HANDLER_FAILED at once, not
 *  MAS_TIMEOUT. Peer to peer every failure is for good; in gateway mode the last attempt's is. A handler that has sent a
 *  reply, or kept the request by mas_message_ref to reply later and returned MAS_OK, causes no error reply.
 *  @return MAS_OK or MAS_HANDLER_FAILED; any other status counts as failed. Two end a request at once, in gateway mode
 *  too, and its requester gets them: MAS_INVALID_PAYLOAD and MAS_NO_HANDLER (the latter counts as unhandled, and does not
 *  fail a message that is not a request). mas_message_fail() adds a sentence. */
typedef mas_status (*mas_message_fn)(mas_agent *agent, const mas_message *message, void *user);

/** Sets, replaces or (fn NULL) removes the handler of a message type; `type` NULL is the fallback, for types without a
 *  handler. Handlers belong to this agent alone. A message without a handler is counted as unhandled; the requester of
 *  such a request gets MAS_NO_HANDLER. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_on_message(mas_agent *agent, const char *type, mas_message_fn fn,
                                                       void *user);

/** @return the sending agent's id. Like the texts below: valid as long as the message; "" when it has no such text. */
MAS_EXPORT const char *mas_message_sender(const mas_message *message);
/** @return the message's type. */
MAS_EXPORT const char *mas_message_type(const mas_message *message);
/** @return the message's id, which a message that is delivered again keeps. */
MAS_EXPORT const char *mas_message_id(const mas_message *message);
/** @return what links a request and its replies. */
MAS_EXPORT const char *mas_message_correlation_id(const mas_message *message);
/** @return the message's JSON object, byte for byte as it was sent, zero-terminated. */
MAS_EXPORT const char *mas_message_data(const mas_message *message, size_t *ret_size);
/** @return the whole envelope, byte for byte, zero-terminated; valid as long as the message; NULL without memory. */
MAS_EXPORT const char *mas_message_envelope(const mas_message *message, size_t *ret_size);
/** @return when it was sent, in seconds since 1970 (from agents of this library in Redis's time); 0 if not stated. */
MAS_EXPORT double mas_message_timestamp(const mas_message *message);
/** @return the delivery attempt: 1 for the first delivery, one more for each time that the handler failed. */
MAS_EXPORT uint32_t mas_message_attempt(const mas_message *message);
/** @return whether it is a request, for mas_message_reply. */
MAS_EXPORT bool mas_message_expects_reply(const mas_message *message);

/** A key under which the gateway's data-loss prevention encrypts single values, for agents that have the same key
 *  (docs/DLP.md). Immutable; may be used by any thread. */
typedef struct mas_data_key mas_data_key;
/** Reads a key. @param id its name at the gateway (dlp.encryption_key_id). @param path its file, as `masctl key generate`
 *  writes it; it must not be accessible to others. @param ret_key free with mas_data_key_free.
 *  @return MAS_INVALID_ARGUMENT, MAS_NOT_FOUND; mas_error_detail() says what is wrong with the file. */
MAS_EXPORT MAS_CHECKED mas_status mas_data_key_read(const char *id, const char *path, mas_data_key **ret_key);
/** Frees a key. @param key NULL is ignored. */
MAS_EXPORT void mas_data_key_free(mas_data_key *key);
/** Decrypts every value of the message's JSON object that was encrypted under `key`. The rest, also values under other
 *  keys, stays byte for byte as it was received.
 *  @param key from mas_data_key_read; not NULL. @param ret_json the object, zero-terminated; free with mas_free.
 *  @return MAS_AUTH_FAILED when a value does not decrypt: another key has this id, or it was moved or changed. */
MAS_EXPORT MAS_CHECKED mas_status mas_message_decrypt(const mas_message *message, const mas_data_key *key,
                                                      char **ret_json, size_t *ret_size);

/** Keeps a message beyond its callback. @return `message`; release it with mas_message_unref. */
MAS_EXPORT mas_message *mas_message_ref(const mas_message *message);
/** Releases a reference. @param message NULL is ignored. */
MAS_EXPORT void mas_message_unref(mas_message *message);

/** Replies to a request, whoever sent it. May be called several times, and also later (with mas_message_ref), while the
 *  agent runs. The requester takes the first reply.
 *  @param type the reply's message type. @param json a JSON object, NULL for {}.
 *  @return as mas_agent_send; MAS_INVALID_ARGUMENT when the message does not expect a reply. */
MAS_EXPORT MAS_CHECKED mas_status mas_message_reply(const mas_message *message, const char *type, const char *json,
                                                    size_t size);

/** Says why a handler fails, at its end: `return mas_message_fail(message, MAS_HANDLER_FAILED, "no such account");`. The text goes to
 *  the requester, and in gateway mode into the reason of the dead letter (cut to 256 bytes there).
 *  @param status what the handler is going to return. @param text one sentence without secrets, in UTF-8; copied, control
 *  characters replaced, cut to 512 bytes; NULL: none. @return `status`. */
MAS_EXPORT mas_status mas_message_fail(const mas_message *message, mas_status status, const char *text);

/** Answers a request by an error reply: its requester gets `status` and the text. For requests that were kept to be
 *  answered later; in a handler, return a status instead, so that gateway mode can try again.
 *  @param status MAS_HANDLER_FAILED, MAS_NO_HANDLER, MAS_INVALID_PAYLOAD or MAS_UNAVAILABLE.
 *  @param text as in mas_message_fail. @return as mas_message_reply; MAS_INVALID_ARGUMENT for another status; MAS_INVALID_STATE for a request that was
 *  answered. */
MAS_EXPORT MAS_CHECKED mas_status mas_message_reply_error(const mas_message *message, mas_status status,
                                                          const char *text);

#define MAS_MESSAGE_ID_SIZE 37 /**< bytes of a message id with its terminating zero */

/** Queues a message and returns. The message's outcome comes as a receipt.
 *  @param target the receiving agent's id; an id of another implementation may have up to 512 bytes of UTF-8 without
 *  control characters. @param type 1–256 bytes of UTF-8. @param json a JSON object (checked), NULL for {}; copied.
 *  @param ret_message_id receives the message's id; may be NULL.
 *  @return MAS_OK when queued; MAS_WOULD_BLOCK when the outbound queue is full; MAS_MALFORMED, MAS_TOO_LARGE,
 *  MAS_INVALID_ARGUMENT, MAS_INVALID_STATE. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_send(mas_agent *agent, const char *target, const char *type,
                                                 const char *json, size_t size,
                                                 char ret_message_id[MAS_MESSAGE_ID_SIZE]);

/** Sends a message and waits for its outcome. May be called from a handler; other callbacks wait meanwhile. The receipt
 *  callback gets the outcome only after a MAS_TIMEOUT. Parameters are those of mas_agent_send, except:
 *  @param ret_message_id set once the message is queued, whatever its outcome.
 *  @return MAS_OK: received (peer to peer), or in the target's stream (gateway mode); MAS_TIMEOUT: not known yet, the
 *  library goes on trying and then calls the receipt callback; MAS_CANCELLED; else the reason for the refusal (the
 *  mas_receipt_… functions say more). */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_send_wait(mas_agent *agent, const char *target, const char *type,
                                                      const char *json, size_t size, int timeout_ms,
                                                      char ret_message_id[MAS_MESSAGE_ID_SIZE]);

/** A message's urgency: the lane of the target's inbox that it asks for. Values are ABI. */
typedef enum mas_priority {
  MAS_PRIORITY_UNSET = 0, /**< not stated; counts as normal */
  MAS_PRIORITY_CRITICAL = 1,
  MAS_PRIORITY_HIGH = 2,
  MAS_PRIORITY_NORMAL = 3,
  MAS_PRIORITY_LOW = 4,
  MAS_PRIORITY_BULK = 5
} mas_priority;

/** What a message may ask for. All zero: as mas_agent_send. */
typedef struct mas_send_options {
  /** Gateway mode: a higher lane than permitted is lowered to the highest permitted one. Peer to peer: only passed to
   *  the receiver (`meta.priority`). */
  mas_priority priority;
  /** From now; 0: none. Gateway mode: a message that is decided later is refused as EXPIRED. Peer to peer: only passed
   *  to the receiver (`meta.deadline`). */
  int deadline_ms;
  /** 0: queues and returns, as mas_agent_send. Else the longest wait for the outcome, as in mas_agent_send_wait;
   *  negative: without end. */
  int wait_ms;
} mas_send_options;

/** Sends a message with options.
 *  @param options NULL for none. @param options_size sizeof(mas_send_options) of the caller: later versions may add
 *  members at the end. An older library refuses members that it does not know, unless they are 0.
 *  @param ret_message_id may be NULL. @return as mas_agent_send, or with `wait_ms` as mas_agent_send_wait;
 *  MAS_INVALID_ARGUMENT for an invalid priority, a negative deadline or an unknown member. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_send_with(mas_agent *agent, const char *target, const char *type,
                                                      const char *json, size_t size, const mas_send_options *options,
                                                      size_t options_size, char ret_message_id[MAS_MESSAGE_ID_SIZE]);

/** Repeats a message with an unknown outcome (MAS_TIMEOUT at a stop) under the same message id, so that receivers can
 *  recognise it. @param message_id as mas_agent_send returned it. The rest as mas_agent_send. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_send_again(mas_agent *agent, const char *message_id, const char *target,
                                                       const char *type, const char *json, size_t size);

/** Waits until every message sent so far has its outcome. @return MAS_OK, MAS_TIMEOUT, MAS_CANCELLED. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_flush(mas_agent *agent, int timeout_ms);

/** A receipt: the outcome of a message. Texts are valid during the call; the mas_receipt_… functions say more.
 *  @param message_id as mas_agent_send returned it. @param target as it was sent to. @param outcome as follows.
 *  Peer to peer: MAS_OK, a connection of the target took it; MAS_NO_RECEIVER, nobody listens; MAS_CONNECTION_LOST or
 *  MAS_TIMEOUT, unknown; else the reason why Redis did not take it.
 *  Gateway mode: MAS_OK, in the target's stream; at a stop also MAS_TIMEOUT, unknown, or MAS_CANCELLED, never handed
 *  over; else the reason for the refusal. */
typedef void (*mas_receipt_fn)(mas_agent *agent, const char *message_id, const char *target, mas_status outcome,
                               void *user);
/** Which receipts the callback gets. */
typedef enum mas_receipts { MAS_RECEIPTS_FAILURES = 0, MAS_RECEIPTS_ALL = 1 } mas_receipts;
/** Sets the receipt callback, for failures only or for all outcomes. Receipts wait for mas_agent_poll as messages do,
 *  in a queue with the outbound bound. When it is full, the oldest receipts are dropped and counted.
 *  @param which MAS_RECEIPTS_…. */
MAS_EXPORT void mas_agent_on_receipt(mas_agent *agent, mas_receipts which, mas_receipt_fn fn, void *user);

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
/** As mas_agent_request_async, but needs no mas_agent_poll: `fn` runs as soon as the request ends, on the I/O thread or on
 *  one that calls this library, with `agent` NULL.
 *  @param fn must be quick, throw nothing, and call only mas_message_… and mas_schema_… functions.
 *  @param ret_request as there. @return as mas_agent_request_async. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_request_direct(mas_agent *agent, const char *target, const char *type,
                                                           const char *json, size_t size, int timeout_ms,
                                                           mas_reply_fn fn, void *user, mas_request **ret_request);
/** Cancels a request: after this returns, `fn` does not start.
 *  @param request from mas_agent_request_async or mas_agent_request_direct; not NULL.
 *  @return MAS_NOT_FOUND when it has ended already. */
MAS_EXPORT mas_status mas_request_cancel(mas_request *request);
/** Frees the handle; the request itself goes on. @param request NULL is ignored. */
MAS_EXPORT void mas_request_free(mas_request *request);

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
  uint64_t handler_failed; /**< handlers that did not return MAS_OK */
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
  uint64_t
      error_replies; /**< requests answered by an error reply, since a handler failed; not by mas_message_reply_error */
} mas_stats;
/** Reads the counters. @param ret_stats receives them; members that this version does not know stay as they are.
 *  @param size sizeof(mas_stats) of the caller: later versions may add members at the end. */
MAS_EXPORT void mas_agent_stats(const mas_agent *agent, mas_stats *ret_stats, size_t size);

/* ---- Discovery ----------------------------------------------------------------------------------------------- */
/** Flags of mas_agent_discover. */
enum {
  MAS_DISCOVER_ANY = 0,          /**< agents with at least one of the capabilities */
  MAS_DISCOVER_ALL = 1 << 0,     /**< agents with all of them */
  MAS_DISCOVER_INACTIVE = 1 << 1 /**< INACTIVE agents too */
};

/** Finds agents by capability: in the index that mas-registryd keeps, or by a scan of the registry where none runs.
 *  @param capabilities texts. @param count of capabilities; with 0, all agents are found. @param flags MAS_DISCOVER_….
 *  @param limit the largest number of agents to return, 0 for no limit; which agents are left out is unspecified.
 *  @param ret_list sorted by id; free with mas_agent_list_free. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_discover(mas_agent *agent, const char *const *capabilities, size_t count,
                                                     unsigned flags, size_t limit, int timeout_ms,
                                                     mas_agent_list **ret_list);
/** @return the number of agents. */
MAS_EXPORT size_t mas_agent_list_size(const mas_agent_list *list);
/** @return the agent's id. Like the other texts: valid as long as the list; NULL past the end. */
MAS_EXPORT const char *mas_agent_list_id(const mas_agent_list *list, size_t i);
/** @return the agent's metadata, a JSON object. */
MAS_EXPORT const char *mas_agent_list_metadata(const mas_agent_list *list, size_t i);
/** @return whether the agent is ACTIVE; false past the end. */
MAS_EXPORT bool mas_agent_list_active(const mas_agent_list *list, size_t i);
/** @return when the agent registered, in seconds since 1970; 0 past the end. */
MAS_EXPORT double mas_agent_list_registered_at(const mas_agent_list *list, size_t i);
/** @return the number of the agent's capabilities; 0 past the end. */
MAS_EXPORT size_t mas_agent_list_capability_count(const mas_agent_list *list, size_t i);
/** @param j an index of a capability, from 0. @return the capability. */
MAS_EXPORT const char *mas_agent_list_capability(const mas_agent_list *list, size_t i, size_t j);
/** Frees a list and its texts. @param list NULL is ignored. */
MAS_EXPORT void mas_agent_list_free(mas_agent_list *list);

/* ---- State --------------------------------------------------------------------------------------------------- */
/* An agent's state is a hash of texts in Redis that outlives the process. mas_agent_start loads it; reading is local,
 * writing waits for Redis. By convention, objects and arrays are stored as JSON text. */

/** Reads a field. @param field its name. @param ret_value its text, zero-terminated; free with mas_free; may be NULL.
 *  @return MAS_NOT_FOUND when there is no such field. */
MAS_EXPORT MAS_CHECKED mas_status mas_state_get(mas_agent *agent, const char *field, char **ret_value,
                                                size_t *ret_size);

/* At most 10,000 fields, 64 MiB of names and values together. What is past that in Redis fails a start or a refresh with
 * MAS_TOO_LARGE; mas_error_detail() names the field. */
/** A field to write. */
typedef struct mas_state_field {
  const char *name;  /**< 1 to 1,024 bytes */
  const char *value; /**< at most 1 MiB; NULL removes the field */
  size_t size;       /**< of value; MAS_STRLEN for text */
} mas_state_field;

/** Writes several fields at once: all of them or none. Returns when Redis has them.
 *  @param fields an array. @param count of fields.
 *  @return MAS_TOO_LARGE for a field past its bound, or where the state would be past one of its own. */
MAS_EXPORT MAS_CHECKED mas_status mas_state_update(mas_agent *agent, const mas_state_field *fields, size_t count,
                                                   int timeout_ms);
/** Removes every field. */
MAS_EXPORT MAS_CHECKED mas_status mas_state_reset(mas_agent *agent, int timeout_ms);
/** Loads the state from Redis again: another instance or an operator may have changed it. */
MAS_EXPORT MAS_CHECKED mas_status mas_state_refresh(mas_agent *agent, int timeout_ms);
/** Called by mas_state_each, on its thread, for each field in order of name. Must not call mas_state_… functions.
 *  @param name zero-terminated. @param value zero-terminated. @param size of value, in bytes. All valid during the call. */
typedef void (*mas_state_fn)(const char *name, const char *value, size_t size, void *user);
/** Reads all fields. @param fn not NULL. */
MAS_EXPORT void mas_state_each(mas_agent *agent, mas_state_fn fn, void *user);

#ifdef __cplusplus
}
#endif

#endif /* MAS_H */
