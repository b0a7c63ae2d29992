// The table of redirect.h.
#include "proto/redis/cluster/redirect.h"

#include "proto/base/numbers.h"

namespace mas::redis {
namespace {

struct Rule {
  std::string_view code;
  Onward onward;
  bool refresh;
};

constexpr Rule kRules[] = {
    {"MOVED", Onward::kMoved, true},       {"ASK", Onward::kAsk, false},      {"TRYAGAIN", Onward::kLater, false},
    {"CLUSTERDOWN", Onward::kLater, true}, {"LOADING", Onward::kLater, true}, {"MASTERDOWN", Onward::kLater, true},
};

/// "MOVED 3999 127.0.0.1:6381".
bool read_target(std::string_view text, std::string_view asked, Redirect& ret_redirect) {
  text.remove_prefix(text.find(' ') + 1);
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return false;
  const auto slot = parse_number<unsigned>(text.substr(0, space));
  auto node = parse_node(text.substr(space + 1), asked);
  if (!slot || *slot >= kHashSlots || !node) return false;
  ret_redirect.slot = *slot;
  ret_redirect.node = std::move(*node);
  return true;
}

}  // namespace

std::optional<Redirect> redirect_of(const Reply& reply, std::string_view asked) {
  const std::string_view code = reply.error_code();
  if (code.empty()) return std::nullopt;
  for (const Rule& rule : kRules) {
    if (code != rule.code) continue;
    Redirect redirect{rule.onward, rule.refresh, 0, {}};
    if (rule.onward != Onward::kLater && !read_target(reply.text, asked, redirect)) return std::nullopt;
    return redirect;
  }
  return std::nullopt;
}

}  // namespace mas::redis
