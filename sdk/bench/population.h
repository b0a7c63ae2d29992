// Agents that exist only in the registry: `bench discover` asks for them.
//
// Agent number i has the capability bench.all, and bench.10, bench.100, bench.1000 if i is below that number; so a
// query for one of these has a known number of answers, whatever the size of the registry.
// Where a registryd is active it is told by events and keeps the index; where none is, the index is written here.
// Ownership: clear() removes all of it; the destructor does, too.
#pragma once

#include <cstdint>
#include <string>

#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

class Population {
 public:
  Population(SyncRedis& redis, const Keys& keys) : redis_(redis), keys_(keys) {}
  ~Population() { (void)clear(); }
  Population(const Population&) = delete;
  Population& operator=(const Population&) = delete;

  /// Looks whether a registryd is active, and whether Redis holds anything but MAS's own keys and leftovers of a bench.
  /// @return kInvalidState with an example of a foreign key, unless `force`.
  Status prepare(bool force);

  /// Adds agents until there are `total`, and waits until the index has them all.
  Status grow_to(uint64_t total);
  Status clear();

  bool registryd_active() const { return registryd_active_; }

 private:
  void add_agent(redis::Command& command, uint64_t number) const;
  void add_removal(redis::Command& command, uint64_t number) const;
  Status run_checked(const redis::Command& command);
  /// Waits until registryd's index holds `total` of the agents; not cut short by Ctrl-C while it clears (0).
  Status wait_for_index(uint64_t total);

  SyncRedis& redis_;
  const Keys& keys_;
  uint64_t size_ = 0;
  bool registryd_active_ = false;
};

/// The capability that exactly `answers` of the agents have.
std::string capability_with(uint64_t answers);
inline constexpr const char* kCommonCapability = "bench.all";

}  // namespace mas::ctl
