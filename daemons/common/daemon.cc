// The life of a daemon: start, run, reload, drain, stop.
#include "daemons/common/daemon.h"

#include <unistd.h>

#include <csignal>

#include "mas_version.h"
#include "proto/base/ids.h"
#include "proto/redis/usable_tls.h"

namespace mas::common {
namespace {

using State = Daemon::State;

constexpr auto kMoves = transitions<State>({{State::kStarting, State::kRunning},
                                            {State::kStarting, State::kStopped},
                                            {State::kRunning, State::kDraining},
                                            {State::kDraining, State::kLeaving},
                                            {State::kDraining, State::kStopped},
                                            {State::kLeaving, State::kStopped}});

/// How long a daemon may stay with a server that was demoted without closing connections.
constexpr Duration kRoleInterval = std::chrono::seconds(1);

redis::ConnectionOptions connection_options(const Settings& settings, const redis::Endpoint& endpoint,
                                            std::shared_ptr<redis::Sentinels> sentinels, std::string client_name) {
  redis::ConnectionOptions options;
  options.endpoint = endpoint;
  options.sentinels = std::move(sentinels);
  options.client_name = std::move(client_name);
  options.connect_timeout = settings.redis_connect_timeout;
  options.command_timeout = settings.redis_command_timeout;
  // A daemon's commands are about now: what could not be sent is asked again when the link is back.
  options.keep_unsent = false;
  options.primary_only = true;
  options.role_interval = kRoleInterval;
  return options;
}

std::string client_name(std::string_view daemon, std::string_view instance) {
  return "mas-" + std::string(daemon) + ":" + std::string(instance.substr(0, 8));
}

}  // namespace

Daemon::Daemon(uv_loop_t* loop, const DaemonKind& kind, ConfigSources sources, Configuration config,
               redis::Endpoint endpoint)
    : loop_(loop),
      kind_(kind),
      config_(kind, std::move(sources), std::move(config)),
      endpoint_(std::move(endpoint)),
      state_(State::kStarting, kMoves),
      instance_(new_instance_id().hex()),
      log_(kind.name, config_.settings().log_level, config_.settings().log_format),
      metrics_(kind.name),
      keys_(config_.settings().redis_namespace, key_layout(endpoint_.topology == redis::Topology::kCluster)),
      systemd_(loop),
      sentinels_(redis::sentinels_of(loop, endpoint_, client_name(kind.name, instance_) + ":sentinel", &sentinel_log_)),
      gate_(RedisGate::make(
          loop, connection_options(config_.settings(), endpoint_, sentinels_, client_name(kind.name, instance_)), log_,
          *this)),
      pages_({kind.name, instance_}, log_, metrics_, *gate_),
      certificates_(loop, log_, metrics_),
      heartbeat_(loop, gate_->client(), keys_, std::string(kind.name), instance_, log_, pages_),
      agent_library_(loop, gate_->client(), log_),
      drain_timer_(loop, [this] { stop(kExitUndrained); }) {}

Daemon::~Daemon() = default;

int Daemon::run() {
  config_.log_start(log_);
  if (auto status = pages_.listen(loop_, config_.settings()); !status) {
    log_.error("start_failed", {{"why", status.error().message}});
    return kExitUnavailable;
  }
  SignalListener& listener = *this;  // a private base, which make_unique could not see
  signals_ = std::make_unique<Signals>(loop_, listener);
  service_ = kind_.make_service(*this, config_.settings());
  pages_.start(*service_);
  watch_certificates();
  state_.to(State::kRunning);
  log_.info("started", {{"version", MAS_BUILD_VERSION},
                        {"pid", static_cast<int64_t>(getpid())},
                        {"instance", instance_},
                        {"redis", endpoint_.address()},
                        {"namespace", config_.settings().redis_namespace}});
  service_->start();
  if (sentinels_ != nullptr) sentinels_->watch();
  gate_->start();
  systemd_.ready();
  systemd_.status("waiting for Redis at " + endpoint_.address());
  uv_run(loop_, UV_RUN_DEFAULT);
  return exit_code_;
}

void Daemon::watch_certificates() {
  if (endpoint_.kind == redis::Endpoint::Kind::kTls)
    certificates_.watch(endpoint_.tls, [this] {
      Status now;
      auto context = redis::usable_context(endpoint_.tls, &now);
      return now;
    });
  const redis::TlsFiles http = config_.settings().http_tls();
  if (!http.cert.empty()) certificates_.watch(http, [this, http] { return pages_.take_certificate(http); });
  pages_.show(certificates_);
  certificates_.start();
}

redis::ConnectionOptions Daemon::redis_options(std::string_view purpose) const {
  return connection_options(config_.settings(), endpoint_, sentinels_,
                            client_name(kind_.name, instance_) + ":" + std::string(purpose));
}

void Daemon::on_gate_up() {
  systemd_.status("Redis is up at " + gate_->address());
  heartbeat_.resume();
  agent_library_.resume();
  service_->on_redis_up();
}

void Daemon::on_gate_down() {
  heartbeat_.pause();
  agent_library_.pause();
  service_->on_redis_down();
}

void Daemon::on_gate_reason() { systemd_.status("waiting for Redis: " + gate_->reason()); }

void Daemon::on_stop_signal(int number) {
  if (!state_.is(State::kRunning)) return stop(kExitUndrained);
  state_.to(State::kDraining);
  pages_.draining();
  log_.info("draining", {{"signal", number == SIGTERM ? "TERM" : "INT"}});
  systemd_.stopping();
  systemd_.status("draining");
  drain_timer_.once(config_.settings().drain_timeout);
  service_->drain();
}

void Daemon::drained() {
  if (state_.is(State::kDraining)) leave();
}

void Daemon::leave() {
  state_.to(State::kLeaving);
  heartbeat_.stop([this] { stop(kExitOk); });
}

void Daemon::stop(int exit_code) {
  if (state_.is(State::kStopped)) return;
  state_.to(State::kStopped);
  exit_code_ = exit_code;
  drain_timer_.stop();
  agent_library_.pause();
  log_.write(exit_code == kExitOk ? LogLevel::kInfo : LogLevel::kWarn, "stopped", {{"drained", exit_code == kExitOk}});
  gate_->stop();
  uv_stop(loop_);
}

void Daemon::on_reload_signal() {
  if (!state_.is(State::kRunning)) return;
  systemd_.reloading();
  certificates_.look(true);
  if (auto changes = config_.reload(log_)) {
    log_.set_level(config_.settings().log_level);
    if (auto access = config_.settings().http_access()) pages_.set_access(std::move(*access));
    service_->reload(config_.settings());
    log_.info("reloaded", {{"changes", *changes}});
  }
  systemd_.ready();
}

}  // namespace mas::common
