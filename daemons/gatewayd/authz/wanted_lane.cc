// Priorities in meta and in data.
#include "daemons/gatewayd/authz/wanted_lane.h"

#include <string>

#include "proto/wire/json.h"

namespace mas::gateway {
namespace {

/// Hears of the last member `priority`.
class PriorityMember final : public JsonVisitor {
 public:
  void member(std::string_view key, const JsonValue& value) override {
    if (key == "priority") lane = value.kind == JsonKind::kString ? parse_any_case(value.text) : std::nullopt;
  }
  std::optional<Lane> lane;

 private:
  static std::optional<Lane> parse_any_case(std::string_view text) {
    std::string lower(text.substr(0, 16));
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return parse_lane(lower);
  }
};

/// @param data an object that was read already. A second look, so only where its bytes have the name.
std::optional<Lane> lane_in_data(std::string_view data) {
  if (data.find("\"priority\"") == std::string_view::npos) return std::nullopt;
  PriorityMember found;
  if (!JsonReader::local().visit(data, found)) return std::nullopt;
  return found.lane;
}

}  // namespace

Lane wanted_lane(const Envelope& envelope, bool in_data) {
  if (in_data && envelope.meta.priority.empty()) return lane_in_data(envelope.data).value_or(Lane::kNormal);
  return parse_lane(envelope.meta.priority).value_or(Lane::kNormal);
}

}  // namespace mas::gateway
