// One function per check, and the table that runs them.
#include "sdk/masctl/doctor/findings.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "proto/base/numbers.h"
#include "proto/redis/reply_values.h"
#include "proto/wire/limits.h"
#include "sdk/masctl/cli/text.h"

namespace mas::ctl {

namespace {

using Findings = std::vector<Finding>;

std::string millis_text(Duration d) {
  char text[48];
  std::snprintf(text, sizeof text, "%.2f ms", static_cast<double>(d.count()) / 1e6);
  return text;
}

std::string mib_text(long long bytes) { return std::to_string(bytes / (1024 * 1024)) + " MiB"; }

std::string info_text(const Facts& facts, std::string_view name) {
  return std::string(redis::info_value(facts.info, name));
}

long long info_number(const Facts& facts, std::string_view name) {
  return leading_number<long long>(redis::info_value(facts.info, name));
}

void check_reachable(const Facts& facts, Findings& out) {
  if (facts.round_trip < std::chrono::milliseconds(5)) {
    out.push_back({Level::kOk, "reachable", facts.address + " answers in " + millis_text(facts.round_trip), ""});
  } else {
    out.push_back({Level::kWarn, "reachable", facts.address + " answers in " + millis_text(facts.round_trip),
                   "Every message takes at least this long. Run agents closer to Redis, or check its load: redis-cli "
                   "--latency, SLOWLOG GET."});
  }
}

void check_version(const Facts& facts, Findings& out) {
  std::string version = info_text(facts, "redis_version");
  int major = 0, minor = 0;
  bool read = std::sscanf(version.c_str(), "%d.%d", &major, &minor) == 2;
  if (!read) {
    out.push_back({Level::kWarn, "version",
                   "unknown: this user may not run INFO, so role, persistence, memory and replicas are not checked",
                   "Let this user run INFO (ACL +info)."});
  } else if (major > 6 || (major == 6 && minor >= 2)) {
    out.push_back({Level::kOk, "version", "Redis " + version, ""});
  } else {
    out.push_back({Level::kFail, "version", "Redis " + version, "MAS needs Redis 6.2 or later."});
  }
}

void check_role(const Facts& facts, Findings& out) {
  std::string role = info_text(facts, "role");
  if (facts.info.empty()) return;  // check_version says so
  if (info_text(facts, "redis_mode") == "cluster" && facts.nodes.empty()) {
    out.push_back({Level::kFail, "role", "a node of a Redis Cluster",
                   "Name the cluster: redis+cluster://host,host… with --redis or MAS_REDIS_URL."});
  } else if (role == "slave") {
    out.push_back({Level::kFail, "role", "a read-only replica of " + info_text(facts, "master_host"),
                   "Give the address of the primary with --redis or MAS_REDIS_URL."});
  } else {
    out.push_back({Level::kOk, "role", role == "master" ? "primary" : "unknown", ""});
  }
}

void check_persistence(const Facts& facts, Findings& out) {
  if (facts.info.empty()) return;  // check_version says so
  if (info_text(facts, "rdb_last_bgsave_status") == "err") {
    out.push_back({Level::kFail, "persistence", "the last RDB snapshot failed",
                   "See Redis's log. Frequent causes: a full disk, or a directory that Redis may not write to."});
  }
  if (info_text(facts, "aof_last_write_status") == "err") {
    out.push_back({Level::kFail, "persistence", "the last write to the append-only file failed",
                   "See Redis's log. A frequent cause is a full disk."});
  }
  if (info_number(facts, "aof_enabled") == 1) {
    std::string fsync = facts.config_value("appendfsync").value_or("unknown");
    bool weak = fsync == "no";
    out.push_back({weak ? Level::kWarn : Level::kOk, "persistence", "append-only file, appendfsync " + fsync,
                   weak ? "A power failure loses what the kernel has not written yet. Set appendfsync always, or "
                          "everysec, which may lose two seconds."
                        : ""});
    return;
  }
  auto save = facts.config_value("save");
  bool snapshots = save.has_value() && !save->empty();
  out.push_back(
      {Level::kWarn, "persistence", snapshots ? "snapshots only (save " + *save + ")" : "none",
       "A restart of Redis loses agents' state since the last snapshot. Set appendonly yes to keep it; agents "
       "register again by themselves."});
}

void check_memory(const Facts& facts, Findings& out) {
  if (facts.info.empty()) return;  // check_version says so
  long long limit = info_number(facts, "maxmemory");
  long long used = info_number(facts, "used_memory");
  std::string policy = info_text(facts, "maxmemory_policy");
  std::string found = "used " + mib_text(used) + (limit > 0 ? " of " + mib_text(limit) : ", no limit") + ", " + policy;
  if (policy != "noeviction") {
    out.push_back({limit > 0 ? Level::kFail : Level::kWarn, "memory", found,
                   "Redis would evict agents and state when memory is short. Set maxmemory-policy noeviction."});
  } else if (limit > 0 && used > limit / 10 * 9) {
    out.push_back(
        {Level::kWarn, "memory", found, "Redis refuses writes at the limit. Raise maxmemory, or free memory."});
  } else {
    out.push_back({Level::kOk, "memory", found, ""});
  }
}

void check_clock(const Facts& facts, Findings& out) {
  Duration off = std::chrono::abs(facts.clock_ahead);
  std::string found = "this machine and Redis differ by " + millis_text(off);
  if (off < std::chrono::seconds(1)) {
    out.push_back({Level::kOk, "clock", found, ""});
  } else {
    out.push_back(
        {off < std::chrono::seconds(30) ? Level::kWarn : Level::kFail, "clock", found,
         "Synchronise both clocks (chrony, systemd-timesyncd): ages, deadlines and signatures compare them."});
  }
}

void check_limits(const Facts& facts, Findings& out) {
  auto bulk = facts.config_value("proto-max-bulk-len");
  auto buffers = facts.config_value("client-output-buffer-limit");
  if (!bulk || !buffers) {
    out.push_back({Level::kWarn, "limits", "unknown: this user may not run CONFIG GET",
                   "Let an administrator run doctor, or allow it: ACL SETUSER … +config|get."});
    return;
  }
  long long bulk_bytes = std::atoll(bulk->c_str());
  bool bulk_fits = bulk_bytes >= static_cast<long long>(2 * limits::kEnvelopeBytes);
  out.push_back({bulk_fits ? Level::kOk : Level::kFail, "message size", "proto-max-bulk-len " + mib_text(bulk_bytes),
                 bulk_fits ? "" : "Redis refuses messages that MAS allows. Set proto-max-bulk-len to 2mb or more."});

  long long hard = 0, soft = 0, seconds = 0;
  size_t at = buffers->find("pubsub ");
  bool read = at != std::string::npos &&
              std::sscanf(buffers->c_str() + at, "pubsub %lld %lld %lld", &hard, &soft, &seconds) == 3;
  bool small = read && hard > 0 && hard < static_cast<long long>(8 * limits::kEnvelopeBytes);
  out.push_back(
      {small ? Level::kWarn : Level::kOk, "subscriber buffer",
       read ? (hard == 0 ? "no limit"
                         : mib_text(hard) + ", " + mib_text(soft) + " for " + std::to_string(seconds) + " s")
            : "unknown",
       small
           ? "A burst of messages makes Redis disconnect the agent. Set client-output-buffer-limit pubsub 32mb 8mb 60."
           : ""});
}

struct DaemonRole {
  std::string_view name;
  Level when_absent;
  std::string_view without;
};

constexpr DaemonRole kRoles[] = {
    {"registryd", Level::kWarn, "discovery scans the whole registry. Start mas-registryd."},
    {"healthd", Level::kWarn, "agents that die stay ACTIVE. Start mas-healthd."},
    {"gatewayd", Level::kOk, "only gateway mode needs it"},
};

void check_daemons(const Facts& facts, Findings& out) {
  for (const auto& role : kRoles) {
    size_t up = 0;
    std::string versions;
    for (const auto& daemon : facts.daemons) {
      if (daemon.name != role.name || !daemon.beats) continue;
      ++up;
      if (versions.find(daemon.version) == std::string::npos) versions += " " + daemon.version;
    }
    std::string name(role.name);
    if (up > 0) {
      out.push_back({Level::kOk, name, std::to_string(up) + " up," + versions, ""});
    } else if (role.when_absent == Level::kOk) {
      out.push_back({Level::kOk, name, "none up; " + std::string(role.without), ""});
    } else {
      out.push_back({role.when_absent, name, "none up", "Without it " + std::string(role.without)});
    }
  }
}

/// A gateway remembers it while it runs.
void check_losses(const Facts& facts, Findings& out) {
  for (const auto& daemon : facts.daemons) {
    if (!daemon.beats || daemon.lost_data.empty()) continue;
    out.push_back({Level::kFail, "data", "Redis lost data: " + daemon.lost_data,
                   "Seen by " + daemon.name + " " + daemon.instance +
                       " since it started. Accepted messages may be lost. Compare the retired audit blocks and the "
                       "signed heads with Redis (masctl audit verify --retired --heads), and find out why Redis lost "
                       "data. Then restart the gateway."});
  }
}

void check_receipts(const Facts& facts, Findings& out) {
  for (const auto& daemon : facts.daemons) {
    if (!daemon.beats || daemon.receipts_withheld.empty()) continue;
    out.push_back({Level::kFail, "receipts", daemon.receipts_withheld,
                   "Seen by " + daemon.name + " " + daemon.instance +
                       ". Messages are delivered and senders do not hear of it, since delivery.wait_replicas is not "
                       "met. Bring a replica back (INFO replication), or lower delivery.wait_replicas."});
  }
}

bool is_up(const Facts& facts, std::string_view name) {
  return std::any_of(facts.daemons.begin(), facts.daemons.end(),
                     [name](const DaemonFact& daemon) { return daemon.name == name && daemon.beats; });
}

void check_index(const Facts& facts, Findings& out) {
  if (facts.index_ready) {
    out.push_back({Level::kOk, "index", std::to_string(facts.indexed_agents) + " agents indexed", ""});
  } else if (is_up(facts, "registryd")) {
    out.push_back({Level::kWarn, "index", "not complete although a registryd is up",
                   "It may still be scanning. If this persists, see its log and /readyz."});
  } else {
    out.push_back({Level::kOk, "index", "none: no registryd is up", ""});
  }
  for (const auto& lease : facts.leases) {
    if (lease.held == is_up(facts, lease.name)) continue;
    out.push_back({Level::kWarn, lease.name + " lease",
                   lease.held ? "held, but no such daemon has a heartbeat" : "nobody holds it although one is up",
                   "This resolves itself when a lease has expired. If not, see the daemon's log."});
  }
}

void check_odd_keys(const Facts& facts, Findings& out) {
  for (const auto& odd : facts.odd_keys) {
    std::string key = "'" + visible(odd.key) + "'";
    if (odd.expected.empty()) {
      out.push_back({Level::kWarn, "keys", key + ": " + visible(odd.found),
                     "The program that wrote this entry does not follow the protocol; other agents ignore the entry."});
    } else {
      out.push_back({Level::kFail, "keys", key + " is a " + odd.found + ", not a " + odd.expected,
                     "Another program uses this name. Move it to another database, or give MAS a --namespace."});
    }
  }
  if (!facts.odd_keys.empty()) return;
  std::string found = std::to_string(facts.keys_looked_at) + " checked";
  out.push_back({Level::kOk, "keys", found + (facts.looked_at_all ? "" : ", there are more"), ""});
}

/// What is checked of one server, of each primary of a cluster.
void check_server(const Facts& facts, Findings& out) {
  check_version(facts, out);
  check_role(facts, out);
  check_replicas(facts, out);
  check_loss_window(facts, out);
  check_persistence(facts, out);
  check_memory(facts, out);
  check_limits(facts, out);
}

void check_nodes(const Facts& facts, Findings& out) {
  for (const NodeFact& node : facts.nodes) {
    if (node.unreachable) {
      out.push_back({Level::kFail, "node", node.address + ": " + node.unreachable->message,
                     "Start it, or let its replica take over."});
      continue;
    }
    Facts one = facts;
    one.info = node.info;
    one.config = node.config;
    Findings found;
    check_server(one, found);
    for (Finding& finding : found) {
      finding.found = node.address + ": " + finding.found;
      out.push_back(std::move(finding));
    }
  }
}

using Check = void (*)(const Facts&, Findings&);
constexpr Check kChecks[] = {check_reachable,       check_version,     check_role,        check_sentinels,
                             check_replicas,        check_loss_window, check_persistence, check_memory,
                             check_clock,           check_limits,      check_events,      check_library,
                             check_daemons,         check_losses,      check_receipts,    check_index,
                             check_protocol_number, check_partitions,  check_odd_keys,    check_certificates};

}  // namespace

std::string_view level_text(Level level) {
  return level == Level::kOk ? "ok" : level == Level::kWarn ? "warn" : "fail";
}

std::vector<Finding> judge(const Facts& facts) {
  constexpr Check kOfCluster[] = {check_reachable, check_cluster,     check_nodes,           check_clock,
                                  check_events,    check_library,     check_daemons,         check_losses,
                                  check_receipts,  check_index,       check_protocol_number, check_partitions,
                                  check_odd_keys,  check_certificates};
  Findings out;
  if (facts.unreachable) {
    out.push_back({Level::kFail, "reachable", facts.unreachable->message,
                   "Start Redis, or set its address, user and password with --redis URL or MAS_REDIS_URL."});
    check_certificates(facts, out);
    check_sentinels(facts, out);
    return out;
  }
  if (!facts.nodes.empty()) {
    for (Check check : kOfCluster) check(facts, out);
    return out;
  }
  for (Check check : kChecks) check(facts, out);
  return out;
}

Level worst_of(const std::vector<Finding>& findings) {
  Level worst = Level::kOk;
  for (const auto& finding : findings) worst = std::max(worst, finding.level);
  return worst;
}

}  // namespace mas::ctl
