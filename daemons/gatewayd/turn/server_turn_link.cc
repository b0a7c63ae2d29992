// Tracking, and whether both connections lead to the same server.
#include "daemons/gatewayd/turn/server_turn_link.h"

#include <utility>

namespace mas::gateway {

ServerTurnLink::ServerTurnLink(common::Frame& frame, const TurnOptions& options, TurnLinkListener& listener)
    : frame_(frame),
      listener_(listener),
      connection_(frame.loop(), turn_options(frame.redis_options("turn"), options), this),
      sink_(connection_, turn_patience(connection_.options(), options)),
      invalidation_(frame.loop(), frame.redis_options("invalidation"), *this) {}

void ServerTurnLink::start() {
  connection_.start();
  invalidation_.start();
}

std::optional<redis::ConnectionOptions> ServerTurnLink::options_at(std::string_view, std::string_view purpose) const {
  return frame_.redis_options(purpose);
}

/// Both links are up, one of them newly so: what is read from now on is tracked. Were this refused, so would each read
/// be.
void ServerTurnLink::track() {
  if (!connection_.ready() || !invalidation_.hearing()) return;
  redis::Command command = invalidation_.tracking_command();
  command.add("INFO", "server");
  static_cast<void>(sink_.send(std::move(command), redis::reply_to<&ServerTurnLink::on_server>(this)));
}

/// Facts are read behind this, so none was read from the wrong server. Both links are made anew, this one first.
void ServerTurnLink::on_server(uint64_t tag, const redis::Answer& answer) {
  if (tag != 1 || !answer.ok() || !invalidation_.hearing() || invalidation_.same_server(**answer)) return;
  connection_.drop_link(Error{Errc::kUnavailable, "changes are heard from another server than facts are read from"});
}

}  // namespace mas::gateway
