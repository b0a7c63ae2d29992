/* libmas: the C client of MAS. Independent agent programs find each other, exchange messages and keep state over Redis.
 *
 * A complete agent:
 *
 *     static mas_status on_sum(mas_agent *agent, const mas_message *request, void *user) {
 *       return mas_message_reply(request, "sum.result", "{\"sum\":3}", MAS_STRLEN);
 *     }
 *
 *     mas_options *options = mas_options_new();
 *     mas_options_add_capability(options, "sum");
 *     mas_agent *agent;
 *     mas_status status = mas_agent_new("calculator", options, &agent);
 *     mas_options_free(options);
 *     mas_agent_on_message(agent, "sum.request", on_sum, NULL);
 *     status = mas_agent_start(agent, 5000);
 *     status = mas_agent_run(agent);             // until mas_agent_quit()
 *     mas_agent_stop(agent, 2000);
 *     mas_agent_free(agent);
 *
 * Conventions
 *   Status     A function that can fail returns mas_status. mas_error_detail() has a sentence about the calling
 *              thread's last failure. An output parameter is named ret_… and is set only on MAS_OK; most may be NULL.
 *   Text       Zero-terminated UTF-8. JSON is given as text and size; MAS_STRLEN means "up to the zero".
 *   Time       Milliseconds. A negative time-out waits for ever, 0 does not wait.
 *   Threads    All functions may be called from any thread, except where stated. The library runs one I/O thread per
 *              process, which keeps connections and heartbeats alive whatever the application does; callbacks never run
 *              on it but inside mas_agent_poll() and mas_agent_run(), in the thread that calls them (one at a time per
 *              agent). Start and stop hooks run inside mas_agent_start() and mas_agent_stop().
 *   Callbacks  (and hooks) may call everything on their agent but mas_agent_poll, mas_agent_run, mas_agent_start,
 *              mas_agent_stop and mas_agent_free; mas_agent_quit() ends the loop they run in.
 *   Fork       In a child of a process that has agents every call returns MAS_INVALID_STATE at once, functions that free
 *              are safe (mas_agent_free frees nothing), and exec, exit and _exit work; the parent does not notice. A
 *              child of a process that has none yet, or has freed all, may use the library.
 *   Exit       exit() may be called at any time, from any thread, also in a callback, and without mas_agent_stop: the
 *              agents then end as if the process had been killed. Functions given to atexit() and destructors of static
 *              objects may still stop agents. Once exit() has begun the debug callback is not called any more.
 *   Ends of    A thread that ends in a callback (pthread_exit, cancellation) leaves an agent that others can go on with: a
 *   threads    message whose handler did so has failed, and so has a hook. Only mas_agent_poll and mas_agent_run are
 *              cancellation points, and only while they wait.
 *   Signals    The library installs no handlers, blocks all signals on its own thread and raises no SIGPIPE.
 *   Ending     Per agent: mas_agent_stop, then mas_agent_free. Messages that were kept (mas_message_ref) and lists may
 *              be freed before or after. The I/O thread ends with the last agent.
 *   Output     The library prints nothing. mas_options_set_debug() shows what it does.
 *
 * What peer-to-peer delivery promises: at most once, in order per sender and target. mas_agent_send() queues; a message
 * that reached nobody is reported to the receipt callback.
 * In gateway mode (mas_options_set_mode) the gateway decides about every message: exactly once into the target's stream, at
 * least once to its handler, and a receipt with the decision for every message. See docs/SDK.md.
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
#define MAS_EXPORT __attribute__((visibility("default")))
#define MAS_CHECKED __attribute__((warn_unused_result))
#else
#define MAS_EXPORT
#define MAS_CHECKED
#endif

/* ---- Version ------------------------------------------------------------------------------------------------- */

#define MAS_VERSION_MAJOR 0
#define MAS_VERSION_MINOR 1
#define MAS_VERSION_PATCH 0
#define MAS_VERSION (MAS_VERSION_MAJOR * 1000000 + MAS_VERSION_MINOR * 1000 + MAS_VERSION_PATCH)

/** @return the version of the library that is running, such as "0.1.0". */
MAS_EXPORT const char *mas_version(void);

/** @return whether the running library can serve a program compiled against `header_version`: same major, and (while
 *  the major is 0) same minor, and not older. Call as mas_version_compatible(MAS_VERSION). */
MAS_EXPORT bool mas_version_compatible(int header_version);

