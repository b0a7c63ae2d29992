// The conventional ceiling: what the usual gateway on Redis streams could reach at most, on this Redis, now.
//
// The usual design puts one envelope into one stream entry and carries it through two streams:
//
//   sender     XADD ingress
//   gateway    XREADGROUP ingress; MULTI, XADD the target's stream, XADD audit, XACK, XDEL, EXEC
//   receiver   XREADGROUP its stream; XACK, XDEL
//
// Here all of it is done over one plain socket, 500 messages deep in every step and over 8 targets, so that Redis is
// all that limits it: nobody authenticates, parses or decides anything. Redis's own processor time per message bounds
// what such a gateway can reach with any number of processes around it: the ceiling is 1 / that time.
// Failure: of Redis is the error of the call. Ownership: its keys have a random prefix and are removed at the end, also
// after a failure.
#pragma once

#include "proto/base/clock.h"
#include "sdk/bench/raw_link.h"
#include "sdk/masctl/cli/globals.h"

namespace mas::ctl {

inline constexpr size_t kConventionalDepth = 500;
inline constexpr size_t kConventionalTargets = 8;

struct ConventionalCeiling {
  uint64_t messages = 0;
  uint64_t redis_cpu = 0;  ///< nanoseconds
  uint64_t elapsed = 0;    ///< nanoseconds

  double cpu_us_per_message() const { return messages == 0 ? 0 : double(redis_cpu) / 1e3 / double(messages); }
  double per_second() const { return redis_cpu == 0 ? 0 : double(messages) * 1e9 / double(redis_cpu); }
};

/// Runs the usual design for `time` (at least one batch). @param payload bytes of the envelope's data.
Result<ConventionalCeiling> measure_conventional(const Settings& settings, size_t payload, Duration time);

}  // namespace mas::ctl
