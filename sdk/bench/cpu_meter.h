// Processor time of others: of Redis, and of a process on this machine.
//
// Redis tells its own (INFO CPU), wherever it runs; its background threads are in it. A process's is read from /proc,
// so only on its own machine. Both have a resolution that suits seconds, not single messages (Redis µs, /proc 10 ms).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/base/result.h"

namespace mas::ctl {

/// @return used_cpu_user + used_cpu_sys of what INFO CPU answers, in nanoseconds; kProtocol when it has none. Pure.
Result<uint64_t> redis_cpu_of_info(std::string_view info);

/// @return the calls of a command in what INFO commandstats answers; 0 when it never ran. Pure.
uint64_t calls_in_commandstats(std::string_view info, std::string_view command);

/// @return user and system time of a process in nanoseconds; nullopt when there is none of that id on this machine.
std::optional<uint64_t> cpu_nanos_of(pid_t pid);

/// The same from the text of /proc/PID/stat. Pure.
std::optional<uint64_t> cpu_nanos_of_stat(std::string_view stat, long ticks_per_second);

}  // namespace mas::ctl