/* ---- Status -------------------------------------------------------------------------------------------------- */

/** Why a call failed. Values are ABI: never changed, never reused; new ones may be added. */
typedef enum mas_status {
  MAS_OK = 0,
  MAS_INVALID_ARGUMENT = 1, /**< the call's arguments are wrong */
  MAS_INVALID_STATE = 2,    /**< not possible now: not started, already started, called from a callback */
  MAS_TOO_LARGE = 3,        /**< past a limit (proto/README.md lists them) */
  MAS_MALFORMED = 4,        /**< not the JSON that was expected */
  MAS_NOT_FOUND = 5,        /**< no such field or agent */
  MAS_TIMEOUT = 6,          /**< retriable: no answer in time */
  MAS_CANCELLED = 7,        /**< ended by the application: cancel, stop */
  MAS_WOULD_BLOCK = 8,      /**< retriable: a queue is full */
  MAS_UNREACHABLE = 9,      /**< retriable: no connection to Redis; nothing was sent */
  MAS_CONNECTION_LOST = 10, /**< retriable: the connection broke; whether Redis acted is unknown */
  MAS_REFUSED = 11,         /**< Redis answered with an error */
  MAS_NO_RECEIVER = 12,     /**< retriable: nobody listens as that agent */
  MAS_AUTH_FAILED = 13,     /**< Redis refused user, password or permission */
  MAS_PROTOCOL = 14,        /**< what answered does not speak the protocol */
  MAS_UNAVAILABLE = 15,     /**< retriable: Redis is loading, read-only, out of memory */
  MAS_NO_MEMORY = 16,       /**< retriable */
  MAS_INTERNAL = 17,        /**< a bug of this library */
  MAS_HANDLER_FAILED = 18,  /**< for handlers: the message could not be handled */
  /* Refusals of the gateway; proto/README.md lists its decisions. Refused messages were not delivered. */
  MAS_REVOKED = 19,           /**< the sender's identity was revoked, or has expired */
  MAS_SUSPENDED = 20,         /**< the sender's identity is suspended */
  MAS_SIGNATURE_INVALID = 21, /**< the signature does not fit what was sent */
  MAS_REPLAYED = 22,          /**< retriable: the timestamp is outside the gateway's window */
  MAS_AUTHZ_DENIED = 23,      /**< no rule lets this sender send this to the target */
  MAS_RATE_LIMITED = 24,      /**< retriable: over the sender's rate */
  MAS_DLP_BLOCKED = 25,       /**< the payload holds what must not be sent */
  MAS_CIRCUIT_OPEN = 26,      /**< retriable: the target's circuit breaker is open */
  MAS_TARGET_NOT_FOUND = 27,  /**< no such agent, or it takes no part in gateway mode */
  MAS_TARGET_OVERLOADED = 28, /**< retriable: the target's backlog is at its bound */
  MAS_EXPIRED = 29,           /**< the message's deadline has passed */
  MAS_LOOP_DETECTED = 30,     /**< passed on too often */
  MAS_DLQ_FULL = 31           /**< retriable: the dead-letter queue is at its bound */
} mas_status;

/** @return a short constant text such as "timeout"; "unknown" for a value outside the table. */
MAS_EXPORT const char *mas_status_text(mas_status status);

/** @return whether the same call may succeed later without the caller changing anything. */
MAS_EXPORT bool mas_status_retriable(mas_status status);

/** @return one sentence about the last call on this thread that did not return MAS_OK, naming what was wrong and what
 *  was expected; "" before the first. Valid until the next failing call on this thread. Never contains secrets. */
MAS_EXPORT const char *mas_error_detail(void);

/** The last receipt that the calling thread has seen: valid in a receipt callback, after mas_agent_send_wait, and after a
 *  request that a receipt ended, until the thread's next one.
 *  @return the gateway's decision, such as "ALLOWED" or "RATE_LIMITED" (proto/README.md lists them); "" when the gateway
 *  has not decided, and in peer-to-peer mode. */
MAS_EXPORT const char *mas_receipt_decision(void);
/** @return one sentence about it, or "". */
MAS_EXPORT const char *mas_receipt_detail(void);
/** @return for RATE_LIMITED and the like: after how many milliseconds it would pass; 0 where the gateway does not say. */
MAS_EXPORT int64_t mas_receipt_retry_after(void);

/** For the size of a text: "up to its terminating zero". */
#define MAS_STRLEN SIZE_MAX

