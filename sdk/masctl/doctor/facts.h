// What `doctor` knows before it judges: one snapshot of a Redis and of MAS in it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proto/base/result.h"
#include "proto/wire/partitions.h"
#include "sdk/masctl/doctor/certificates.h"
#include "sdk/masctl/doctor/sentinels.h"
#include "sdk/masctl/doctor/servers.h"
#include "sdk/masctl/redis/settings.h"

namespace mas::ctl {

class SyncRedis;

struct DaemonFact {
  std::string name;  ///< "registryd"
  std::string instance;
  std::string version;                 ///< empty: its heartbeat does not say
  bool beats = false;                  ///< its heartbeat is there
  std::string lost_data{};             ///< what showed a gateway that Redis went back in time; empty: nothing did
  std::string receipts_withheld{};     ///< why a gateway's senders get no receipts; empty: they do
  unsigned protocol = kFirstProtocol;  ///< that it speaks
  std::string certificate{};           ///< its file that expires first; empty: it uses none
  int64_t certificate_expires = 0;     ///< seconds since 1970
};

/// A primary of a cluster.
struct NodeFact {
  std::string address;                                      ///< "10.0.0.1:6379"
  std::optional<Error> unreachable;                         ///< nothing below is set when it is
  std::string info;                                         ///< INFO, whole; empty when the user may not
  std::vector<std::pair<std::string, std::string>> config;  ///< CONFIG GET; empty when the user may not
};

struct LeaseFact {
  std::string name;  ///< "registryd"
  bool held = false;
};

/// A key whose type or content is not what the protocol says.
struct OddKey {
  std::string key;
  std::string found;     ///< its type, or what is wrong with the entry
  std::string expected;  ///< the type it should have; empty when the content is wrong
};

struct Facts {
  std::string address;
  int64_t now = 0;                                          ///< our clock, in seconds since 1970
  std::vector<CertificateFact> certificates{};              ///< of masctl's own URL
  std::optional<Error> unreachable;                         ///< nothing below is set when it is
  Duration round_trip{};                                    ///< median of several
  std::string info;                                         ///< INFO, whole
  std::vector<std::pair<std::string, std::string>> config;  ///< CONFIG GET; empty when the user may not
  Duration clock_ahead{};                                   ///< Redis's clock minus ours
  std::vector<SentinelFact> sentinels{};                    ///< of the URL; none: it names a single server
  std::vector<NodeFact> nodes{};                            ///< primaries of a cluster; none: it is no cluster
  size_t uncovered_slots = 0;                               ///< of a cluster
  std::vector<ServerFact> servers{};                        ///< each primary, and its replicas that may take over
  std::string protocol{};                                   ///< as mas.config has it; empty: not agreed on yet
  Result<PartitionsField> partitions{PartitionsField{}};    ///< as mas.config has them
  std::vector<DaemonFact> daemons;
  std::vector<LeaseFact> leases;
  bool index_ready = false;
  int64_t indexed_agents = 0;
  std::vector<OddKey> odd_keys;
  size_t keys_looked_at = 0;
  bool looked_at_all = true;  ///< false: there were more keys than doctor reads

  /// @return the value of a configuration parameter; nullopt when unknown.
  std::optional<std::string> config_value(std::string_view name) const;
};

/// Reads everything. Never fails: what cannot be read is told by the facts.
Facts collect_facts(SyncRedis& redis, const Settings& settings);

/// @return the type that a key of MAS must have, "hash"; empty for keys that are not ours. Pure.
std::string_view expected_type(const Keys& keys, std::string_view key);

}  // namespace mas::ctl
