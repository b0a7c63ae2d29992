// The hash `mas.config`, on which gateways and agents agree before anything else: the protocol's version and the number
// of partitions. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "proto/base/result.h"

namespace mas {

inline constexpr unsigned kProtocolVersion = 1;
inline constexpr unsigned kDefaultPartitions = 16;
inline constexpr unsigned kMaxPartitions = 1024;

/// @param text the field `partitions`; empty: it is missing. @return nullopt unless it is a number from 1 to
/// kMaxPartitions.
std::optional<unsigned> parse_partitions(std::string_view text);

/// @param partitions,protocol the fields of mas.config; empty: it is missing. @param reader "this gateway".
/// @return the number of partitions; kProtocol with what is wrong and what was expected.
Result<unsigned> agreed_partitions(std::string_view partitions, std::string_view protocol, std::string_view reader);

}  // namespace mas
