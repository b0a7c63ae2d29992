// libmicrohttpd with an external epoll descriptor, driven by uv_poll.
#include "daemons/common/http.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <list>
#include <vector>

#include "daemons/common/uv_handle.h"
#include "proto/redis/loop.h"

namespace mas::common {
namespace {

constexpr size_t kConnectionMemory = 16 * 1024;  // bounds request line and headers
constexpr int kBacklog = 64;
constexpr const char* kTlsPriorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
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

/// libmicrohttpd for one certificate, and what watches its descriptor. Ends with its connections.
struct Engine {
  ~Engine() {
    poll.close();  // before libmicrohttpd closes the descriptor under it
    if (daemon != nullptr) MHD_stop_daemon(daemon);
  }
  HttpTls tls;  // libmicrohttpd points into it
  MHD_Daemon* daemon = nullptr;
  UvHandle<uv_poll_t> poll;
};

class MicroHttpServer final : public HttpServer {
 public:
  MicroHttpServer(uv_loop_t* loop, HttpPages& pages, HttpOptions options)
      : loop_(loop), pages_(pages), options_(std::move(options)), timer_(loop, [this] { run(); }) {}

  /// Takes `fd` over. @return whether libmicrohttpd and libuv accepted it.
  bool open(int fd) {
    address_ = address_text(options_.address.host, bound_port(fd));
    engine_ = make_engine(fd, std::move(options_.tls));
    return engine_ != nullptr;
  }

  void set_access(HttpAccess access) override { options_.access = std::move(access); }

  Status set_tls(HttpTls tls) override {
    if (tls == engine_->tls) return {};
    // The new engine gets the same socket, so that no client finds the port closed.
    const auto* info = MHD_get_daemon_info(engine_->daemon, MHD_DAEMON_INFO_LISTEN_FD);
    int fd = info == nullptr ? -1 : fcntl(info->listen_fd, F_DUPFD_CLOEXEC, 0);
    auto next = fd < 0 ? nullptr : make_engine(fd, std::move(tls));
    if (next == nullptr) return Error{Errc::kInvalidArgument, "libmicrohttpd refused the certificate"};
    MHD_socket former = MHD_quiesce_daemon(engine_->daemon);
    engine_ = std::move(next);
    if (former != MHD_INVALID_SOCKET) close(former);
    run();
    return {};
  }

  const std::string& address() const override { return address_; }

 private:
  /// @return nullptr, and `fd` is closed, when it does not start.
  std::unique_ptr<Engine> make_engine(int fd, HttpTls tls) {
    auto engine = std::make_unique<Engine>();
    engine->tls = std::move(tls);
    const bool secure = !engine->tls.certificate.empty();
    std::vector<MHD_OptionItem> items = {
        {MHD_OPTION_LISTEN_SOCKET, fd, nullptr},
        {MHD_OPTION_CONNECTION_LIMIT, static_cast<intptr_t>(options_.limits.max_connections + kNewcomers), nullptr},
        {MHD_OPTION_CONNECTION_TIMEOUT, static_cast<intptr_t>(options_.limits.timeout_seconds), nullptr},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemory, nullptr}};
    if (secure) {
      items.push_back({MHD_OPTION_HTTPS_MEM_CERT, 0, engine->tls.certificate.data()});
      items.push_back({MHD_OPTION_HTTPS_MEM_KEY, 0, engine->tls.key.data()});
      items.push_back({MHD_OPTION_HTTPS_PRIORITIES, 0, const_cast<char*>(kTlsPriorities)});
    }
    items.push_back({MHD_OPTION_END, 0, nullptr});
    const bool v6 = options_.address.host.find(':') != std::string::npos;
    const unsigned flags = MHD_USE_EPOLL | (v6 ? unsigned{MHD_USE_IPv6} : 0u) | (secure ? unsigned{MHD_USE_TLS} : 0u);
    engine->daemon =
        MHD_start_daemon(flags, 0, nullptr, nullptr, &MicroHttpServer::on_request, this, MHD_OPTION_NOTIFY_CONNECTION,
                         &MicroHttpServer::on_connection, this, MHD_OPTION_ARRAY, items.data(), MHD_OPTION_END);
    if (engine->daemon == nullptr) {
      close(fd);
      return nullptr;
    }
    const auto* info = MHD_get_daemon_info(engine->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == nullptr || uv_poll_init(loop_, engine->poll.get(), info->epoll_fd) != 0) return nullptr;
    engine->poll->data = this;
    return uv_poll_start(engine->poll.get(), UV_READABLE, &MicroHttpServer::on_event) == 0 ? std::move(engine)
                                                                                           : nullptr;
  }

