// The agents of `bench gateway` as Redis knows them, before and after: identity, rules, limits; their streams.
//
// Every policy has something to decide: each agent has an identity with a key (sealed under the gateways' master key; a
// token where no master key is given), each sender a set of allowed targets and limits of its own, which are never
// reached. The credentials files stand in a private directory.
// Ownership: the destructor removes all of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proto/wire/seal.h"
#include "sdk/bench/gateway_fleet.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

class GatewayActors {
 public:
  GatewayActors(const Settings& settings, const FleetPlan& plan) : settings_(settings), plan_(plan) {}
  ~GatewayActors() { (void)remove(); }
  GatewayActors(const GatewayActors&) = delete;
  GatewayActors& operator=(const GatewayActors&) = delete;

  /// @param master nullptr: tokens instead of keys.
  Status create(const MasterKey* master);
  Status remove();

  /// The directory of the credentials files, `{id}.toml`.
  const std::string& credentials() const { return directory_; }

 private:
  Status add_identity(redis::Command& command, const std::string& id, const MasterKey* master) const;
  void add_rules(redis::Command& command, size_t sender) const;
  void add_removal(redis::Command& command, const std::string& id) const;
  std::vector<std::string> ids() const;

  const Settings& settings_;
  FleetPlan plan_;
  std::string directory_;
};

}  // namespace mas::ctl
