// Wake-ups, written and read.
#include "proto/wire/wake_up.h"

#include <optional>

#include "proto/base/numbers.h"
#include "proto/wire/partitions.h"

namespace mas {
namespace {

constexpr size_t kInstanceDigits = 32;

Error malformed(std::string_view what) { return {Errc::kMalformed, "wake-up: " + std::string(what)}; }

std::optional<unsigned> parse_partition(std::string_view text) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  auto partition = parse_number<unsigned>(text);
  return partition && *partition < kMaxPartitions ? partition : std::nullopt;
}

bool is_instance(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return text.size() == kInstanceDigits && text.find_first_not_of(kDigits) == std::string_view::npos;
}

/// @return the text up to the next space, which is taken off with it; `ret_more` tells whether there was one.
std::string_view take_word(std::string_view& text, bool& ret_more) {
  const size_t end = text.find(' ');
  ret_more = end != std::string_view::npos;
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(ret_more ? end + 1 : text.size());
  return word;
}

}  // namespace

void append_wake_up(std::string& out, const WakeUp& one) {
  if (!out.empty()) out.append(" ");
  out.append(std::to_string(one.partition)).append(" ");
  if (one.instance.empty())
    out.append(lane_name(one.lane));
  else
    out.append("@").append(one.instance);
}

Status decode_wake_ups(std::string_view text, std::vector<WakeUp>& ret_inboxes) {
  ret_inboxes.clear();
  auto fail = [&](std::string_view what) {
    ret_inboxes.clear();
    return malformed(what);
  };
  if (text.size() > kMaxWakeUpBytes) return fail("longer than a gateway writes");
  for (bool more = true; more;) {
    if (ret_inboxes.size() == kMaxWakeUps) return fail("more inboxes than a gateway names");
    auto partition = parse_partition(take_word(text, more));
    if (!partition || !more) return fail("expected a partition and a lane");
    const std::string_view name = take_word(text, more);
    WakeUp one{*partition, Lane::kNormal, {}};
    if (name.starts_with('@')) {
      one.instance = name.substr(1);
      if (!is_instance(one.instance)) return fail("invalid instance");
    } else {
      auto lane = parse_lane(name);
      if (!lane) return fail("unknown lane");
      one.lane = *lane;
    }
    ret_inboxes.push_back(one);
  }
  return {};
}

}  // namespace mas
