/* Messages: handlers, what is read of a message, sending and its receipts.
 * Part of mas.h, which says what holds for all functions. */
#ifndef MAS_MESSAGE_H
#define MAS_MESSAGE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Messages ------------------------------------------------------------------------------------------------ */
/** Handles one message. The message is borrowed: valid until the handler returns, see mas_message_ref.
 *  Gateway mode: a message is acknowledged after its handler has returned MAS_OK, or, where the handler called
 *  mas_message_defer, after mas_message_settle. When the process dies before that, it is delivered again; after any
 *  other status too, later, until its attempts are used up (docs/GATEWAY.md).
 *  A handler may be left without returning: by a C++ exception (the poll goes on), by pthread_exit() or cancellation of
 *  its thread, or by longjmp() to a function that called mas_agent_poll or to one of its callers. Its message has
 *  then failed, as with MAS_HANDLER_FAILED; after longjmp(), as soon as that thread next polls or stops the agent. A
 *  handler must not jump out of a call of this library that it made.
 *
 *  A request whose handler fails for good is answered by an error reply: its requester gets MAS_HANDLER_FAILED at once,
 *  not MAS_TIMEOUT. Peer to peer every failure is for good; in gateway mode the last attempt's is. A handler that has
 *  sent a reply, or kept the request by mas_message_ref to reply later and returned MAS_OK, causes no error reply.
 *  @return MAS_OK or MAS_HANDLER_FAILED; any other status counts as failed. Two end a request at once, in gateway mode
 *  too, and its requester gets them: MAS_INVALID_PAYLOAD and MAS_NO_HANDLER (the latter counts as unhandled, and does
 *  not fail a message that is not a request). mas_message_fail() adds a sentence. */
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
/** Reads a key. @param id its name at the gateway (dlp.encryption_key_id). @param path its file, as `masctl key
 *  generate` writes it; it must not be accessible to others. @param ret_key free with mas_data_key_free.
 *  @return MAS_INVALID_ARGUMENT, MAS_NOT_FOUND; mas_error_detail() says what is wrong with the file. */
MAS_EXPORT MAS_CHECKED mas_status mas_data_key_read(const char *id, const char *path, mas_data_key **ret_key);
/** Frees a key. @param key NULL is ignored. */
MAS_EXPORT void mas_data_key_free(mas_data_key *key);
/** Decrypts every value of the message's JSON object that was encrypted under `key`. The rest, also values under other
 *  keys, stays byte for byte as it was received.
 *  @param key from mas_data_key_read. @param ret_json the object, zero-terminated; free with mas_free.
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

/** Says why a handler fails, at its end: `return mas_message_fail(message, MAS_HANDLER_FAILED, "no such account");`.
 *  The text goes to the requester, and in gateway mode into the reason of the dead letter (cut to 256 bytes there).
 *  @param status what the handler is going to return. @param text one sentence without secrets, in UTF-8; copied,
 *  control characters replaced, cut to 512 bytes; NULL: none. @return `status`. */
MAS_EXPORT mas_status mas_message_fail(const mas_message *message, mas_status status, const char *text);

/** Defers a message: it is not settled when its handler returns MAS_OK, but by mas_message_settle, later and from any
 *  thread.
 *  For handlers that leave the work to another thread or task; they keep the message by mas_message_ref.
 *  Gateway mode: the message is acknowledged, or reported as failed, only when it is settled. When the process dies, or
 *  the agent stops, before that, it is delivered again. The time-out of handlers goes on until then (see
 *  mas_options_set_handler_timeout); a message that is out of time has failed. Until it is settled or out of time, the
 *  message fills the inbound queue, which bounds how many are deferred at a time. A message that is out of time takes
 *  memory until its references are released.
 *  Peer to peer: a request that is not settled when its agent stops has failed, and its requester is told.
 *  A deferred message whose last reference is released, or whose handler does not return MAS_OK, has failed.
 *  @return MAS_INVALID_STATE outside of the message's handler, in a handler during which its agent was stopped, and for
 *  a message that was deferred already. */
MAS_EXPORT MAS_CHECKED mas_status mas_message_defer(const mas_message *message);

/** Settles a deferred message, also before its handler has returned. What `status` means is as if the handler returned
 *  it; `mas_message_settle(message, mas_message_fail(message, MAS_HANDLER_FAILED, "no such account"))` adds a sentence.
 *  @param status MAS_OK: it is handled. @return MAS_INVALID_STATE for a message that was not deferred, that was
 *  settled, that was out of time, or whose agent has stopped: the call then has no effect. */
MAS_EXPORT MAS_CHECKED mas_status mas_message_settle(const mas_message *message, mas_status status);

/** Answers a request by an error reply: its requester gets `status` and the text. For requests that were kept to be
 *  answered later; in a handler, return a status instead, so that gateway mode can try again. The message then counts
 *  as one whose handler returned `status`.
 *  @param status MAS_HANDLER_FAILED, MAS_NO_HANDLER, MAS_INVALID_PAYLOAD or MAS_UNAVAILABLE.
 *  @param text as in mas_message_fail.
 *  @return as mas_message_reply; MAS_INVALID_ARGUMENT for another status; MAS_INVALID_STATE for a request that was
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

/** Repeats a message with an unknown outcome (MAS_TIMEOUT at a stop) or in doubt (mas_agent_on_doubt) under its id, so
 *  that receivers recognise it. @param message_id as mas_agent_send returned it. The rest as mas_agent_send. */
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

/** Messages that the gateway accepted and that Redis then lost: their receipts were MAS_OK, and the gateway does not
 *  know them any more. A receiver may have handled some before they were lost. Valid during the call; later versions
 *  may add members at the end. */
typedef struct mas_doubt {
  const char *const *message_ids; /**< as mas_agent_send returned them, in the order of sending */
  size_t count;                   /**< of message_ids */
  uint64_t forgotten;             /**< further messages in doubt, at most, whose ids are not known any more */
  const char *reason;             /**< one sentence */
} mas_doubt;
/** Called in mas_agent_poll, and for what is left in mas_agent_stop, when messages are in doubt. mas_agent_send_again
 *  sends one again under its id: receivers with a dedupe window that have seen it drop it.
 *  @param doubt the messages. */
typedef void (*mas_doubt_fn)(mas_agent *agent, const mas_doubt *doubt, void *user);
/** Sets the doubt callback. Gateway mode only; see mas_options_set_doubt_window. */
MAS_EXPORT void mas_agent_on_doubt(mas_agent *agent, mas_doubt_fn fn, void *user);

#ifdef __cplusplus
}
#endif

#endif /* MAS_MESSAGE_H */
