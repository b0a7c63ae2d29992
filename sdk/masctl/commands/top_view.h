// What `masctl top` shows: two looks at the gateways, and what happened between them. Pure.
//
// Gateways tell totals, a few seconds old; a rate is the difference of two of them by the time between. A gateway that
// was not there in the look before, or that has not written since, keeps the rates that it had.
// Threading: none.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/clock.h"
#include "proto/base/json_writer.h"
#include "sdk/masctl/cli/text.h"
#include "sdk/masctl/redis/gateway_reader.h"

namespace mas::ctl {

/// What a gateway does per second, and how.
struct GatewayRates {
  double messages = 0;
  std::map<std::string, double> decided;
  double per_turn = 0;     ///< messages that one turn decides
  double round_trips = 0;  ///< per message
};

/// {"waiting":…,"owner":…,"resting":…}
void write_partition(JsonWriter& json, const PartitionState& partition);

class TopView {
 public:
  /// Takes the next look. @param now when it was taken, on any clock that only goes forward.
  void look(GatewayView view, MonoTime now);

  const GatewayView& view() const { return view_; }
  /// @return nullptr until there were two looks at this gateway's numbers.
  const GatewayRates* rates(const std::string& instance) const;
  /// All decisions of all gateways: name → (per second, total), by name.
  std::map<std::string, std::pair<double, uint64_t>> decisions() const;
  uint64_t waiting() const;
  size_t unowned() const;
  size_t resting() const;

  /// Tables for people. @param wall seconds since 1970.
  std::vector<std::string> header() const;
  Table gateways(double wall) const;
  Table decided() const;
  /// Partitions that have something waiting or no owner.
  Table partitions() const;
  /// One line of JSON.
  std::string json(double wall) const;

 private:
  struct Seen {
    GatewaySnapshot snapshot;
    MonoTime at{};
    bool measured = false;
    GatewayRates rates;
  };
  void take(const GatewaySnapshot& snapshot, MonoTime now, std::map<std::string, Seen>& seen);

  GatewayView view_;
  std::map<std::string, Seen> seen_;
};

}  // namespace mas::ctl
