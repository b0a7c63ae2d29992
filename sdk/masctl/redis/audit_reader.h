// Reads audit streams in pages, several partitions at a time, one round trip for all of them.
//
// Happy path: partitions() finds those that have a stream; read() hands every entry on, in order within a partition.
// Failure: the first error ends the reading: Redis away, or a key that is no stream.
// Threading: one thread. Ownership: entries are views during the callback.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

/// Which part of the streams, as XRANGE takes it.
struct AuditRange {
  std::string from = "-";
  std::string to = "+";
  bool newest_first = false;
};

class AuditReader {
 public:
  /// @param block the entry's field `b`; empty when it has none. @return false: no more of this partition.
  using OnEntry = std::function<bool(uint32_t partition, std::string_view entry, std::string_view block)>;

  AuditReader(SyncRedis& redis, const Keys& keys) : redis_(redis), keys_(keys) {}

  /// @return those that have a stream, and those that mas.config says there are.
  Result<std::vector<uint32_t>> partitions();

  /// @return of these, those whose senders are remembered: each was decided for, and what is decided is audited with
  /// it.
  Result<std::vector<uint32_t>> with_senders(const std::vector<uint32_t>& partitions);

  Status read(const std::vector<uint32_t>& partitions, const AuditRange& range, const OnEntry& on_entry);

  /// Every entry of one stream in order, with the value of its field `b`.
  Status read_stream(const std::string& key, const std::string& from,
                     const std::function<void(std::string_view entry, std::string_view value)>& on_entry);

 private:
  Status read_group(const std::vector<uint32_t>& group, const AuditRange& range, const OnEntry& on_entry);

  SyncRedis& redis_;
  const Keys& keys_;
};

/// @return the value of `field` in an entry's list of fields and values; empty where there is none.
std::string_view field_of_entry(const Value& fields, std::string_view field);

}  // namespace mas::ctl
