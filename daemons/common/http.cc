// libmicrohttpd with an external epoll descriptor, driven by uv_poll.
#include "daemons/common/http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <list>

#include "daemons/common/uv_handle.h"
#include "proto/redis/loop.h"

namespace mas::common {
namespace {

constexpr size_t kConnectionMemory = 16 * 1024;  // bounds request line and headers
constexpr int kBacklog = 64;
constexpr unsigned kNewcomers = 8;  // for whom older ones make way

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress socket_address(const ListenAddress& address) {
  SocketAddress out;
  if (address.host.find(':') != std::string::npos) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
    inet_pton(AF_INET6, address.host.c_str(), &v6->sin6_addr);
    out.size = sizeof *v6;
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address.port);
    inet_pton(AF_INET, address.host.c_str(), &v4->sin_addr);
    out.size = sizeof *v4;
  }
  return out;
}

std::string address_text(const std::string& host, uint16_t port) {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

uint16_t bound_port(int fd) {
  SocketAddress bound;
  bound.size = sizeof bound.storage;
  if (getsockname(fd, bound.get(), &bound.size) != 0) return 0;
  // The port stands at the same place in both families.
  return ntohs(reinterpret_cast<sockaddr_in*>(&bound.storage)->sin_port);
}

/// @return a listening socket, or -1 with errno.
int listening_socket(const ListenAddress& address) {
  SocketAddress where = socket_address(address);
  int fd = socket(where.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, where.get(), where.size) == 0 && ::listen(fd, kBacklog) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

bool is_loopback(const ListenAddress& address) { return address.host.starts_with("127.") || address.host == "::1"; }

/// @param host of a request: an IP address or `localhost`, with a port or without.
bool is_own_name(std::string_view host) {
  if (host.starts_with('[')) return true;
  host = host.substr(0, host.find(':'));
  in_addr address{};
  return host == "localhost" || inet_pton(AF_INET, std::string(host).c_str(), &address) == 1;
}

class MicroHttpServer final : public HttpServer {
 public:
  MicroHttpServer(uv_loop_t* loop, HttpPages& pages, const ListenAddress& address, HttpLimits limits)
      : pages_(pages),
        own_names_only_(is_loopback(address)),
        most_connections_(limits.max_connections),
        timer_(loop, [this] { run(); }) {}

  ~MicroHttpServer() override {
    poll_.close();  // before libmicrohttpd closes the descriptor under it
    if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
  }

  /// Takes `fd` over. @return whether libmicrohttpd and libuv accepted it.
  bool open(uv_loop_t* loop, int fd, std::string address, HttpLimits limits, bool v6) {
    address_ = std::move(address);
    unsigned flags = MHD_USE_EPOLL | (v6 ? unsigned{MHD_USE_IPv6} : 0u);
    daemon_ = MHD_start_daemon(flags, 0, nullptr, nullptr, &MicroHttpServer::on_request, this, MHD_OPTION_LISTEN_SOCKET,
                               fd, MHD_OPTION_CONNECTION_LIMIT, limits.max_connections + kNewcomers,
                               MHD_OPTION_CONNECTION_TIMEOUT, limits.timeout_seconds,
                               MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemory, MHD_OPTION_NOTIFY_CONNECTION,
                               &MicroHttpServer::on_connection, this, MHD_OPTION_END);
    if (daemon_ == nullptr) {
      close(fd);
      return false;
    }
    const auto* info = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == nullptr || uv_poll_init(loop, poll_.get(), info->epoll_fd) != 0) return false;
    poll_->data = this;
    return uv_poll_start(poll_.get(), UV_READABLE, &MicroHttpServer::on_event) == 0;
  }

  const std::string& address() const override { return address_; }

 private:
  static void on_event(uv_poll_t* handle, int, int) {
    if (handle->data != nullptr) static_cast<MicroHttpServer*>(handle->data)->run();
  }

  unsigned connections() const {
    return MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
  }

  void run() {
    // At its limit libmicrohttpd takes the listening socket out of the epoll set, and puts it back only at the start of
    // a run: when connections end and nothing else happens, that run has to be this one.
    unsigned before = 0;
    do {
      before = connections();
      MHD_run(daemon_);
    } while (connections() < before);
    MHD_UNSIGNED_LONG_LONG wait = 0;
    if (MHD_get_timeout(daemon_, &wait) == MHD_YES)
      timer_.once(std::chrono::milliseconds(std::max<int64_t>(1, static_cast<int64_t>(wait))));
    else
      timer_.stop();
  }

  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url, const char* method, const char*,
                               const char*, size_t*, void**) {
    return static_cast<MicroHttpServer*>(self)->answer(connection, url, method);
  }

  static void on_connection(void* self, MHD_Connection* connection, void**, MHD_ConnectionNotificationCode what) {
    auto& open = static_cast<MicroHttpServer*>(self)->open_;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
      open.remove(connection);
      return;
    }
    open.push_back(connection);
    static_cast<MicroHttpServer*>(self)->make_room();
  }

  /// Whoever sends slowly, or nothing, makes way for who comes: a monitor gets in however many are held open.
  void make_room() {
    if (open_.size() <= most_connections_) return;
    const auto* info = MHD_get_connection_info(open_.front(), MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != nullptr) shutdown(info->connect_fd, SHUT_RDWR);
    open_.pop_front();
  }

  /// A page of another site may make a browser ask a name that leads here (DNS rebinding): on loopback, only an address
  /// or `localhost` is meant.
  bool is_foreign(MHD_Connection* connection) const {
    const char* host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    return own_names_only_ && host != nullptr && !is_own_name(host);
  }

  MHD_Result answer(MHD_Connection* connection, const char* url, const char* method) {
    if (is_foreign(connection)) {
      constexpr const char* kWhy = "{\"error\":\"Host: expected an address or localhost\"}\n";
      return reply(connection, {421, "application/json", kWhy});
    }
    HttpPage page = pages_.page(url);
    bool allowed = std::strcmp(method, MHD_HTTP_METHOD_GET) == 0 || std::strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    if (page.status == 404) page.body = "{\"error\":\"not found; expected /healthz, /readyz or /metrics\"}\n";
    if (page.status != 404 && !allowed)
      page = {405, "application/json", "{\"error\":\"method not allowed; expected GET or HEAD\"}\n"};
    return reply(connection, page);
  }

  static MHD_Result reply(MHD_Connection* connection, const HttpPage& page) {
    MHD_Response* response =
        MHD_create_response_from_buffer(page.body.size(), const_cast<char*>(page.body.data()), MHD_RESPMEM_MUST_COPY);
    if (response == nullptr) return MHD_NO;
    MHD_add_response_header(response, "Content-Type", page.content_type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    if (page.status == 405) MHD_add_response_header(response, "Allow", "GET, HEAD");
    MHD_Result queued = MHD_queue_response(connection, page.status, response);
    MHD_destroy_response(response);
    return queued;
  }

  HttpPages& pages_;
  const bool own_names_only_;
  const size_t most_connections_;
  std::list<MHD_Connection*> open_;  // the oldest first
  std::string address_;
  MHD_Daemon* daemon_ = nullptr;
  UvHandle<uv_poll_t> poll_;
  redis::Timer timer_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(uv_loop_t* loop, const ListenAddress& address, HttpLimits limits,
                                                       HttpPages& pages) {
  auto failed = [&](const char* why) {
    return Error{Errc::kUnavailable,
                 "cannot listen on " + address_text(address.host, address.port) + " for HTTP: " + why};
  };
  int fd = listening_socket(address);
  if (fd < 0) return failed(std::strerror(errno));
  std::string text = address_text(address.host, bound_port(fd));
  auto server = std::make_unique<MicroHttpServer>(loop, pages, address, limits);
  bool v6 = address.host.find(':') != std::string::npos;
  if (!server->open(loop, fd, std::move(text), limits, v6)) return failed("libmicrohttpd did not start");
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace mas::common
