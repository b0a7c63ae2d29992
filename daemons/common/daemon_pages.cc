// The pages and the snapshot, made when they are asked for.
#include "daemons/common/daemon_pages.h"

#include <unistd.h>

#include <climits>

#include "mas_version.h"
#include "proto/base/ids.h"
#include "proto/pki/certificate.h"
#include "proto/wire/partitions.h"

namespace mas::common {
namespace {

double seconds(WallMicros t) { return static_cast<double>(t) / 1e6; }

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  if (gethostname(name, sizeof name - 1) != 0) return "unknown";
  return printable(name, HOST_NAME_MAX);
}

/// @return PEM texts of a certificate and its key, which fit; both empty where the files have no names.
Result<HttpTls> read_pair(const redis::TlsFiles& files) {
  HttpTls out;
  if (files.cert.empty()) return out;
  auto certificate = pki::read_certificate_text(files.cert);
  if (!certificate) return certificate.error().in("HTTP");
  out.certificate = std::move(*certificate);
  if (files.key != files.cert) {
    auto key = pki::read_certificate_text(files.key);
    if (!key) return key.error().in("HTTP");
    out.key = std::move(*key);
  } else {
    out.key = out.certificate;
  }
  if (auto status = pki::check_pair(out.certificate, out.key, files.cert); !status) return status.error().in("HTTP");
  return out;
}

}  // namespace

DaemonPages::DaemonPages(DaemonName name, Log& log, Metrics& metrics, RedisGate& gate)
    : name_(name), since_(wall_now()), log_(log), metrics_(metrics), gate_(gate) {}

Status DaemonPages::listen(uv_loop_t* loop, const Settings& settings) {
  auto address = parse_listen(settings.http_listen);
  if (!address) return address.error();
  auto access = settings.http_access();
  if (!access) return access.error();
  auto tls = read_pair(settings.http_tls());
  if (!tls) return tls.error();
  HttpLimits limits;
  limits.max_connections = static_cast<unsigned>(settings.http_max_connections);
  limits.timeout_seconds = static_cast<unsigned>(to_millis(settings.http_timeout) / 1000);
  const bool secure = !tls->certificate.empty(), token = !access->token.empty();
  auto server = HttpServer::listen(loop, {*address, limits, std::move(*access), std::move(*tls)}, *this);
  if (!server) return server.error();
  http_ = std::move(*server);
  log_.info("http_listening", {{"address", http_->address()}, {"tls", secure}, {"token", token}});
  return {};
}

Status DaemonPages::take_certificate(const redis::TlsFiles& files) {
  auto tls = read_pair(files);
  if (!tls) return tls.error();
  return http_->set_tls(std::move(*tls));
}

HttpPage DaemonPages::public_page(std::string_view path) {
  if (path == "/healthz") return page(path);
  if (path != "/readyz") return {401, "application/json", {}};
  const bool ready = readiness().ready;
  return {ready ? 200u : 503u, "application/json", ready ? "{\"status\":\"ready\"}\n" : "{\"status\":\"unready\"}\n"};
}

HttpPage DaemonPages::page(std::string_view path) {
  if (path == "/healthz") return {200, "application/json", "{\"status\":\"ok\"}\n"};
  if (path == "/readyz") return ready_page();
  if (path == "/metrics") return metrics_page();
  return {};
}

Readiness DaemonPages::readiness() const {
  if (draining_) return {false, "draining"};
  if (!gate_.up()) return {false, "Redis: " + gate_.reason()};
  return service_->readiness();
}

HttpPage DaemonPages::ready_page() {
  const Readiness readiness = this->readiness();
  HttpPage page{readiness.ready ? 200u : 503u, "application/json", {}};
  JsonWriter json(page.body);
  json.begin_object().key("status").string(readiness.ready ? "ready" : "unready");
  if (!readiness.ready) json.key("reason").string(printable(readiness.reason, kMaxLogValueBytes));
  json.key("daemon").string(name_.kind).key("instance").string(name_.instance);
  json.key("version").string(MAS_BUILD_VERSION);
  describe_redis(json);
  service_->describe(json);
  json.end_object();
  page.body += "\n";
  return page;
}

void DaemonPages::describe_redis(JsonWriter& json) const {
  json.key("redis").begin_object().key("up").boolean(gate_.up()).key("address").string(gate_.address());
  if (gate_.up())
    json.key("version").string(gate_.version());
  else
    json.key("reason").string(printable(gate_.reason(), kMaxLogValueBytes));
  json.end_object();
}

HttpPage DaemonPages::metrics_page() {
  HttpPage page{200, "text/plain; version=0.0.4; charset=utf-8", {}};
  update_metrics();
  service_->collect();
  metrics_.render(page.body);
  render_process_metrics(page.body);
  return page;
}

void DaemonPages::update_metrics() {
  const auto counters = gate_.client().counters();
  metrics_.gauge("build_info", "Always 1; the label has the version.", {{"version", MAS_BUILD_VERSION}}).set(1);
  metrics_.gauge("ready", "1 while /readyz answers 200.").set(readiness().ready ? 1 : 0);
  metrics_.counter("log_lines_dropped_total", "Log lines dropped because standard error was not read in time.")
      .set(log_.dropped());
  metrics_.gauge("redis_up", "1 while Redis is reachable and usable.").set(gate_.up() ? 1 : 0);
  metrics_.counter("redis_commands_total", "Commands sent to Redis.").set(counters.commands);
  metrics_.counter("redis_reconnects_total", "Times the connection to Redis was replaced.").set(counters.reconnects);
  metrics_.counter("redis_timeouts_total", "Commands that Redis did not answer in time.").set(counters.timeouts);
  metrics_.counter("redis_received_bytes_total", "Bytes received from Redis.").set(counters.bytes_in);
  metrics_.counter("redis_sent_bytes_total", "Bytes sent to Redis.").set(counters.bytes_out);
}

std::string DaemonPages::heartbeat_snapshot() {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("name").string(name_.kind).key("instance").string(name_.instance);
  json.key("version").string(MAS_BUILD_VERSION).key("pid").integer(getpid()).key("host").string(host_name());
  json.key("protocol").unsigned_integer(spoken_protocol());
  json.key("since").number(seconds(since_)).key("http").string(http_->address());
  if (auto first = certificates_ == nullptr ? std::nullopt : certificates_->first_to_end())
    json.key("certificate")
        .string(printable(first->file, kMaxLogValueBytes))
        .key("certificate_expires")
        .integer(first->at);
  service_->describe(json);
  json.end_object();
  return out;
}

}  // namespace mas::common
