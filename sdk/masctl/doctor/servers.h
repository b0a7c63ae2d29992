// What doctor knows of every server that MAS may come to depend on: the primaries, and the replicas that may take over.
// What Redis does not replicate, or may have lost, is asked of each. The findings are pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/result.h"
#include "sdk/masctl/redis/settings.h"

namespace mas::ctl {

class SyncRedis;
struct Facts;
struct Finding;

struct ServerFact {
  enum class Library : uint8_t {
    kThere,
    kMissing,
    kUnsupported,  ///< a Redis before 7
    kForbidden     ///< the user may not ask
  };

  std::string address;  ///< "10.0.0.1:6379"
  bool replica = false;
  std::optional<Error> unreachable{};   ///< nothing below is set when it is
  std::optional<std::string> events{};  ///< notify-keyspace-events; nullopt: the user may not ask
  Library library = Library::kThere;    ///< the agents' functions

  /// "replica 10.0.0.2:6379"
  std::string name() const { return replica ? "replica " + address : address; }
};

/// Asks each primary, and each of its replicas with a priority. @return what could be found out.
std::vector<ServerFact> collect_servers(SyncRedis& redis, const Settings& settings);

/// Appends what is to be said of keyspace events, and of the agents' function library; names the servers that lack it.
void check_events(const Facts& facts, std::vector<Finding>& out);
void check_library(const Facts& facts, std::vector<Finding>& out);
/// Of mas.config: the protocol, which every daemon must work by, and the number of partitions.
void check_protocol_number(const Facts& facts, std::vector<Finding>& out);
void check_partitions(const Facts& facts, std::vector<Finding>& out);

}  // namespace mas::ctl
