// Reading mas.config.
#include "proto/wire/partitions.h"

#include <cstdlib>
#include <string>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"

namespace mas {

std::optional<unsigned> parse_partitions(std::string_view text) {
  auto count = parse_number<unsigned>(text);
  return count && *count >= 1 && *count <= kMaxPartitions ? count : std::nullopt;
}

unsigned spoken_protocol() {
#ifdef MAS_TEST_HOOKS
  static const unsigned spoken = [] {
    const char* text = std::getenv("MAS_TEST_PROTOCOL");
    return text == nullptr ? kProtocolVersion : parse_number<unsigned>(text).value_or(kProtocolVersion);
  }();
  return spoken;
#else
  return kProtocolVersion;
#endif
}

Status check_protocol(std::string_view protocol, std::string_view reader, unsigned spoken) {
  const auto agreed = parse_number<unsigned>(protocol);
  if (agreed && works_by(spoken, *agreed)) return {};
  std::string text = "mas.config has protocol '" + printable(protocol) + "', " + std::string(reader) + " speaks " +
                     std::to_string(spoken);
  const std::string before = std::to_string(spoken - 1);
  if (spoken > kFirstProtocol) text += " and " + before;
  if (!agreed || *agreed < kFirstProtocol)
    text += "; expected a number from " + std::to_string(kFirstProtocol);
  else if (*agreed > spoken)
    text += "; install a version here that speaks " + std::to_string(*agreed);
  else
    text +=
        "; upgrade everything to a version that speaks " + before + " first, then run masctl protocol set " + before;
  return Error{Errc::kProtocol, std::move(text)};
}

Result<unsigned> agreed_partitions(std::string_view partitions, std::string_view protocol, std::string_view reader) {
  if (auto status = check_protocol(protocol, reader); !status) return status.error();
  if (auto count = parse_partitions(partitions)) return *count;
  return Error{Errc::kProtocol, "mas.config has partitions '" + printable(partitions) + "'; expected 1 to " +
                                    std::to_string(kMaxPartitions)};
}

}  // namespace mas
