// INFO CPU and INFO commandstats.
#include "sdk/bench/redis_usage.h"

#include "proto/redis/command.h"
#include "sdk/bench/cpu_meter.h"

namespace mas::ctl {

Result<uint64_t> redis_cpu_nanos(RawLink& link) {
  auto info = link.call(redis::Command("INFO", "CPU").bytes());
  if (!info.ok()) return info.error();
  return redis_cpu_of_info((*info)->text);
}

Result<RedisUsage> look_at_redis(RawLink& link) {
  RedisUsage usage;
  auto cpu = redis_cpu_nanos(link);
  if (!cpu.ok()) return cpu.error();
  usage.cpu = *cpu;
  auto stats = link.call(redis::Command("INFO", "commandstats").bytes());
  if (!stats.ok()) return stats.error();
  usage.frames = calls_in_commandstats((*stats)->text, "rpush");
  return usage;
}

}  // namespace mas::ctl
