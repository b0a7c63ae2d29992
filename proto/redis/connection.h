// One connection to Redis: pipelining, coalesced writes, timeouts, reconnect. The glossary of this folder:
//
//   command      one RESP request; a Command may hold several, each with its own reply
//   run          commands sent by one call, whose replies go to one receiver
//   pending      runs whose replies have not all come, in the order of the wire
//   outgoing     bytes accepted but not yet handed to the socket; all of it goes out in one write, large ropes in
//                several
//   generation   number of the current link; every (re)connect makes a new one
//
// Happy path: start() → resolve, connect, TLS, AUTH, SELECT, CLIENT SETNAME, HELLO, PING → ready. send() appends to
// outgoing; before the loop polls, everything outgoing is written at once; replies are matched in order.
//
//     idle ──start──▶ connecting ──▶ greeting ──PONG──▶ ready
//                        ▲  │ failed     │ refused        │ lost, timeout, READONLY
//                        │  ▼            ▼                ▼
//                      (wait) ◀──────── backing off ◀─────┘          stop() from anywhere ──▶ stopped
//
// Failure: a link that fails is replaced after a jittered, capped exponential backoff, for ever, until stop(). A run
// that was handed to the socket answers kConnectionLost (its outcome is unknown). One that was not is kept for the next
// link until its own deadline (`keep_unsent`) and then answers kUnreachable: nothing was sent, it is safe to repeat.
// LOADING, NOAUTH and the like (not MISCONF: only writes are refused) while greeting count as a failed attempt, told in
// Redis's own words. A link that answers READONLY is dropped, so that after a fail-over the name is resolved again;
// with `primary_only`, so is one whose server says in its HELLO that it is no primary. A server may be demoted and
// close nothing: a link that does not write all the time asks again and again (`role_interval`, ask_role()).
// With Sentinel the server is found anew for each link (sentinel/sentinels.h), and a link whose server is not
// the primary any more, as the sentinels say, is dropped and made anew at once.
// A reply with a text past `reply_limits` answers kTooLarge before the text has come, and the link is replaced: what
// Redis holds of the reply goes with it. oversized() tells the receiver how long it is.
// Time-outs: replies come in order, so only the oldest run's deadline is checked. When it has passed, the run answers
// kTimeout and the link is replaced, since no later reply can be relied on. Only silence counts, not time in which the
// loop was busy and read nothing, or in which parts of a large reply keep arriving.
// Threading: one loop, its thread, on which SIGPIPE must be ignored or blocked (libuv writes without MSG_NOSIGNAL).
// Ownership: the connection may be destroyed at any time but from inside its own callbacks; what is pending is then
// dropped without an answer.
#pragma once

#include <uv.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proto/base/clock.h"
#include "proto/base/result.h"
#include "proto/redis/command.h"
#include "proto/redis/reply.h"
#include "proto/redis/rope.h"
#include "proto/redis/url.h"

namespace mas::redis {

/// A reply of Redis (also an error reply: test `is_error()`), or why there is none: kTimeout,
/// kConnectionLost, kUnreachable, kCancelled.
using Answer = Result<const Reply*>;

/// Flattens an answer: transport failures and error replies alike become the error.
inline Result<const Reply*> checked(const Answer& answer) {
  if (answer.ok() && (*answer)->is_error()) return error_of(**answer);
  return answer;
}

/// Who gets the replies of a run: a method and a number. The i-th reply of a run is given `tag + i`.
/// Never called from inside send(); a call that returned an error never calls back.
struct ReplyTo {
  void (*fn)(void* self, uint64_t tag, const Answer& answer) = nullptr;  ///< null: replies are ignored
  void* self = nullptr;
  uint64_t tag = 0;
  size_t text_bytes = 0;  ///< a longer text in a reply is replaced by an integer, its length; 0: no bound
};

/// Makes a ReplyTo of a method: `reply_to<&StartOp::on_reply>(this, kReadEntry)`, where the method is
/// `void on_reply(uint64_t tag, const Answer& answer)`.
template <auto Method, typename T>
ReplyTo reply_to(T* self, uint64_t tag = 0, size_t text_bytes = 0) {
  return {[](void* object, uint64_t t, const Answer& answer) { (static_cast<T*>(object)->*Method)(t, answer); }, self,
          tag, text_bytes};
}

class Sentinels;

struct ConnectionOptions {
  Endpoint endpoint;
  std::string client_name;                             ///< CLIENT SETNAME; empty: none. No spaces.
  Duration connect_timeout = std::chrono::seconds(5);  ///< whole way to ready
  Duration command_timeout = std::chrono::seconds(5);  ///< default of send()
  Duration backoff_base = std::chrono::milliseconds(50);
  Duration backoff_cap = std::chrono::seconds(1);
  size_t max_outgoing_bytes = 64u * 1024 * 1024;  ///< kWouldBlock past it
  size_t max_pending_commands = 1'000'000;        ///< kWouldBlock past it
  bool keep_unsent = true;
  ReplyLimits reply_limits;
  bool secret = false;        ///< commands contain secrets: buffers are wiped before they are freed
  bool primary_only = false;  ///< a server that is not a primary is refused; always so with Sentinel
  /// With Topology::kSentinel: shared by all links of an owner; null: the connection has its own, which follow nothing.
  std::shared_ptr<Sentinels> sentinels;
  Duration role_interval = {};  ///< between two HELLOs, with primary_only; zero: none. Not in push_mode
};

enum class LinkState : uint8_t { kIdle, kConnecting, kGreeting, kReady, kBackingOff, kStopped };
std::string_view link_state_text(LinkState state);

class Connection;

/// Told about every change of a connection. Methods run on the loop's thread and must not destroy the
/// connection.
class ConnectionListener {
 public:
  virtual ~ConnectionListener() = default;
  /// The link is ready. Called before anything kept from the last link is sent again.
  virtual void on_ready(Connection& connection) = 0;
  /// The link, or the attempt to get one, failed; the next attempt comes by itself. `why` is one sentence
  /// with the address in it. `attempt` counts from 1 since the last ready link.
  virtual void on_down(Connection& connection, const Error& why, unsigned attempt) = 0;
  /// A reply that answers no command: only on a connection with `push_mode`.
  virtual void on_push(Connection& connection, const Reply& reply);
};

class Connection {
 public:
  /// @param listener may be null; must outlive the connection.
  Connection(uv_loop_t* loop, ConnectionOptions options, ConnectionListener* listener);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  /// Ends the link and every attempt. Pending runs are answered with kCancelled before this returns.
  void stop();

