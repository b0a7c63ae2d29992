// Reading mas.config.
#include "proto/wire/partitions.h"

#include <string>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"

namespace mas {

std::optional<unsigned> parse_partitions(std::string_view text) {
  auto count = parse_number<unsigned>(text);
  return count && *count >= 1 && *count <= kMaxPartitions ? count : std::nullopt;
}

Result<unsigned> agreed_partitions(std::string_view partitions, std::string_view protocol, std::string_view reader) {
  if (parse_number<unsigned>(protocol) != kProtocolVersion)
    return Error{Errc::kProtocol, "mas.config has protocol '" + printable(protocol) + "', " + std::string(reader) +
                                      " speaks " + std::to_string(kProtocolVersion)};
  if (auto count = parse_partitions(partitions)) return *count;
  return Error{Errc::kProtocol, "mas.config has partitions '" + printable(partitions) + "'; expected 1 to " +
                                    std::to_string(kMaxPartitions)};
}

}  // namespace mas
