// INFO CPU and INFO commandstats.
#include "sdk/masctl/bench/redis_usage.h"

#include <charconv>
#include <string>

#include "proto/redis/command.h"
#include "sdk/masctl/bench/cpu_meter.h"

namespace mas::ctl {

uint64_t calls_in_commandstats(std::string_view info, std::string_view command) {
  std::string mark = "cmdstat_" + std::string(command) + ":calls=";
  size_t at = info.find(mark);
  if (at == std::string_view::npos) return 0;
  uint64_t calls = 0;
  std::from_chars(info.data() + at + mark.size(), info.data() + info.size(), calls);
  return calls;
}

Result<RedisUsage> look_at_redis(RawLink& link) {
  RedisUsage usage;
  auto cpu = redis_cpu_nanos(link);
  if (!cpu.ok()) return cpu.error();
  usage.cpu = *cpu;
  auto stats = link.call(redis::Command("INFO", "commandstats").bytes());
  if (!stats.ok()) return stats.error();
  usage.frames = calls_in_commandstats((*stats)->text, "rpush");
  usage.turns = calls_in_commandstats((*stats)->text, "exec");
  usage.entries = calls_in_commandstats((*stats)->text, "xadd");
  return usage;
}

}  // namespace mas::ctl
