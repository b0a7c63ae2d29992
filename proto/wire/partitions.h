// The hash `mas.config`, on which daemons and agents agree before anything else: the protocol and the number of
// partitions. Pure.
//
// Protocols have numbers. A program that speaks N also works by N - 1, and does so where mas.config says N - 1. So
// programs of two neighbouring protocols work side by side, by the lower number, until an operator raises it.
#pragma once

#include <optional>
#include <string_view>

#include "proto/base/result.h"

namespace mas {

inline constexpr unsigned kProtocolVersion = 1;  ///< see spoken_protocol()
inline constexpr unsigned kFirstProtocol = 1;
inline constexpr unsigned kDefaultPartitions = 16;
inline constexpr unsigned kMaxPartitions = 1024;

/// @param text the field `partitions`; empty: it is missing. @return nullopt unless it is a number from 1 to
/// kMaxPartitions.
std::optional<unsigned> parse_partitions(std::string_view text);

/// @return the protocol that this program speaks: kProtocolVersion. In a build with MAS_TEST_HOOKS the environment's
/// MAS_TEST_PROTOCOL replaces it, so that a test has programs of the next version.
unsigned spoken_protocol();

/// @return whether a program that speaks `spoken` works where mas.config has `agreed`.
constexpr bool works_by(unsigned spoken, unsigned agreed) {
  return agreed >= kFirstProtocol && (agreed == spoken || agreed + 1 == spoken);
}

/// @param protocol the field of mas.config; empty: it is missing. @param reader "this gateway".
/// @return kProtocol with both numbers and what to do, where the reader does not work by it.
Status check_protocol(std::string_view protocol, std::string_view reader, unsigned spoken = spoken_protocol());

/// @param partitions,protocol the fields of mas.config; empty: it is missing. @param reader "this gateway".
/// @return the number of partitions; kProtocol with what is wrong and what was expected.
Result<unsigned> agreed_partitions(std::string_view partitions, std::string_view protocol, std::string_view reader);

}  // namespace mas
