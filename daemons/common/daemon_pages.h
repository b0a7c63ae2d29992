// What a daemon shows of itself: /healthz, /readyz and /metrics over HTTP, and the snapshot in its heartbeat.
//
// Happy path: listen() binds, start() names the service whose state is shown, draining() makes /readyz answer 503.
// Failure modes:
// - The address cannot be listened on: listen() says why, and the daemon does not start.
// - Redis is down, or the service is not ready: /readyz answers 503 with the reason.
// Threading: loop thread. Ownership: the daemon's; the references must outlive it.
#pragma once

#include <uv.h>

#include <memory>
#include <string>
#include <string_view>

#include "daemons/common/certificates.h"
#include "daemons/common/heartbeat.h"
#include "daemons/common/http.h"
#include "daemons/common/redis_gate.h"
#include "daemons/common/service.h"

namespace mas::common {

/// Of one process: the word in keys and metrics, and the text that changes with every start.
struct DaemonName {
  std::string_view kind;  ///< "registryd"
  const std::string& instance;
};

class DaemonPages final : public HttpPages, public HeartbeatSource {
 public:
  DaemonPages(DaemonName name, Log& log, Metrics& metrics, RedisGate& gate);

  /// Serves the pages from the loop's next round on, when start() has been called.
  Status listen(uv_loop_t* loop, const Settings& settings);
  /// @param service must outlive the pages.
  void start(Service& service) { service_ = &service; }
  /// The daemon takes no new work: it is not ready from now on.
  void draining() { draining_ = true; }

  /// Names and token by which pages are served, from now on.
  void set_access(HttpAccess access) { http_->set_access(std::move(access)); }
  /// Takes HTTP's certificate from its files, as they are now. @return why the former one is kept.
  Status take_certificate(const redis::TlsFiles& files);
  /// @param certificates whose first end is told in the heartbeat; must outlive the pages.
  void show(const Certificates& certificates) { certificates_ = &certificates; }

  HttpPage page(std::string_view path) override;
  HttpPage public_page(std::string_view path) override;
  std::string heartbeat_snapshot() override;

 private:
  Readiness readiness() const;
  HttpPage ready_page();
  HttpPage metrics_page();
  void describe_redis(JsonWriter& json) const;
  void update_metrics();

  const DaemonName name_;
  const WallMicros since_;
  Log& log_;
  Metrics& metrics_;
  RedisGate& gate_;
  const Certificates* certificates_ = nullptr;
  Service* service_ = nullptr;  // set before the loop runs, so before any page is asked for
  bool draining_ = false;
  std::unique_ptr<HttpServer> http_;
};

}  // namespace mas::common
