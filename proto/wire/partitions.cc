// Reading mas.config.
#include "proto/wire/partitions.h"

#include <cstdlib>
#include <string>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"

namespace mas {
namespace {

constexpr std::string_view kMark = "changing:";

}  // namespace

std::optional<unsigned> parse_partitions(std::string_view text) {
  auto count = parse_number<unsigned>(text);
  return count && *count >= 1 && *count <= kMaxPartitions ? count : std::nullopt;
}

std::string PartitionsMark::text() const {
  return std::string(kMark) + std::to_string(to) + ":" + std::to_string(most);
}

std::optional<PartitionsMark> PartitionsMark::parse(std::string_view text) {
  if (!text.starts_with(kMark)) return std::nullopt;
  text.remove_prefix(kMark.size());
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto to = parse_partitions(text.substr(0, colon)), most = parse_partitions(text.substr(colon + 1));
  if (!to || !most || *to > *most) return std::nullopt;
  return PartitionsMark{*to, *most};
}

Status PartitionsField::settled() const {
  if (!changing) return {};
  return Error{Errc::kRefused, "the number of partitions is being changed (mas.config has '" + changing->text() +
                                   "'); where nobody does so any more, run masctl partitions set " +
                                   std::to_string(changing->to) + " to finish it"};
}

Result<PartitionsField> PartitionsField::parse(std::string_view text) {
  if (text.empty()) return PartitionsField{};
  if (auto count = parse_partitions(text)) return PartitionsField{*count, {}};
  if (auto mark = PartitionsMark::parse(text)) return PartitionsField{0, *mark};
  return Error{Errc::kProtocol,
               "mas.config has partitions '" + printable(text) + "'; expected 1 to " + std::to_string(kMaxPartitions)};
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
  auto field = PartitionsField::parse(partitions);
  if (!field) return field.error();
  if (auto settled = field->settled(); !settled) return Error{Errc::kProtocol, settled.error().message};
  if (field->agreed > 0) return field->agreed;
  return Error{Errc::kProtocol,
               "mas.config has no number of partitions; expected 1 to " + std::to_string(kMaxPartitions)};
}

}  // namespace mas
