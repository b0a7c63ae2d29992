// Lanes: the priorities of an agent's inbox, each a stream of its own, most urgent first.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mas {

enum class Lane : uint8_t { kCritical, kHigh, kNormal, kLow, kBulk };

inline constexpr std::array<Lane, 5> kLanes = {Lane::kCritical, Lane::kHigh, Lane::kNormal, Lane::kLow, Lane::kBulk};
inline constexpr std::array<std::string_view, 5> kLaneNames = {"critical", "high", "normal", "low", "bulk"};

inline std::string_view lane_name(Lane lane) { return kLaneNames[static_cast<size_t>(lane)]; }

/// @return the lane that `meta.priority` names; nullopt for an unknown name.
inline std::optional<Lane> parse_lane(std::string_view name) {
  for (Lane lane : kLanes)
    if (lane_name(lane) == name) return lane;
  return std::nullopt;
}

}  // namespace mas