/** Frees what a function documented as "free with mas_free" returned. NULL is ignored. */
MAS_EXPORT void mas_free(void *memory);

/* ---- Types --------------------------------------------------------------------------------------------------- */

typedef struct mas_options mas_options;       /**< how to make an agent; owned by the caller */
typedef struct mas_agent mas_agent;           /**< one agent; owned by the caller */
typedef struct mas_message mas_message;       /**< a received message; borrowed in callbacks, see mas_message_ref */
typedef struct mas_request mas_request;       /**< an asynchronous request under way; owned by the caller */
typedef struct mas_agent_list mas_agent_list; /**< what discovery found; owned by the caller */

/* ---- Options ------------------------------------------------------------------------------------------------- */

/** @return options with every default, or NULL without memory. Threads: one at a time. Free with mas_options_free. */
MAS_EXPORT mas_options *mas_options_new(void);
/** NULL is ignored. Agents made from the options do not need them any more. */
MAS_EXPORT void mas_options_free(mas_options *options);

/** Where Redis is: redis://[user[:password]@]host[:port][/db], rediss://…[?ca=FILE&cert=FILE&key=FILE&server_name=NAME]
 *  or unix://[user[:password]@]/path[?db=N]. Default: the environment's MAS_REDIS_URL, else redis://localhost:6379. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_redis_url(mas_options *options, const char *url);
/** Prefixes every key and channel with `ns`/. At most 64 of [A-Za-z0-9._-]. Default: MAS_NAMESPACE, else none. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_namespace(mas_options *options, const char *ns);
/** How messages travel. Nothing else in an agent's code changes with it. */
typedef enum mas_mode {
  MAS_MODE_P2P = 0,    /**< from agent to agent: at most once, no policy but Redis's */
  MAS_MODE_GATEWAY = 1 /**< through mas-gatewayd: checked, audited, exactly once into the target's stream */
} mas_mode;
/** Default: the environment's MAS_MODE (p2p or gateway), else MAS_MODE_P2P. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_mode(mas_options *options, mas_mode mode);
/** Gateway mode: the file with what the agent proves itself with, as `masctl identity create` writes it: TOML, mode 0600.
 *  It is read at each mas_agent_start. NULL or "": none, the token in the agent's registry entry serves, where the
 *  gateway accepts that. Default: the environment's MAS_CREDENTIALS. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_credentials(mas_options *options, const char *path);
/** Gateway mode: a handler that has not returned after so long has failed: the gateway delivers the message again, later,
 *  perhaps while the handler still runs; what that returns counts no more. 0 to 86,400,000. Default: 0, handlers have all the time they want. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_handler_timeout(mas_options *options, int timeout_ms);
/** Gateway mode: drops a message whose sender and message id are among those of the last `messages` received: what was
 *  sent again (mas_agent_send_again) or delivered again then comes once to this instance. At most 10,000,000.
 *  Default: 0, none is dropped. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_dedupe_window(mas_options *options, size_t messages);
/** Adds something the agent can do: 1–128 bytes without control characters, at most 256 of them. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_add_capability(mas_options *options, const char *capability);
/** A JSON object that others see in discovery, at most 64 KiB. Default: {}. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_metadata(mas_options *options, const char *json, size_t size);
/** How often the agent says that it lives, and after how long without it is taken for dead.
 *  100 ms ≤ interval < ttl ≤ 1 day. Default: 30,000 and 60,000. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_heartbeat(mas_options *options, int interval_ms, int ttl_ms);
/** Largest envelope sent or accepted, 1 KiB to 64 MiB. A larger one that arrives is counted as malformed; in gateway mode it
 *  has failed, as if by its handler, and ends as a dead letter. Default: 1 MiB. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_max_message(mas_options *options, size_t bytes);
/** Bounds what waits for mas_agent_poll. When full, the oldest message is dropped, counted and reported to the overflow
 *  callback. In gateway mode none is dropped: nothing more is read, the rest waits in Redis, and what waits here exceeds the
 *  bound by one stream entry of each lane at most (1,024 messages in 1 MiB, or one larger message). Default: 65,536 messages and 64 MiB. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_inbound_queue(mas_options *options, size_t messages, size_t bytes);
/** Bounds what waits for Redis, in gateway mode for receipts. When full, mas_agent_send returns MAS_WOULD_BLOCK. Default: 65,536 messages, 16 MiB. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_outbound_queue(mas_options *options, size_t messages, size_t bytes);

/** Sees what the library does, a line at a time: connects, losses, registrations. Called on the I/O thread and on
 *  calling threads; must be quick and call nothing of this library. */
