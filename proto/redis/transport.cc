// The stream behind a connection, over libuv.
#include "proto/redis/transport.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>

#include "proto/base/secret.h"
#include "proto/redis/usable_tls.h"

namespace mas::redis {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kKeptBufferBytes = 1024 * 1024;  // a larger write buffer is given back once written
constexpr unsigned kKeepaliveSeconds = 15;
constexpr auto kAttemptDelay = std::chrono::milliseconds(250);  // RFC 8305, section 5

}  // namespace

/// What libuv points into while a socket lives; freed in the close callback. `owner` is null once it was let
/// go.
struct Transport::Socket {
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
  uv_connect_t connect;
  uv_write_t write;
  Transport* owner;
  const bool secret;
  bool busy = false;                // a write is under way
  std::string out;                  // what it writes
  std::array<char, kReadBytes> in;  // not initialised: an idle connection touches none of its pages

  Socket(Transport* transport, bool is_secret) : owner(transport), secret(is_secret) {}
  ~Socket() {
    if (!secret) return;
    wipe(out);
    wipe(in);
  }
  /// Gives a large buffer back.
  void shrink() {
    if (out.capacity() <= kKeptBufferBytes) return;
    if (secret) wipe(out);
    out = std::string();
  }

  static Socket* of(uv_handle_t* handle) { return static_cast<Socket*>(handle->data); }
  static void allocate(uv_handle_t* handle, size_t, uv_buf_t* buffer) {
    buffer->base = of(handle)->in.data();
    buffer->len = kReadBytes;
  }
};

const TransitionTable Transport::kMoves = transitions<State>({
    {State::kClosed, State::kResolving},
    {State::kClosed, State::kDialing},
    {State::kResolving, State::kDialing},
    {State::kDialing, State::kSecuring},
    {State::kDialing, State::kOpen},
    {State::kSecuring, State::kOpen},
    {State::kClosed, State::kClosed},
    {State::kResolving, State::kClosed},
    {State::kDialing, State::kClosed},
    {State::kSecuring, State::kClosed},
    {State::kOpen, State::kClosed},
});

Transport::Transport(uv_loop_t* loop, TransportListener& listener, bool secret)
    : loop_(loop), listener_(listener), secret_(secret), state_(State::kClosed, kMoves), next_address_(loop, [this] {
        dial_next();
      }) {}

Transport::~Transport() { close(); }

void Transport::open(const Endpoint& endpoint) {
  endpoint_ = endpoint;
  if (endpoint.kind == Endpoint::Kind::kUnix) {
    state_.to(State::kDialing);
    dial_next();
  } else {
    state_.to(State::kResolving);
    resolve();
  }
}

void Transport::close() {
  state_.to(State::kClosed);
  if (lookup_ != nullptr && lookup_->over()) lookup_.reset();
  next_address_.stop();
  for (Socket* socket : std::exchange(dialing_, {})) drop(socket);
  if (socket_ != nullptr) drop(std::exchange(socket_, nullptr));
  tls_.reset();
  backlog_.clear();
}

/// SO_LINGER of zero, as RFC 9293's ABORT: else the kernel goes on sending for minutes what it has, and a server behind
/// a cut network executes it after the commands of the next link.
void Transport::abort() {
  const linger none{1, 0};
  uv_os_fd_t fd;
  if (socket_ != nullptr && endpoint_.kind != Endpoint::Kind::kUnix && uv_fileno(&socket_->handle, &fd) == 0)
    static_cast<void>(setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none));
  close();
}

void Transport::drop(Socket* socket) {
  socket->owner = nullptr;
  uv_close(&socket->handle, [](uv_handle_t* handle) { delete Socket::of(handle); });
}

void Transport::fail(const Error& why) {
  close();
  listener_.on_lost(why);
}

void Transport::fail(const char* what, int uv_status) {
  fail(Error{Errc::kUnreachable, std::string(what) + ": " + uv_strerror(uv_status)});
}

void Transport::resolve() {
  if (lookup_ == nullptr || !lookup_->is_of(endpoint_.host, endpoint_.port))
    lookup_ = std::make_unique<Lookup>(loop_, endpoint_.host, endpoint_.port, [this] { looked_up(); });
}

void Transport::looked_up() {
  if (!state_.is(State::kResolving)) return lookup_.reset();
  if (!lookup_->status()) return fail(Error(lookup_->status().error()));
  state_.to(State::kDialing);
  dial_next();
}

void Transport::dial_next() {
  auto* socket = new Socket(this, secret_);
  dialing_.push_back(socket);
  auto done = [](uv_connect_t* request, int status) {
    auto* dialed = static_cast<Socket*>(request->data);
    if (dialed->owner != nullptr) dialed->owner->dialed(dialed, status);
  };
  socket->connect.data = socket;
  if (endpoint_.kind == Endpoint::Kind::kUnix) {
    uv_pipe_init(loop_, &socket->pipe, 0);
    socket->handle.data = socket;
    uv_pipe_connect(&socket->connect, &socket->pipe, endpoint_.path.c_str(), done);
    return;
  }
  uv_tcp_init(loop_, &socket->tcp);
  socket->handle.data = socket;
  int status = uv_tcp_connect(&socket->connect, &socket->tcp, lookup_->next()->ai_addr, done);
  if (status != 0) return dialed(socket, status);
  if (lookup_->has_next()) next_address_.once(kAttemptDelay);
}

