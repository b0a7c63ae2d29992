// One field of mas.config.
#include "sdk/masctl/redis/partitions_reader.h"

#include "proto/base/ids.h"
#include "proto/wire/partitions.h"

namespace mas::ctl {

Result<unsigned> read_partitions(SyncRedis& redis, const Keys& keys) {
  auto agreed = redis.ask_one(redis::Command("HGET", keys.config(), "partitions"));
  if (!agreed.ok()) return agreed.error();
  if (agreed->text.empty()) return kDefaultPartitions;
  auto number = parse_partitions(agreed->text);
  if (number) return *number;
  return Error{Errc::kRefused,
               "mas.config has partitions '" + printable(agreed->text) + "'; finish masctl partitions set first"};
}

}  // namespace mas::ctl
