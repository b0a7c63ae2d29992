// Sockets and the login.
#include "sdk/bench/raw_link.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "proto/redis/command.h"

namespace mas::ctl {

namespace {

constexpr time_t kReplySeconds = 10;

Error system_error(std::string_view what) {
  return {Errc::kUnreachable, std::string(what) + ": " + std::strerror(errno)};
}

Result<int> connect_unix(const redis::Endpoint& endpoint) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (endpoint.path.size() >= sizeof address.sun_path) return Error{Errc::kInvalidArgument, "socket path too long"};
  std::memcpy(address.sun_path, endpoint.path.c_str(), endpoint.path.size() + 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return system_error("socket");
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  Error error = system_error(endpoint.address());
  close(fd);
  return error;
}

Result<int> connect_tcp(const redis::Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found) != 0) {
    return Error{Errc::kUnreachable, "cannot resolve " + endpoint.host};
  }
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, freeaddrinfo);
  for (addrinfo* address = found; address != nullptr; address = address->ai_next) {
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
      int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return fd;
    }
    close(fd);
  }
  return system_error(endpoint.address());
}

}  // namespace

Result<std::unique_ptr<RawLink>> RawLink::open(const redis::Endpoint& endpoint) {
  if (endpoint.topology != redis::Topology::kSingle)
    return Error{Errc::kRefused, endpoint.address() + ": the benchmarks need a URL that names one server"};
  if (endpoint.kind == redis::Endpoint::Kind::kTls) {
    return Error{Errc::kInvalidArgument, "the benchmark compares with plain sockets; use redis:// or unix://"};
  }
  if (endpoint.topology != redis::Topology::kSingle)
    return Error{Errc::kInvalidArgument, "the benchmark needs the URL of one server; use redis:// or unix://"};
  auto fd = endpoint.kind == redis::Endpoint::Kind::kUnix ? connect_unix(endpoint) : connect_tcp(endpoint);
  if (!fd.ok()) return fd.error();
  timeval limit{kReplySeconds, 0};
  setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  std::unique_ptr<RawLink> link(new RawLink(*fd));
  Status greeted = link->greet(endpoint);
  if (!greeted.ok()) return greeted.error().in(endpoint.address());
  return link;
}

RawLink::~RawLink() { close(fd_); }

Status RawLink::greet(const redis::Endpoint& endpoint) {
  redis::Command command;
  if (!endpoint.password.empty()) {
    std::string user = endpoint.user.empty() ? "default" : endpoint.user;
    command.add("AUTH", user, endpoint.password);
  }
  command.add("SELECT", endpoint.db);
  Status written = write(command.bytes());
  for (size_t i = 0; written.ok() && i < command.count(); ++i) {
    auto reply = read();
    if (!reply.ok()) return reply.error();
  }
  return written;
}

Status RawLink::write(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error("write to Redis");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

Status RawLink::receive(int flags, bool& ret_got) {
  char buffer[16384];  // as hiredis reads; its reader is slower with more in its buffer
  ssize_t got = recv(fd_, buffer, sizeof buffer, flags);
  while (got < 0 && errno == EINTR) got = recv(fd_, buffer, sizeof buffer, flags);
  ret_got = got > 0;
  if (got > 0) return reader_.feed(std::string_view(buffer, static_cast<size_t>(got)));
  if (got == 0) return Error{Errc::kConnectionLost, "Redis closed the connection"};
  bool nothing_here = errno == EAGAIN || errno == EWOULDBLOCK;
  if (nothing_here && (flags & MSG_DONTWAIT) != 0) return {};
  return nothing_here ? Error{Errc::kTimeout, "no reply from Redis within 10 s"} : system_error("read from Redis");
}

Result<const redis::Reply*> RawLink::read() {
  for (;;) {
    auto reply = reader_.next();
    if (!reply.ok()) return reply.error();
    if (*reply != nullptr) return (*reply)->is_error() ? Result<const redis::Reply*>(redis::error_of(**reply)) : *reply;
    bool got = false;
    Status received = receive(0, got);
    if (!received.ok()) return received.error();
  }
}

Result<const redis::Reply*> RawLink::read_available() {
  auto reply = reader_.next();
  if (!reply.ok() || *reply != nullptr) return reply;
  bool got = false;
  Status received = receive(MSG_DONTWAIT, got);
  if (!received.ok()) return received.error();
  if (!got) return static_cast<const redis::Reply*>(nullptr);
  return reader_.next();
}

Result<const redis::Reply*> RawLink::call(std::string_view command) {
  Status written = write(command);
  if (!written.ok()) return written.error();
  return read();
}

}  // namespace mas::ctl
