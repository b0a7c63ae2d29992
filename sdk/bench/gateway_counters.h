// What the gateways count, read from their /metrics: how large turns and stream entries were, how often they waited.
//
// Happy path: read_counters() asks each address and adds up. Failure: a gateway that cannot be asked (another machine,
// its HTTP elsewhere) makes the whole unknown: half of the numbers would say nothing. Threading: none; blocks for at
// most 2 s per gateway.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mas::ctl {

struct GatewayCounters {
  uint64_t messages = 0, turns = 0, round_trips = 0, entries = 0, blocks = 0;

  GatewayCounters operator-(const GatewayCounters& earlier) const {
    return {messages - earlier.messages, turns - earlier.turns, round_trips - earlier.round_trips,
            entries - earlier.entries, blocks - earlier.blocks};
  }
  void operator+=(const GatewayCounters& more) {
    messages += more.messages, turns += more.turns, round_trips += more.round_trips;
    entries += more.entries, blocks += more.blocks;
  }
};

/// @param addresses "127.0.0.1:9462", as the gateways' heartbeats have them.
std::optional<GatewayCounters> read_counters(const std::vector<std::string>& addresses);

/// @return the value of a metric without labels in what /metrics answers; 0 when it is not there. Pure.
uint64_t metric_value(std::string_view text, std::string_view name);

}  // namespace mas::ctl