typedef void (*mas_debug_fn)(const char *line, void *user);
MAS_EXPORT void mas_options_set_debug(mas_options *options, mas_debug_fn fn, void *user);

/* ---- An agent's life ----------------------------------------------------------------------------------------- */

/** Makes an agent; nothing is sent yet.
 *  @param id 1–128 of [A-Za-z0-9._-], starting with a letter or digit. Several processes may run the same id: each is
 *  an instance, and each gets every peer-to-peer message.
 *  @param options copied; NULL for defaults.
 *  @param ret_agent free with mas_agent_free. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_new(const char *id, const mas_options *options, mas_agent **ret_agent);

/** Frees an agent, stopping it first without waiting if need be. NULL is ignored. From a callback of the agent, or while
 *  another thread does not come out of a call on it within a second, the memory is kept. */
MAS_EXPORT void mas_agent_free(mas_agent *agent);

MAS_EXPORT const char *mas_agent_id(const mas_agent *agent);
/** @return 32 hexadecimal digits that name this start of the agent; "" before mas_agent_start. Another text after each
 *  start, and in gateway mode where mas_stats.restarts counts; each is valid as long as the agent. */
MAS_EXPORT const char *mas_agent_instance(const mas_agent *agent);

/** Connects, subscribes, loads the state, registers and begins to beat; then runs the start hook.
 *  @param timeout_ms on MAS_TIMEOUT and MAS_UNREACHABLE nothing is left running; call again to try again.
 *  @return MAS_INVALID_STATE when it runs already; MAS_CANCELLED when mas_agent_quit() was called meanwhile; what the
 *  hook returned if that was not MAS_OK (the agent is then stopped again). */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_start(mas_agent *agent, int timeout_ms);

/** Runs the stop hook, flushes what is queued (gateway mode: waits for the receipts), takes back this instance's registration (and the agent's, when no other
 *  instance lives) and disconnects. Blocking requests return MAS_CANCELLED. State stays in Redis.
 *  In gateway mode receipts that were not polled are told now, to the receipt callback: messages without a receipt as
 *  MAS_TIMEOUT (unknown; see mas_agent_send_again) or MAS_CANCELLED (never handed over).
 *  @return MAS_TIMEOUT when not everything could be flushed or taken back in time: the heartbeat's TTL does the rest.
 *  The agent is stopped in any case. MAS_OK on an agent that is not running. */
MAS_EXPORT mas_status mas_agent_stop(mas_agent *agent, int timeout_ms);

/** A hook of the agent's life. Returning anything but MAS_OK from the start hook fails mas_agent_start. */
typedef mas_status (*mas_hook_fn)(mas_agent *agent, void *user);
MAS_EXPORT void mas_agent_on_start(mas_agent *agent, mas_hook_fn fn, void *user);
MAS_EXPORT void mas_agent_on_stop(mas_agent *agent, mas_hook_fn fn, void *user);

/* ---- Running ------------------------------------------------------------------------------------------------- */

/** Runs the callbacks of what has arrived; waits for the first of it up to `timeout_ms`.
 *  @param ret_handled how many callbacks ran; may be NULL.
 *  @return MAS_OK, also when nothing came; MAS_CANCELLED once after mas_agent_quit(), and when another thread stops the
 *  agent; MAS_INVALID_STATE when not started or when called from a callback or while another thread polls this agent. */
MAS_EXPORT mas_status mas_agent_poll(mas_agent *agent, int timeout_ms, size_t *ret_handled);

/** Polls until mas_agent_quit(), or until another thread stops the agent. @return MAS_OK then. */
MAS_EXPORT mas_status mas_agent_run(mas_agent *agent);

/** Makes mas_agent_run() (or one mas_agent_poll() or mas_agent_start()) return; the next one, when none runs. Safe in
 *  callbacks, from other threads and in signal handlers. */
MAS_EXPORT void mas_agent_quit(mas_agent *agent);

/** @return a descriptor that polls readable while callbacks wait, for an event loop of the application's; then call
 *  mas_agent_poll(agent, 0, NULL). Valid as long as the agent; do not read or close it. */
MAS_EXPORT int mas_agent_fd(const mas_agent *agent);

/* ---- Messages ------------------------------------------------------------------------------------------------ */

