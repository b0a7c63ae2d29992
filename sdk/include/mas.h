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
 *              mas_agent_start and mas_agent_stop. mas_agent_quit() ends the loop that they run in.
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
 * A wrong call fails without side effects: one that is not possible now returns MAS_INVALID_STATE. NULL, where
 * a function does not allow it, is MAS_INVALID_ARGUMENT; a function that returns no status then returns 0, false, "" or
 * NULL (mas_agent_fd: -1). mas_error_detail() names the argument.
 *
 * Parameters, where a function does not describe them. What is passed in stays the caller's, what is kept is copied.
 *   agent          From mas_agent_new.
 *   options        From mas_options_new. One thread at a time.
 *   message        Borrowed.
 *   list           From mas_agent_discover. It never changes, so any thread may read it.
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

/* The parts, in the order in which they are best read. */
/* clang-format off */
#include "mas/base.h"
#include "mas/options.h"
#include "mas/agent.h"
#include "mas/message.h"
#include "mas/request.h"
#include "mas/discovery.h"
#include "mas/state.h"
#include "mas/trace.h"
/* clang-format on */

#endif /* MAS_H */
