// One field of mas.config.
#include "sdk/masctl/redis/partitions_reader.h"

namespace mas::ctl {

Result<PartitionsField> read_partitions_field(SyncRedis& redis, const Keys& keys) {
  auto text = redis.ask_one(redis::Command("HGET", keys.config(), "partitions"));
  if (!text.ok()) return text.error();
  auto field = PartitionsField::parse(text->text);
  return field.ok() ? field : Result<PartitionsField>(Error{Errc::kRefused, field.error().message});
}

Result<unsigned> read_partitions(SyncRedis& redis, const Keys& keys) {
  auto field = read_partitions_field(redis, keys);
  if (!field.ok()) return field.error();
  if (auto settled = field->settled(); !settled.ok()) return settled.error();
  return field->agreed > 0 ? field->agreed : kDefaultPartitions;
}

}  // namespace mas::ctl