/** Handles one message. The message is borrowed: valid until the handler returns, see mas_message_ref.
 *  In gateway mode the message is acknowledged once the handler has returned MAS_OK; a process that dies before gets it again,
 *  and after any other status it is delivered again, later, until its attempts are used up (docs/GATEWAY.md).
 *  A handler may be left without returning: by a C++ exception (the poll goes on), by pthread_exit() or cancellation of its
 *  thread, by longjmp() to a function that called mas_agent_poll or to a caller of that one. Its message has failed, as with
 *  MAS_HANDLER_FAILED; after longjmp() as soon as that thread next polls or stops the agent. It must not jump out of a
 *  call of this library that it made.
 *  @return MAS_OK, or MAS_HANDLER_FAILED (any other status is taken for it): counted, and peer to peer nothing else. */
typedef mas_status (*mas_message_fn)(mas_agent *agent, const mas_message *message, void *user);

/** Sets, replaces or (fn NULL) removes the handler of a message type; `type` NULL is the fallback for types without
 *  one. Handlers belong to this agent alone. A message that has no handler is counted as unhandled. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_on_message(mas_agent *agent, const char *type, mas_message_fn fn,
                                                       void *user);

/** Text of the message; valid as long as the message. Absent texts are "". */
MAS_EXPORT const char *mas_message_sender(const mas_message *message);
MAS_EXPORT const char *mas_message_type(const mas_message *message);
MAS_EXPORT const char *mas_message_id(const mas_message *message);
MAS_EXPORT const char *mas_message_correlation_id(const mas_message *message);
/** The message's JSON object, byte for byte as it was sent, zero-terminated. @param ret_size may be NULL. */
MAS_EXPORT const char *mas_message_data(const mas_message *message, size_t *ret_size);
/** The whole envelope, byte for byte, zero-terminated. @param ret_size may be NULL. */
MAS_EXPORT const char *mas_message_envelope(const mas_message *message, size_t *ret_size);
/** @return when it was sent, in seconds since 1970; 0 where it does not say. Of an agent of this library in Redis's time. */
MAS_EXPORT double mas_message_timestamp(const mas_message *message);
/** 1 for a message that is delivered for the first time; one more for each time that its handler failed. */
MAS_EXPORT uint32_t mas_message_attempt(const mas_message *message);
MAS_EXPORT bool mas_message_expects_reply(const mas_message *message);

/** A key under which the gateway's data-loss prevention encrypts single values, for agents that hold it too (docs/DLP.md).
 *  Immutable; any thread. */
typedef struct mas_data_key mas_data_key;
/** @param id what the gateway calls the key (its dlp.encryption_key_id). @param path the key's file, as `masctl key
 *  generate` writes it; must not be accessible to others. @param ret_key give back with mas_data_key_free.
 *  @return MAS_INVALID_ARGUMENT, MAS_NOT_FOUND; mas_error_detail says what is wrong with the file. */
MAS_EXPORT MAS_CHECKED mas_status mas_data_key_read(const char *id, const char *path, mas_data_key **ret_key);
/** NULL is ignored. */
MAS_EXPORT void mas_data_key_free(mas_data_key *key);
/** The message's JSON object with every value that was encrypted under `key` in its place again, everything else byte for
 *  byte as it came. Values under other keys stay as they are.
 *  @param ret_json zero-terminated; free with mas_free. @param ret_size may be NULL.
 *  @return MAS_AUTH_FAILED where a value does not open: another key of this id, or moved or changed on its way. */
MAS_EXPORT MAS_CHECKED mas_status mas_message_decrypt(const mas_message *message, const mas_data_key *key,
                                                      char **ret_json, size_t *ret_size);

/** Keeps a message beyond its callback. @return `message`; give back with mas_message_unref. */
MAS_EXPORT mas_message *mas_message_ref(const mas_message *message);
/** Gives a reference back. NULL is ignored. */
MAS_EXPORT void mas_message_unref(mas_message *message);

/** Answers a request, whoever sent it. Any number of times and also later (with mas_message_ref), while the agent runs; the requester
 *  takes the first answer.
 *  @param type the answer's message type; @param json a JSON object, NULL for {}.
 *  @return as mas_agent_send; MAS_INVALID_ARGUMENT when the message is not one that expects a reply. */
MAS_EXPORT MAS_CHECKED mas_status mas_message_reply(const mas_message *message, const char *type, const char *json,
                                                    size_t size);

