/* The settings of a new agent. Part of mas.h, which says what holds for all functions. */
#ifndef MAS_OPTIONS_H
#define MAS_OPTIONS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Options ------------------------------------------------------------------------------------------------- */
/** @return the default options, or NULL when out of memory; free with mas_options_free. */
MAS_EXPORT mas_options *mas_options_new(void);
/** Frees options. Agents made from them do not need them. @param options NULL is ignored. */
MAS_EXPORT void mas_options_free(mas_options *options);

/** Sets the address of Redis. @param url redis://[user[:password]@]host[:port][/db],
 *  rediss://…[?ca=FILE&cert=FILE&key=FILE&server_name=NAME], unix://[user[:password]@]/path[?db=N] or, for the primary
 *  that Redis Sentinel names, redis+sentinel://[user[:password]@]host[:port],host…/master-name[/db] (rediss+sentinel://
 *  with TLS), with the options sentinel_user, sentinel_password and sentinel_password_file. Default: the environment's
 *  MAS_REDIS_URL, else redis://localhost:6379. */
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
/** Names the file with the agent's secrets: its user, password, URL and CA of Redis, and for gateway mode its token or
 *  key. mas_agent_new reads the way to Redis, each mas_agent_start token and key. A URL, namespace or user that was set
 *  otherwise overrides the file's; the file overrides MAS_REDIS_URL and MAS_NAMESPACE.
 *  @param path a file that `masctl enroll` or `masctl identity create` wrote: TOML, mode 0600. NULL or "": no file; the
 *  token in the agent's registry entry is used, where the gateway accepts that. Default: the environment's
 *  MAS_CREDENTIALS. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_credentials(mas_options *options, const char *path);
/** Gateway mode: limits the time of a handler. A handler that exceeds it has failed: its result is ignored, and the
 *  gateway delivers the message again, perhaps while the handler still runs.
 *  @param timeout_ms milliseconds, 0 to 86,400,000. Default: 0, no limit. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_handler_timeout(mas_options *options, int timeout_ms);
/** Gateway mode: drops a message that is among the last ones received, by sender and id: one that was sent again
 *  (mas_agent_send_again) or delivered again, unless its handler failed.
 *  @param messages the number that is remembered, at most 10,000,000. Default: 0, off. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_dedupe_window(mas_options *options, size_t messages);
/** Gateway mode: bounds which accepted messages the agent remembers by id, to name them if Redis loses them
 *  (mas_agent_on_doubt). One takes 32 bytes.
 *  @param messages the number that is remembered, at most 10,000,000; 0: off. Default: 65,536.
 *  @param seconds how long after its receipt, 1 to 86,400. Default: 300. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_set_doubt_window(mas_options *options, size_t messages, int seconds);
/** Adds a capability; at most 256 per agent. @param capability 1 to 128 bytes without control characters. */
MAS_EXPORT MAS_CHECKED mas_status mas_options_add_capability(mas_options *options, const char *capability);
/** Sets what discovery shows to others. @param json a JSON object of at most 64 KiB. Default: {}. */
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
 *  calling threads. It must be quick and must not call this library. @param line zero-terminated; valid during the
 *  call. */
typedef void (*mas_debug_fn)(const char *line, void *user);
/** Sets the debug callback. */
MAS_EXPORT void mas_options_set_debug(mas_options *options, mas_debug_fn fn, void *user);

#ifdef __cplusplus
}
#endif

#endif /* MAS_OPTIONS_H */
