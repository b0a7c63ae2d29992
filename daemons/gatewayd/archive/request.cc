// Requests for records of the archive, written and read.
#include "daemons/gatewayd/archive/request.h"

#include <optional>

#include "daemons/gatewayd/archive/entry.h"
#include "proto/base/numbers.h"
#include "proto/wire/partitions.h"

namespace mas::gateway::archive {
namespace {

constexpr std::string_view kHead = "archive:";

bool digits(std::string_view text, size_t most) {
  return !text.empty() && text.size() <= most && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<uint32_t> number(std::string_view text, uint32_t below) {
  if (!digits(text, 9)) return std::nullopt;
  auto value = parse_number<uint32_t>(text);
  return value && *value < below ? value : std::nullopt;
}

/// Takes `text` up to `end` off it, and `end`, too.
std::string_view take(std::string_view& text, char end) {
  auto part = text.substr(0, text.find(end));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return part;
}

/// @return whether the records of `text` are numbers that rise.
bool take_records(std::string_view text, std::vector<uint32_t>& records) {
  do {
    std::string_view range = take(text, ',');
    std::string_view first_text = take(range, '-');
    auto first = number(first_text, kMaxRecords);
    auto last = range.empty() ? first : number(range, kMaxRecords);
    if (!first || !last || *last < *first || (!records.empty() && *first <= records.back())) return false;
    for (uint32_t i = *first; i <= *last; ++i) records.push_back(i);
  } while (!text.empty());
  return true;
}

}  // namespace

bool is_entry_id(std::string_view text) {
  auto dash = text.find('-');
  return dash != std::string_view::npos && digits(text.substr(0, dash), 20) && digits(text.substr(dash + 1), 20);
}

bool is_archive_request(std::string_view text) { return text.starts_with(kHead); }

std::string request_text(const Request& request) {
  std::string text(kHead);
  text.append(std::to_string(request.partition)).append(":").append(request.entry).append(":");
  for (size_t i = 0; i < request.records.size();) {
    size_t end = i + 1;
    while (end < request.records.size() && request.records[end] == request.records[end - 1] + 1) ++end;
    if (i > 0) text.append(",");
    text.append(std::to_string(request.records[i]));
    if (end - i > 1) text.append("-").append(std::to_string(request.records[end - 1]));
    i = end;
  }
  return text;
}

Result<Request> parse_request(std::string_view text) {
  const Error bad{Errc::kMalformed, "expected a request like archive:3:1795350096000-0:0-3,7"};
  if (!is_archive_request(text)) return bad;
  text.remove_prefix(kHead.size());
  Request request;
  auto partition = number(take(text, ':'), kMaxPartitions);
  request.entry = take(text, ':');
  if (!partition || !is_entry_id(request.entry) || !take_records(text, request.records)) return bad;
  request.partition = *partition;
  return request;
}

}  // namespace mas::gateway::archive