#define MAS_MESSAGE_ID_SIZE 37 /**< room for a message id with its zero */

/** Queues a message and returns.
 *  @param target the receiving agent's id (also a foreign one: up to 512 bytes of UTF-8 without control characters).
 *  @param type 1–256 bytes of UTF-8. @param json a JSON object (checked), NULL for {}; copied.
 *  @param ret_message_id receives the message's id; may be NULL.
 *  @return MAS_OK when queued; MAS_WOULD_BLOCK when the outbound queue is full; MAS_MALFORMED, MAS_TOO_LARGE,
 *  MAS_INVALID_ARGUMENT, MAS_INVALID_STATE. What became of it comes as a receipt. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_send(mas_agent *agent, const char *target, const char *type,
                                                 const char *json, size_t size,
                                                 char ret_message_id[MAS_MESSAGE_ID_SIZE]);

/** Sends a message and waits for its outcome. May be called from a handler; other callbacks wait meanwhile. The receipt
 *  callback hears of it only after a MAS_TIMEOUT.
 *  @param ret_message_id set once the message is queued, whatever its outcome. The rest as mas_agent_send.
 *  @return MAS_OK: received (peer to peer), or in the target's stream; why it was refused (mas_receipt_decision and the
 *  other mas_receipt_… functions say more); MAS_TIMEOUT: not known yet, the library goes on trying and tells the receipt callback;
 *  MAS_CANCELLED. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_send_wait(mas_agent *agent, const char *target, const char *type,
                                                      const char *json, size_t size, int timeout_ms,
                                                      char ret_message_id[MAS_MESSAGE_ID_SIZE]);

/** How urgent a message is: the lane of the target's inbox that it asks for. Values are ABI. */
typedef enum mas_priority {
  MAS_PRIORITY_UNSET = 0, /**< says nothing, which is normal */
  MAS_PRIORITY_CRITICAL = 1,
  MAS_PRIORITY_HIGH = 2,
  MAS_PRIORITY_NORMAL = 3,
  MAS_PRIORITY_LOW = 4,
  MAS_PRIORITY_BULK = 5
} mas_priority;

/** What a message may ask for. All zero: what mas_agent_send does. */
typedef struct mas_send_options {
  mas_priority priority; /**< gateway mode: who may not use the lane gets the highest that it may. Peer to peer: told to
                          *   the receiver (`meta.priority`), nothing more */
  int deadline_ms;       /**< from now; 0: none. Gateway mode: EXPIRED when it is decided later.
                          *   Peer to peer: told to the receiver (`meta.deadline`) */
  int wait_ms;           /**< 0: queues and returns, as mas_agent_send; else waits so long for the outcome, as
                          *   mas_agent_send_wait; negative: without end */
} mas_send_options;

/** Sends a message with options.
 *  @param options NULL for none. @param options_size sizeof(mas_send_options) of the caller: later versions may add
 *  members at the end. A library that is older than the caller refuses members that it does not know, unless they are 0.
 *  @param ret_message_id may be NULL. @return as mas_agent_send, or mas_agent_send_wait; MAS_INVALID_ARGUMENT for a
 *  priority that is none, a negative deadline, an unknown member. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_send_with(mas_agent *agent, const char *target, const char *type,
                                                      const char *json, size_t size, const mas_send_options *options,
                                                      size_t options_size, char ret_message_id[MAS_MESSAGE_ID_SIZE]);

/** Sends a message of which it is unknown whether it arrived (MAS_TIMEOUT after a stop) once more, under its id, so that
 *  receivers can tell. @param message_id as mas_agent_send gave it. The rest as mas_agent_send. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_send_again(mas_agent *agent, const char *message_id, const char *target,
                                                       const char *type, const char *json, size_t size);

/** Waits until everything sent so far has its outcome. @return MAS_OK, MAS_TIMEOUT, MAS_CANCELLED. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_flush(mas_agent *agent, int timeout_ms);

/** What became of a message that was sent. `outcome`: MAS_OK, somebody received it; MAS_NO_RECEIVER, nobody listens;
 *  MAS_CONNECTION_LOST or MAS_TIMEOUT, unknown; else why Redis did not take it. In gateway mode: MAS_OK, in the target's
 *  stream; else why it was refused, and only at a stop MAS_TIMEOUT, unknown, or MAS_CANCELLED, never handed over.
 *  mas_receipt_decision, mas_receipt_detail and mas_receipt_retry_after say more. Texts are valid during the call. */
