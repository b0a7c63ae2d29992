// A byte stream to one endpoint: resolve, connect (TCP, unix socket), TLS, read, write. No Redis in it.
//
//     closed ──open──▶ resolving ──▶ dialing ──▶ securing (TLS) ──▶ open
//        ▲    (unix: straight to dialing)   └────── plain ───────────▶ │
//        └───────────── close(), or failure → on_lost ─────────────────┘
//
// Happy path: open() → on_open; write() hands over a buffer, on_written is called when it is written; on_bytes
// delivers what was received. Addresses of a name are tried in their order (RFC 8305, section 5): the next one when one
// fails or has not answered for a quarter of a second. Attempts continue in parallel, and the first that succeeds is
// used.
// Failure: on_lost once, with a sentence that has no address in it (the owner knows it); the transport is then closed
// and may be opened again. There are no time-outs here: the owner closes.
// Certificates and keys are read from their files for each link, so that a new link uses new files.
// Threading: one loop, its thread. Ownership: may be destroyed at any time but from inside its own callbacks; memory
// that libuv still uses is freed in its close callback.
#pragma once

#include <uv.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/base/state_machine.h"
#include "proto/redis/lookup.h"
#include "proto/redis/loop.h"
#include "proto/redis/tls.h"
#include "proto/redis/url.h"

namespace mas::redis {

class TransportListener {
 public:
  virtual ~TransportListener() = default;
  virtual void on_open() = 0;
  /// Bytes from the peer; valid during the call, and the listener's to overwrite. close() is allowed inside.
  virtual void on_bytes(std::span<char> bytes) = 0;
  virtual void on_written() = 0;
  virtual void on_lost(const Error& why) = 0;
};

class Transport {
 public:
  /// @param secret what passes is: buffers are wiped before they are given back.
  Transport(uv_loop_t* loop, TransportListener& listener, bool secret = false);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  void open(const Endpoint& endpoint);
  /// Ends the stream without a callback. Idempotent.
  void close();
  /// Likewise, and takes back what the peer does not have yet, also from the kernel (TCP: RST).
  void abort();
  bool is_open() const { return state_.is(State::kOpen); }

  /// Whether bytes handed over are still being written.
  bool writing() const;
  /// Bytes that the socket has not taken yet.
  size_t unwritten() const;
  /// Takes `bytes` (left empty) and writes them. Only when open and not writing(). Tries at once: when the
  /// socket takes all of it, writing() stays false and on_written does not come.
  void write(std::string& bytes);

 private:
  enum class State : uint8_t { kClosed, kResolving, kDialing, kSecuring, kOpen };
  static const TransitionTable kMoves;
  struct Socket;

  void resolve();
  void looked_up();
  void dial_next();
  void dialed(Socket* socket, int status);
  static void drop(Socket* socket);
  void connected();
  void secure();
  void received(std::span<char> bytes);
  void received_ciphertext(std::string_view bytes);
  void push(std::string& bytes);
  void written(int status);
  void fail(const Error& why);
  void fail(const char* what, int uv_status);

  uv_loop_t* loop_;
  TransportListener& listener_;
  const bool secret_;
  StateMachine<State> state_;
  Endpoint endpoint_;
  std::unique_ptr<Lookup> lookup_;  // kept over a close() while it is under way: the next open() takes it up
  std::vector<Socket*> dialing_;    // to addresses that have not answered
  Timer next_address_;
  Socket* socket_ = nullptr;  // that is connected
  std::unique_ptr<TlsSession> tls_;
  std::string backlog_;  // ciphertext that came up while a write was under way
};

}  // namespace mas::redis
