// The turns' way to one server: a connection that commands and reads go by, and one that hears changes
// (facts/invalidation.h).
//
// Failure modes: where the two are connected to different servers, both are made anew.
// Threading, ownership: as TurnLink.
#pragma once

#include "daemons/gatewayd/facts/invalidation.h"
#include "daemons/gatewayd/turn/turn_link.h"

namespace mas::gateway {

class ServerTurnLink final : public TurnLink, redis::ConnectionListener, InvalidationListener {
 public:
  ServerTurnLink(common::Frame& frame, const TurnOptions& options, TurnLinkListener& listener);

  void start() override;
  bool ready() const override { return connection_.ready(); }
  bool hearing() const override { return invalidation_.hearing(); }
  redis::CommandSink& turns() override { return sink_; }
  redis::CommandSink& facts() override { return sink_; }
  void flush() override { connection_.flush(); }
  void track() override;
  void renew(const Error& why) override { connection_.drop_link(why); }
  void renew_hearing() override { invalidation_.renew_link(); }
  std::optional<redis::ConnectionOptions> options_at(std::string_view key, std::string_view purpose) const override;

 private:
  void on_ready(redis::Connection& connection) override { listener_.on_link_up(connection.generation() > 1); }
  void on_down(redis::Connection&, const Error& why, unsigned) override { listener_.on_link_down(why); }
  void on_tracking() override { listener_.on_tracking(); }
  void on_changed(std::string_view key) override { listener_.on_changed(key); }
  void on_all_changed() override { listener_.on_all_changed(); }
  void on_tracking_lost(const Error& why) override { listener_.on_tracking_lost(why); }
  void on_server(uint64_t tag, const redis::Answer& answer);

  common::Frame& frame_;
  TurnLinkListener& listener_;
  redis::Connection connection_;
  redis::ConnectionSink sink_;
  Invalidation invalidation_;
};

}  // namespace mas::gateway
