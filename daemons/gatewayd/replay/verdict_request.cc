// The form of a request.
#include "daemons/gatewayd/replay/verdict_request.h"

#include "proto/base/ids.h"

namespace mas::gateway {
namespace {

constexpr std::string_view kDigits = "0123456789";

bool is_entry_id(std::string_view text) {
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos || dash == 0 || dash > 20 || text.size() - dash - 1 > 20) return false;
  return dash + 1 < text.size() && text.substr(0, dash).find_first_not_of(kDigits) == std::string_view::npos &&
         text.substr(dash + 1).find_first_not_of(kDigits) == std::string_view::npos;
}

std::string_view word_of(std::string_view& text) {
  const size_t end = text.find(' ');
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

}  // namespace

std::optional<VerdictRequest> parse_verdict_request(std::string_view text) {
  VerdictRequest request;
  const std::string_view verdict = word_of(text), entry = word_of(text);
  if (verdict != "grant" && verdict != "deny") return std::nullopt;
  if (!is_entry_id(entry) || text.empty()) return std::nullopt;
  request.verdict = verdict == "grant" ? Verdict::kGranted : Verdict::kDenied;
  request.entry = entry;
  request.who = printable(text, kVerdictWhoBytes);
  return request;
}

}  // namespace mas::gateway
