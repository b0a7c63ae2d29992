// How the turns reach Redis, and how they hear what changes there: one server (server_turn_link.h), or a cluster
// (cluster_turn_link.h).
//
//   turns()   commands of a turn's operations
//   facts()   reads of what is cached; Redis tells of the next change of each key that was read by it
//
// Threading: loop thread. Ownership: as redis::Connection; the listener must outlive the link.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "daemons/common/service.h"
#include "daemons/gatewayd/turn/turn_options.h"
#include "proto/redis/command_sink.h"

namespace mas::gateway {

class TurnLinkListener {
 public:
  virtual ~TurnLinkListener() = default;
  /// Commands are sent at once from now on. @param again it was so before: what listens may be connected elsewhere.
  virtual void on_link_up(bool again) = 0;
  virtual void on_link_down(const Error& why) = 0;
  /// On a cluster: slots are at other nodes.
  virtual void on_moved() = 0;
  /// Changes are heard from now on. What was cached before may be stale.
  virtual void on_tracking() = 0;
  virtual void on_changed(std::string_view key) = 0;
  virtual void on_all_changed() = 0;
  virtual void on_tracking_lost(const Error& why) = 0;
};

class TurnLink {
 public:
  static std::unique_ptr<TurnLink> make(common::Frame& frame, const TurnOptions& options, TurnLinkListener& listener);
  virtual ~TurnLink() = default;

  virtual void start() = 0;
  /// Whether commands are sent at once.
  virtual bool ready() const = 0;
  /// Whether changes are heard.
  virtual bool hearing() const = 0;
  virtual redis::CommandSink& turns() = 0;
  virtual redis::CommandSink& facts() = 0;
  virtual void flush() = 0;
  /// What is read from now on is tracked, if the links are up. To be called by on_link_up() and on_tracking().
  virtual void track() = 0;
  /// The daemon's main link was made anew, perhaps to another server.
  virtual void renew(const Error& why) = 0;
  /// This link was made anew: so is what hears changes.
  virtual void renew_hearing() = 0;
  /// Of a connection that waits at the key; nullopt: it is not known where the key is.
  virtual std::optional<redis::ConnectionOptions> options_at(std::string_view key, std::string_view purpose) const = 0;
};

/// @return the options of a link that reads turns.
redis::ConnectionOptions turn_options(redis::ConnectionOptions options, const TurnOptions& turn);
/// What waits for replicas, or behind a command that does, may take longer. Zero: the link's own.
Duration turn_patience(const redis::ConnectionOptions& options, const TurnOptions& turn);

}  // namespace mas::gateway