typedef void (*mas_receipt_fn)(mas_agent *agent, const char *message_id, const char *target, mas_status outcome,
                               void *user);
typedef enum mas_receipts { MAS_RECEIPTS_FAILURES = 0, MAS_RECEIPTS_ALL = 1 } mas_receipts;
/** Sets who hears of outcomes: of failures only, or of all. Receipts wait for mas_agent_poll like messages do, in a
 *  queue with the outbound bound; past it the oldest are dropped and counted. */
MAS_EXPORT void mas_agent_on_receipt(mas_agent *agent, mas_receipts which, mas_receipt_fn fn, void *user);

/* ---- Requests ------------------------------------------------------------------------------------------------ */

/** Sends a request and waits for its answer. May be called from a handler; other callbacks wait meanwhile.
 *  @param ret_reply the answer; give back with mas_message_unref.
 *  @return MAS_NO_RECEIVER at once when nobody listens; the reason at once when the gateway refuses it; MAS_TIMEOUT; MAS_CANCELLED on stop; as mas_agent_send. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_request(mas_agent *agent, const char *target, const char *type,
                                                    const char *json, size_t size, int timeout_ms,
                                                    mas_message **ret_reply);

/** The end of an asynchronous request: `reply` (borrowed) when `status` is MAS_OK, else NULL. Runs exactly once, inside
 *  mas_agent_poll or (with MAS_CANCELLED) mas_agent_stop or mas_agent_free, unless the request was cancelled. */
typedef void (*mas_reply_fn)(mas_agent *agent, mas_status status, const mas_message *reply, void *user);

/** Sends a request; `fn` gets the answer.
 *  @param ret_request for mas_request_cancel; may be NULL. Free with mas_request_free, before or after the end.
 *  @return as mas_agent_send; MAS_WOULD_BLOCK also when as many requests as the outbound queue has room for messages
 *  are under way or have ended and were not polled. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_request_async(mas_agent *agent, const char *target, const char *type,
                                                          const char *json, size_t size, int timeout_ms,
                                                          mas_reply_fn fn, void *user, mas_request **ret_request);
/** Forgets a request: once this returns, `fn` will not start. @return MAS_NOT_FOUND when it has ended already. */
MAS_EXPORT mas_status mas_request_cancel(mas_request *request);
/** Frees the handle; the request itself goes on. NULL is ignored. */
MAS_EXPORT void mas_request_free(mas_request *request);

/* ---- Connection and overload --------------------------------------------------------------------------------- */

typedef enum mas_connection {
  MAS_DISCONNECTED = 0, /**< messages published meanwhile are lost to this agent; in gateway mode none is */
  MAS_CONNECTED = 1     /**< registered and hearing */
} mas_connection;
/** Told of each change after mas_agent_start, inside mas_agent_poll. `detail`: one sentence, valid during the call. */
typedef void (*mas_connection_fn)(mas_agent *agent, mas_connection state, const char *detail, void *user);
MAS_EXPORT void mas_agent_on_connection(mas_agent *agent, mas_connection_fn fn, void *user);

/** Told, inside mas_agent_poll, that `dropped` messages were dropped from the full inbound queue since last told. */
typedef void (*mas_overflow_fn)(mas_agent *agent, uint64_t dropped, void *user);
MAS_EXPORT void mas_agent_on_overflow(mas_agent *agent, mas_overflow_fn fn, void *user);

/** Counters since mas_agent_new. */
typedef struct mas_stats {
  uint64_t sent;           /**< messages handed to Redis and answered by it */
  uint64_t undelivered;    /**< of these, those that reached nobody */
  uint64_t send_failed;    /**< not taken by Redis, or outcome unknown */
  uint64_t received;       /**< well-formed messages */
  uint64_t malformed;      /**< dropped: not an envelope for this agent; the debug callback says whose, and why */
  uint64_t dropped;        /**< dropped: inbound queue full */
  uint64_t unhandled;      /**< no handler for the type */
  uint64_t handler_failed; /**< handlers that did not return MAS_OK */
  uint64_t late_replies;   /**< answers to requests that had ended */
  uint64_t reconnects;     /**< links to Redis made after the first */
  /* Gateway mode. */
  uint64_t refused;         /**< messages the gateway refused */
  uint64_t duplicates;      /**< dropped: in the dedupe window */
  uint64_t stray_receipts;  /**< receipts for nothing that waits for one */
  uint64_t restarts;        /**< times the agent began anew as another instance, since Redis had lost data */
  uint64_t losses;          /**< times the agent's streams had less than before: messages may be gone */
  uint64_t reports_refused; /**< failed handlers that no report is taken of: handled again at the next start */
  /* Both modes. */
  uint64_t foreign_replies; /**< dropped: answers of agents that were not asked, or not on the reply stream */
} mas_stats;
/** @param size sizeof(mas_stats) of the caller: later versions may add members at the end. */
MAS_EXPORT void mas_agent_stats(const mas_agent *agent, mas_stats *ret_stats, size_t size);

