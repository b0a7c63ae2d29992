// The hash `mas.config`, on which daemons and agents agree before anything else: the protocol and the number of
// partitions. Pure.
//
// Protocols have numbers. A program that speaks N also works by N - 1, and does so where mas.config says N - 1. So
// programs of two neighbouring protocols work side by side, by the lower number, until an operator raises it.
#pragma once

#include <optional>
#include <string>
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

/// What mas.config has in the place of the number while it is being changed: "changing:8:64".
struct PartitionsMark {
  unsigned to = 0;
  unsigned most = 0;  ///< partitions that may have something: not fewer than there were, and will be

  std::string text() const;
  static std::optional<PartitionsMark> parse(std::string_view text);
};

/// The field `partitions` of mas.config, as every program reads it.
struct PartitionsField {
  unsigned agreed = 0;                     ///< 0: no gateway has run yet, or the number is being changed
  std::optional<PartitionsMark> changing;  ///< while it is being changed

  /// Partitions that may have something; 0: no gateway has run yet.
  unsigned most() const { return changing ? changing->most : agreed; }
  /// @return kRefused with a sentence for people, while the number is being changed.
  Status settled() const;
  /// @param text the field; empty: it is missing. @return kProtocol with what is wrong and what was expected.
  static Result<PartitionsField> parse(std::string_view text);
};

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
