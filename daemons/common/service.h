// What a daemon gives to the frame that runs it, and what it gets. The glossary of this folder:
//
//   frame      the part that is the same in all daemons: flags, signals, HTTP, heartbeat, Redis connection, drain
//   service    the part that is a daemon's own
//   up, down   Redis answers and passed the checks of the frame (version, role), or does not
//   drain      stop taking new work, finish what was begun, say so; bounded by daemon.drain_timeout
//   lease      a key with a TTL that one process holds at a time (lease.h)
//
// Order of calls, all on the loop's thread: start() once; then on_redis_up and on_redis_down in turns (up first);
// reload() any time; drain() once, last. Not up when drain() is called: there is nothing to wait for in Redis.
#pragma once

#include <uv.h>

#include <memory>
#include <string>
#include <string_view>

#include "daemons/common/log.h"
#include "daemons/common/metrics.h"
#include "daemons/common/settings.h"
#include "proto/base/json_writer.h"
#include "proto/redis/client.h"
#include "proto/wire/keys.h"

namespace mas::common {

/// What the frame lends to a service for its life.
class Frame {
 public:
  virtual ~Frame() = default;

  virtual uv_loop_t* loop() = 0;
  virtual Log& log() = 0;
  virtual Metrics& metrics() = 0;
  virtual const Keys& keys() const = 0;
  /// 32 hexadecimal digits, new at every start: the owner in leases, the name in mas.daemons.
  virtual const std::string& instance() const = 0;

  /// The daemon's way to Redis, shared by frame and service. It has a listener already; the service learns of its state
  /// by on_redis_up and on_redis_down.
  virtual redis::Client& redis() = 0;
  virtual bool redis_up() const = 0;
  /// Options for a further connection of the service's own (a Subscriber). @param purpose a word for CLIENT
  /// LIST.
  virtual redis::ConnectionOptions redis_options(std::string_view purpose) const = 0;

  /// The service has drained. Once, also from inside drain().
  virtual void drained() = 0;
  /// What describe() tells has changed in a way others should see soon: writes the heartbeat now.
  virtual void beat() = 0;
};

/// Whether the daemon can do its work, for /readyz. Redis being down and draining are the frame's to report.
struct Readiness {
  bool ready = true;
  std::string reason;  ///< one sentence, when not ready
};

class Service {
 public:
  virtual ~Service() = default;

  /// Called before the loop runs. Redis is not up yet.
  virtual void start() {}
  virtual void on_redis_up() = 0;
  virtual void on_redis_down() = 0;

  virtual Readiness readiness() const { return {}; }
  /// Appends members (key, value, …) to the open object of /readyz and of the daemon's heartbeat: its role,
  /// what it owns. At most a few KiB.
  virtual void describe(JsonWriter& json) const = 0;
  /// Called before /metrics is rendered, to set gauges.
  virtual void collect() {}

  /// New settings that were checked and differ only in reloadable options. The service's derived type is
  /// `next`'s.
  virtual void reload(const Settings& next) = 0;
  /// Stops taking work and calls Frame::drained() when what was begun is finished.
  virtual void drain() = 0;
};

/// A daemon's own parts, for daemon_main.
struct DaemonKind {
  std::string_view name;     ///< "registryd": in keys, metrics, environment; the program is mas-registryd
  std::string_view summary;  ///< one line for --help
  std::unique_ptr<Settings> (*make_settings)();
  /// @param settings of the type make_settings makes; outlives the service only until the next reload: copy.
  std::unique_ptr<Service> (*make_service)(Frame& frame, const Settings& settings);
};

/// The whole of a daemon's main(). @return the exit code, see exit_code.h.
int daemon_main(const DaemonKind& kind, int argc, char** argv);

}  // namespace mas::common