/* ---- Discovery ----------------------------------------------------------------------------------------------- */

enum {
  MAS_DISCOVER_ANY = 0,          /**< agents with any of the capabilities */
  MAS_DISCOVER_ALL = 1 << 0,     /**< agents with all of them */
  MAS_DISCOVER_INACTIVE = 1 << 1 /**< also agents that are INACTIVE */
};

/** Finds agents by capability, through the index that mas-registryd keeps, or by a scan of the registry where none
 *  runs.
 *  @param capabilities `count` of them; 0 for everybody. @param flags MAS_DISCOVER_….
 *  @param limit the most to return, 0 for no limit; which ones is then unspecified.
 *  @param ret_list sorted by id; free with mas_agent_list_free. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_discover(mas_agent *agent, const char *const *capabilities, size_t count,
                                                     unsigned flags, size_t limit, int timeout_ms,
                                                     mas_agent_list **ret_list);
MAS_EXPORT size_t mas_agent_list_size(const mas_agent_list *list);
/** Text of the i-th agent; valid as long as the list; NULL past the end. */
MAS_EXPORT const char *mas_agent_list_id(const mas_agent_list *list, size_t i);
MAS_EXPORT const char *mas_agent_list_metadata(const mas_agent_list *list, size_t i); /**< a JSON object */
MAS_EXPORT bool mas_agent_list_active(const mas_agent_list *list, size_t i);
MAS_EXPORT double mas_agent_list_registered_at(const mas_agent_list *list, size_t i); /**< seconds since 1970 */
MAS_EXPORT size_t mas_agent_list_capability_count(const mas_agent_list *list, size_t i);
MAS_EXPORT const char *mas_agent_list_capability(const mas_agent_list *list, size_t i, size_t j);
/** NULL is ignored. */
MAS_EXPORT void mas_agent_list_free(mas_agent_list *list);

/* ---- State --------------------------------------------------------------------------------------------------- */
/* An agent's state is a hash of texts in Redis that outlives the process. mas_agent_start loads it; reading is local,
 * writing waits for Redis. Objects and arrays are kept as JSON text by convention. */

/** @param ret_value the field's text, zero-terminated; free with mas_free. @return MAS_NOT_FOUND. */
MAS_EXPORT MAS_CHECKED mas_status mas_state_get(mas_agent *agent, const char *field, char **ret_value,
                                                size_t *ret_size);

/* At most 10,000 fields, 64 MiB of names and values together. What is past that in Redis fails a start or a refresh with
 * MAS_TOO_LARGE; mas_error_detail() names the field. */
typedef struct mas_state_field {
  const char *name;  /**< 1 to 1,024 bytes */
  const char *value; /**< at most 1 MiB; NULL removes the field */
  size_t size;       /**< of value; MAS_STRLEN for text */
} mas_state_field;

/** Writes several fields at once: all of them or none. Returns when Redis has them.
 *  @return MAS_TOO_LARGE for a field past its bound, or where the state would be past one of its own. */
MAS_EXPORT MAS_CHECKED mas_status mas_state_update(mas_agent *agent, const mas_state_field *fields, size_t count,
                                                   int timeout_ms);
/** Removes every field. */
MAS_EXPORT MAS_CHECKED mas_status mas_state_reset(mas_agent *agent, int timeout_ms);
/** Loads again what Redis has: another instance or an operator may have changed it. */
MAS_EXPORT MAS_CHECKED mas_status mas_state_refresh(mas_agent *agent, int timeout_ms);
/** Calls `fn` for each field, in order of name, on this thread, before it returns; `fn` must not call mas_state_*. */
typedef void (*mas_state_fn)(const char *name, const char *value, size_t size, void *user);
MAS_EXPORT void mas_state_each(mas_agent *agent, mas_state_fn fn, void *user);

#ifdef __cplusplus
}
#endif

#endif /* MAS_H */
