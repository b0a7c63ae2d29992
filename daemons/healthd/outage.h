// Whether Redis was away long enough, or came back changed, so that agents must be given time to beat again.
//
// An absent heartbeat proves a death only if the agent could have beaten. After a restart of Redis, a fail-over or a
// network failure it could not; after a short break of our own connection, or a start of this process alone, it could.
// What Redis says of itself (INFO server: run id and uptime) tells these cases apart.
// Pure; threading: none.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proto/base/clock.h"

namespace mas::health {

/// What INFO server says; empty and nullopt where it does not say, or may not be asked.
struct ServerInfo {
  std::string run_id;
  std::optional<int64_t> uptime_seconds;
};
ServerInfo parse_server_info(std::string_view info);
/// As if the primaries of a cluster were one server: another one when any of them is, as young as the youngest.
ServerInfo all_of(std::span<const ServerInfo> servers);

class Outage {
 public:
  /// Shorter breaks of the connection are nobody's but ours.
  static constexpr Duration kShortest = std::chrono::seconds(1);

  /// @param now when this process began to try.
  explicit Outage(MonoTime now) : down_since_(now) {}

  void down(MonoTime now) { down_since_ = now; }

  /// Redis is there. @return since when agents can reach it, if that is later than before: from then on they have their
  /// grace. nullopt: nothing happened that agents could have noticed.
  std::optional<MonoTime> up(const ServerInfo& server, MonoTime now);

 private:
  MonoTime down_since_;
  bool first_ = true;
  std::string run_id_;
};

}  // namespace mas::health
