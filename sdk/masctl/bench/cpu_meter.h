// Processor time of others: of Redis, and of a process on this machine.
//
// Redis tells its own (INFO CPU), wherever it runs; its background threads are in it. A process's is read from /proc, so
// only on its own machine. Both have a resolution that suits seconds, not single messages (Redis µs, /proc 10 ms).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/base/result.h"
#include "sdk/masctl/bench/raw_link.h"

namespace mas::ctl {

/// @return used_cpu_user + used_cpu_sys in nanoseconds; kProtocol when INFO has none.
Result<uint64_t> redis_cpu_nanos(RawLink& link);

/// The same from the text that INFO answers. Pure.
Result<uint64_t> redis_cpu_of_info(std::string_view info);

/// @return user and system time of a process in nanoseconds; nullopt when there is none of that id on this machine.
std::optional<uint64_t> cpu_nanos_of(pid_t pid);

/// The same from the text of /proc/PID/stat. Pure.
std::optional<uint64_t> cpu_nanos_of_stat(std::string_view stat, long ticks_per_second);

}  // namespace mas::ctl
