// The daemons' HTTP server: GET and HEAD of a few pages, nothing else; libmicrohttpd driven by the libuv loop.
//
// Happy path: listen() binds; libmicrohttpd's epoll descriptor is watched by uv_poll, each event runs it once, and a
// timer stands in for its time-outs. Pages are made on the loop's thread when they are asked for.
// Failure: listen() says why it could not bind. Other methods are answered 405, other paths 404, long requests 414 or
// 431; past the limit of connections the oldest is closed; a request for a name that is not served (http_access.h) is
// answered 421, one with a wrong token 401. Nothing that a client does changes the daemon's state.
// Threading: loop thread. Ownership: may be destroyed at any time outside HttpPages.
#pragma once

#include <uv.h>

#include <memory>
#include <string>
#include <string_view>

#include "daemons/common/http_access.h"
#include "daemons/common/settings.h"
#include "proto/base/result.h"
#include "proto/base/secret.h"

namespace mas::common {

struct HttpPage {
  unsigned status = 404;
  const char* content_type = "application/json";
  std::string body;
};

class HttpPages {
 public:
  virtual ~HttpPages() = default;
  /// @return the page, or one with status 404.
  virtual HttpPage page(std::string_view path) = 0;
  /// @return what is served without the token, where there is one; or a page with status 401.
  virtual HttpPage public_page(std::string_view path) = 0;
};

struct HttpLimits {
  unsigned max_connections = 32;
  unsigned timeout_seconds = 10;
};

/// PEM texts; both empty: no TLS.
struct HttpTls {
  HttpTls() = default;
  HttpTls(HttpTls&&) = default;
  HttpTls& operator=(HttpTls&&) = default;
  ~HttpTls() {  // either may hold the key
    wipe(certificate);
    wipe(key);
  }
  std::string certificate, key;
  bool operator==(const HttpTls&) const = default;
};

struct HttpOptions {
  ListenAddress address;
  HttpLimits limits;
  HttpAccess access;
  HttpTls tls;
};

class HttpServer {
 public:
  /// @param pages must outlive the server. @return kUnavailable with the address and the system's reason.
  static Result<std::unique_ptr<HttpServer>> listen(uv_loop_t* loop, HttpOptions options, HttpPages& pages);
  virtual ~HttpServer() = default;

  /// Where it listens, with the port that port 0 became: "127.0.0.1:9461".
  virtual const std::string& address() const = 0;

  virtual void set_access(HttpAccess access) = 0;
  /// Another certificate, with TLS only: connections that are there are closed. @return why the former one is kept.
  virtual Status set_tls(HttpTls tls) = 0;
};

}  // namespace mas::common