  /// Queues every command of `command`. Accepted also while there is no link (see `keep_unsent`).
  /// @param timeout zero: the options' command_timeout.
  /// @return kWouldBlock at a bound, kInvalidState after stop(), kUnreachable without link and without
  /// keep_unsent.
  Status send(const Command& command, ReplyTo to, Duration timeout = {}) {
    return send(command.bytes(), command.count(), to, timeout);
  }
  /// The same; the command's bytes are taken, not copied, where nothing is queued before them.
  Status send(Command&& command, ReplyTo to, Duration timeout = {});
  /// The same for `count` commands that are already RESP.
  Status send(std::string_view bytes, size_t count, ReplyTo to, Duration timeout = {});
  /// The same, without copying when nothing is queued: takes the bytes, and leaves others or none.
  Status send_from(std::string& bytes, size_t count, ReplyTo to, Duration timeout = {});
  /// The same for a rope; the memory that it was lent is kept until the socket has taken its bytes, or the link is
  /// lost.
  Status send(Rope rope, ReplyTo to, Duration timeout = {});

  /// Writes what send() queued now, instead of before the loop polls.
  void flush();

  /// Sends MULTI, the commands and EXEC back to back. `to` gets one answer: EXEC's reply (nil: a WATCHed key
  /// changed), or the error reply that EXEC or an earlier step gave.
  /// @param generation if not 0, refused with kConnectionLost unless it is the current one: what was WATCHed
  /// and read on an earlier link says nothing about this one. Never kept for another link: what was not handed to the
  /// socket when the link is lost answers kUnreachable. (Where a rope is queued, too, so does everything else.)
  Status transaction(const Command& body, ReplyTo to, uint64_t generation = 0, Duration timeout = {}) {
    return transaction(body.bytes(), body.count(), to, generation, timeout);
  }
  /// The same for `count` commands that are already RESP.
  Status transaction(std::string_view body, size_t count, ReplyTo to, uint64_t generation = 0, Duration timeout = {});

  /// Drops the receiver of everything pending for `self` (an object that goes away); replies are then
  /// ignored.
  void forget(const void* self);

  LinkState state() const;
  bool ready() const { return state() == LinkState::kReady; }
  /// 0 before the first link; +1 with each ready link.
  uint64_t generation() const;
  size_t pending_commands() const;
  size_t outgoing_bytes() const;
  /// The reply at hand holds a secret: as soon as its receiver has returned, all bytes that brought it are overwritten.
  void wipe_received();

  /// The text that was too large, while kTooLarge is answered.
  const OversizedText& oversized() const;
  const ConnectionOptions& options() const;
  /// The server of the link, or of the last attempt: that of the options or, with Sentinel, the one that was found.
  const Endpoint& server() const;
  /// When bytes came last.
  MonoTime last_bytes() const;
  /// Bytes and replies since construction, for metrics.
  struct Counters {
    uint64_t bytes_in = 0, bytes_out = 0, commands = 0, replies = 0, reconnects = 0, timeouts = 0;

    Counters& operator+=(const Counters& other) {
      bytes_in += other.bytes_in, bytes_out += other.bytes_out;
      commands += other.commands, replies += other.replies;
      reconnects += other.reconnects, timeouts += other.timeouts;
      return *this;
    }
  };
  const Counters& counters() const;

  /// From now on every reply goes to ConnectionListener::on_push, none to a ReplyTo; send() with a null
  /// ReplyTo::fn only. For subscriptions. Call before start(); later, only to change the bound.
  /// @param text_bytes as ReplyTo::text_bytes, for every reply: whoever may publish chooses their sizes. Not 0.
  void push_mode(size_t text_bytes);
  /// Not in push_mode: asks for the server's role now. Without a link, or without primary_only, nothing is done.
  void ask_role();
  /// In push_mode: what a supervisor sends to see whether the link lives, HELLO or PING. The answer to HELLO is also
  /// looked at here: where the server is no primary any more, the link is dropped.
  Command sign_of_life() const;
  /// Drops the current link as if it had failed with `why`; a new one is made. For a supervisor that knows
  /// better.
  void drop_link(Error why);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mas::redis
