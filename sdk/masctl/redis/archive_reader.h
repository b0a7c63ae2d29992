// The archive of delivered messages as operators ask about it: `mas.archive:{p}` of every partition, record by record,
// what matches a filter. It needs no key: who wrote to whom stands in clear.
//
// Happy path: find() has the newest or oldest records of all partitions, by time; entry() reads the one that a record
// is in.
// Failure: the first error of Redis ends the reading; an entry that cannot be read is counted and left out.
// Threading: one thread. Ownership: records are copies.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/archive/entry.h"
#include "daemons/gatewayd/archive/request.h"
#include "proto/base/clock.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

struct ArchiveFilter {
  std::string sender, target, type, message_id;
  WallMicros from = std::numeric_limits<WallMicros>::min();
  WallMicros to = std::numeric_limits<WallMicros>::max();
};

/// Where a record is, and what it says in clear.
struct ArchivedRecord {
  uint32_t partition = 0;
  std::string entry;
  uint32_t number = 0;  ///< within its entry
  WallMicros time = 0;
  std::string sender, target, type, message_id;
  uint32_t bytes = 0;

  /// "3:1795350096000-0:7", as it is named on the command line.
  std::string name() const;
};

/// @param text records of one entry, named so: "3:1795350096000-0:7", also several: "3:1795350096000-0:0-3,7".
/// @return kInvalidArgument that says what was expected.
Result<gateway::archive::Request> parse_record_name(std::string_view text);

class ArchiveReader {
 public:
  ArchiveReader(SyncRedis& redis, const Keys& keys) : redis_(redis), keys_(keys) {}

  /// @return at most `limit` records that match, by rising time: the newest, or the oldest.
  Result<std::vector<ArchivedRecord>> find(const ArchiveFilter& filter, bool newest, size_t limit);
  /// @return the records that are named; kNotFound when one of them is not there.
  Result<std::vector<ArchivedRecord>> find_named(const gateway::archive::Request& named);
  /// @return the bytes of an entry; nullopt: there is none.
  Result<std::optional<std::string>> entry(uint32_t partition, const std::string& id);

  /// Entries that could not be read so far.
  size_t unreadable() const { return unreadable_; }

 private:
  Result<std::vector<uint32_t>> partitions();
  Status read(uint32_t partition, const ArchiveFilter& filter, bool newest, size_t limit,
              std::vector<ArchivedRecord>& records);
  void take(uint32_t partition, const std::string& id, std::string_view bytes, const ArchiveFilter& filter, bool newest,
            std::vector<ArchivedRecord>& records);

  SyncRedis& redis_;
  const Keys& keys_;
  size_t unreadable_ = 0;
};

}  // namespace mas::ctl