void Transport::dialed(Socket* socket, int status) {
  dialing_.erase(std::find(dialing_.begin(), dialing_.end(), socket));
  if (status == 0) {
    next_address_.stop();
    for (Socket* other : std::exchange(dialing_, {})) drop(other);
    socket_ = socket;
    return connected();
  }
  drop(socket);
  if (lookup_ != nullptr && lookup_->has_next()) return dial_next();
  if (dialing_.empty()) fail("cannot connect", status);
}

void Transport::connected() {
  lookup_.reset();
  if (endpoint_.kind != Endpoint::Kind::kUnix) {
    uv_tcp_nodelay(&socket_->tcp, 1);
    uv_tcp_keepalive(&socket_->tcp, 1, kKeepaliveSeconds);
  }
  socket_->write.data = socket_;
  auto on_read = [](uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
    Transport* owner = Socket::of(reinterpret_cast<uv_handle_t*>(stream))->owner;
    if (owner == nullptr || size == 0) return;
    if (size == UV_EOF) return owner->fail(Error{Errc::kConnectionLost, "the server closed the connection"});
    if (size < 0) return owner->fail("reading failed", static_cast<int>(size));
    owner->received({buffer->base, static_cast<size_t>(size)});
  };
  uv_read_start(&socket_->stream, Socket::allocate, on_read);
  if (endpoint_.kind == Endpoint::Kind::kTls) return secure();
  state_.to(State::kOpen);
  listener_.on_open();
}

void Transport::secure() {
  state_.to(State::kSecuring);
  auto context = usable_context(endpoint_.tls);
  if (!context) return fail(context.error());
  const std::string& name = endpoint_.tls.server_name.empty() ? endpoint_.host : endpoint_.tls.server_name;
  tls_ = std::make_unique<TlsSession>(std::move(*context), name);
  received_ciphertext({});
}

void Transport::received(std::span<char> bytes) {
  if (tls_ != nullptr) return received_ciphertext({bytes.data(), bytes.size()});
  listener_.on_bytes(bytes);
}

void Transport::received_ciphertext(std::string_view bytes) {
  tls_->feed(bytes);
  if (state_.is(State::kSecuring)) {
    auto done = tls_->handshake();
    std::string out;
    tls_->take_outgoing(out);  // also an alert that tells the server why
    if (!out.empty()) push(out);
    if (state_.is(State::kClosed)) return;
    if (!done) return fail(done.error());
    if (!*done) return;
    state_.to(State::kOpen);
    listener_.on_open();
  }
  std::array<char, 16 * 1024> plain;  // the largest TLS record
  while (state_.is(State::kOpen)) {
    auto size = tls_->read(plain.data(), plain.size());
    if (!size) return fail(size.error());
    if (*size == 0) break;
    listener_.on_bytes({plain.data(), *size});
  }
  if (!state_.is(State::kOpen)) return;
  std::string out;
  tls_->take_outgoing(out);  // key updates and the like
  if (!out.empty()) push(out);
}

bool Transport::writing() const { return socket_ != nullptr && socket_->busy; }

size_t Transport::unwritten() const {
  return socket_ == nullptr ? 0 : uv_stream_get_write_queue_size(&socket_->stream);
}

void Transport::write(std::string& bytes) {
  if (tls_ == nullptr) return push(bytes);
  auto status = tls_->write(bytes);
  bytes.clear();
  if (!status) return fail(status.error());
  std::string out;
  tls_->take_outgoing(out);
  push(out);
}

void Transport::push(std::string& bytes) {
  if (socket_->busy) {
    backlog_ += bytes;
    return bytes.clear();
  }
  socket_->out.swap(bytes);
  bytes.clear();
  uv_buf_t buffer = uv_buf_init(socket_->out.data(), static_cast<unsigned>(socket_->out.size()));
  int sent = uv_try_write(&socket_->stream, &buffer, 1);
  if (sent < 0 && sent != UV_EAGAIN) return fail("writing failed", sent);
  size_t done = sent > 0 ? static_cast<size_t>(sent) : 0;
  if (done == socket_->out.size()) return socket_->shrink();
  buffer = uv_buf_init(socket_->out.data() + done, static_cast<unsigned>(socket_->out.size() - done));
  socket_->busy = true;
  uv_write(&socket_->write, &socket_->stream, &buffer, 1, [](uv_write_t* request, int status) {
    auto* socket = static_cast<Socket*>(request->data);
    if (socket->owner != nullptr) socket->owner->written(status);
  });
}

void Transport::written(int status) {
  socket_->busy = false;
  socket_->shrink();
  if (status != 0) return fail("writing failed", status);
  if (!backlog_.empty()) push(backlog_);
  if (state_.is(State::kOpen) && !socket_->busy) listener_.on_written();
}

}  // namespace mas::redis
