// Reports of failed handlers, written and read.
#include "proto/wire/failure_report.h"

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/numbers.h"
#include "proto/wire/limits.h"
#include "proto/wire/partitions.h"

namespace mas {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kVersionWithPartition = 2;

std::optional<uint64_t> number(std::string_view text) {
  const bool plain = text == "0" || (!text.empty() && text.front() != '0');
  return plain ? parse_number<uint64_t>(text) : std::nullopt;
}

}  // namespace

std::optional<WallMicros> time_of_entry(std::string_view id) {
  size_t dash = id.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  auto millis = number(id.substr(0, dash));
  if (!millis || !number(id.substr(dash + 1))) return std::nullopt;
  constexpr uint64_t kMax = INT64_MAX / 2000;
  return static_cast<WallMicros>(*millis < kMax ? *millis : kMax) * 1000;
}

void FailureReport::encode(std::string& out) const {
  ByteWriter writer(out);
  writer.integer(partition ? kVersionWithPartition : kVersion)
      .integer(static_cast<uint8_t>(lane))
      .integer(index)
      .integer(handled)
      .text16(entry)
      .text16(reason.substr(0, limits::kFailureReasonBytes));
  if (partition) writer.integer(static_cast<uint32_t>(*partition));
}

Result<FailureReport> FailureReport::decode(std::string_view bytes) {
  ByteReader in(bytes);
  auto version = in.integer<uint8_t>();
  auto lane = in.integer<uint8_t>();
  FailureReport report;
  report.index = in.integer<uint32_t>();
  report.handled = in.integer<uint32_t>();
  report.entry = in.text16();
  report.reason = in.text16();
  if (version == kVersionWithPartition) report.partition = in.integer<uint32_t>();
  auto malformed = [](std::string_view what) {
    return Error{Errc::kMalformed, "report of a failed handler: " + std::string(what)};
  };
  if (!in.ok() || !in.at_end()) return malformed("cut short, or longer than it states");
  if (version != kVersion && version != kVersionWithPartition) return malformed("another version; expected 1 or 2");
  if (report.partition && *report.partition >= kMaxPartitions) return malformed("no such partition");
  if (lane >= kLanes.size()) return malformed("no such lane");
  if (!time_of_entry(report.entry)) return malformed("the entry's id is invalid");
  if (report.reason.size() > limits::kFailureReasonBytes ||
      printable(report.reason, limits::kFailureReasonBytes) != report.reason)
    return malformed("the reason is too long, or not printable");
  report.lane = static_cast<Lane>(lane);
  return report;
}

}  // namespace mas