  static void on_event(uv_poll_t* handle, int, int) {
    if (handle->data != nullptr) static_cast<MicroHttpServer*>(handle->data)->run();
  }

  unsigned connections() const {
    return MHD_get_daemon_info(engine_->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
  }

  void run() {
    // At its limit libmicrohttpd takes the listening socket out of the epoll set, and puts it back only at the start of
    // a run: when connections end and nothing else happens, that run has to be this one.
    unsigned before = 0;
    do {
      before = connections();
      MHD_run(engine_->daemon);
    } while (connections() < before);
    MHD_UNSIGNED_LONG_LONG wait = 0;
    if (MHD_get_timeout(engine_->daemon, &wait) == MHD_YES)
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
    if (open_.size() <= options_.limits.max_connections) return;
    const auto* info = MHD_get_connection_info(open_.front(), MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != nullptr) shutdown(info->connect_fd, SHUT_RDWR);
    open_.pop_front();
  }

  static std::string_view header(MHD_Connection* connection, const char* name) {
    const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return value == nullptr ? std::string_view() : value;
  }

  /// A request by HTTP/1.0 may name no host; a browser always does.
  bool is_foreign(MHD_Connection* connection) const {
    const char* host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    return host != nullptr && !is_host_served(options_.access, host);
  }

  HttpPage page_for(Bearer bearer, const char* url) {
    constexpr const char* kWhy = "{\"error\":\"expected the header Authorization: Bearer and the token\"}\n";
    HttpPage page{401, "application/json", {}};
    if (bearer == Bearer::kRight) page = pages_.page(url);
    if (bearer == Bearer::kNone) page = pages_.public_page(url);
    if (page.status == 401) page.body = kWhy;
    return page;
  }

  MHD_Result answer(MHD_Connection* connection, const char* url, const char* method) {
    if (is_foreign(connection)) {
      constexpr const char* kWhy = "{\"error\":\"Host: expected an address, localhost or a name of http.hosts\"}\n";
      return reply(connection, {421, "application/json", kWhy});
    }
    HttpPage page = page_for(check_bearer(options_.access, header(connection, MHD_HTTP_HEADER_AUTHORIZATION)), url);
    bool allowed = std::strcmp(method, MHD_HTTP_METHOD_GET) == 0 || std::strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    if (page.status == 404) page.body = "{\"error\":\"not found; expected /healthz, /readyz or /metrics\"}\n";
    if (page.status != 404 && page.status != 401 && !allowed)
      page = {405, "application/json", "{\"error\":\"method not allowed; expected GET or HEAD\"}\n"};
    return reply(connection, page);
  }

  static MHD_Result reply(MHD_Connection* connection, const HttpPage& page) {
    MHD_Response* response =
        MHD_create_response_from_buffer(page.body.size(), const_cast<char*>(page.body.data()), MHD_RESPMEM_MUST_COPY);
    if (response == nullptr) return MHD_NO;
    MHD_add_response_header(response, "Content-Type", page.content_type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    if (page.status == 401) MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    if (page.status == 405) MHD_add_response_header(response, "Allow", "GET, HEAD");
    MHD_Result queued = MHD_queue_response(connection, page.status, response);
    MHD_destroy_response(response);
    return queued;
  }

  uv_loop_t* loop_;
  HttpPages& pages_;
  HttpOptions options_;              // `tls` is the engine's
  std::list<MHD_Connection*> open_;  // the oldest first
  std::string address_;
  std::unique_ptr<Engine> engine_;  // ends first: it tells of its connections
  redis::Timer timer_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(uv_loop_t* loop, HttpOptions options, HttpPages& pages) {
  const ListenAddress address = options.address;
  auto failed = [&](const char* why) {
    return Error{Errc::kUnavailable,
                 "cannot listen on " + address_text(address.host, address.port) + " for HTTP: " + why};
  };
  const bool secure = !options.tls.certificate.empty();
  if (secure && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
    return failed("this libmicrohttpd was built without TLS");
  int fd = listening_socket(address);
  if (fd < 0) return failed(std::strerror(errno));
  auto server = std::make_unique<MicroHttpServer>(loop, pages, std::move(options));
  if (!server->open(fd))
    return failed(secure ? "libmicrohttpd did not start with this certificate" : "libmicrohttpd did not start");
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace mas::common
