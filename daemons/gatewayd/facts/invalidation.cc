// The listening connection.
#include "daemons/gatewayd/facts/invalidation.h"

#include <utility>

#include "proto/redis/reply_values.h"

namespace mas::gateway {
namespace {

using namespace std::chrono_literals;
using State = Invalidation::State;

constexpr auto kMoves = transitions<State>({{State::kDown, State::kAsking},
                                            {State::kAsking, State::kSubscribing},
                                            {State::kSubscribing, State::kHearing},
                                            {State::kAsking, State::kDown},
                                            {State::kSubscribing, State::kDown},
                                            {State::kHearing, State::kDown}});

constexpr Duration kPingInterval = 1s;
constexpr Duration kLate = 100ms;      // after its time: the loop was busy
constexpr unsigned kSilentPings = 2;   // the link is replaced when it comes to so many
constexpr unsigned kSilentAtAll = 10;  // or to so many, however busy the loop was
constexpr size_t kKeyBytes =
    16384;  // more than any key that is read has, or INFO; what anybody publishes may be longer
constexpr std::string_view kChannel = "__redis__:invalidate";

}  // namespace

Invalidation::Invalidation(uv_loop_t* loop, redis::ConnectionOptions options, InvalidationListener& listener)
    : listener_(listener),
      state_(State::kDown, kMoves),
      connection_(loop, std::move(options), this),
      ping_(loop, [this] { ping(); }) {
  connection_.push_mode(kKeyBytes);
}

Invalidation::~Invalidation() = default;

void Invalidation::stop() {
  ping_.stop();
  connection_.stop();
}

void Invalidation::renew_link() {
  connection_.drop_link(Error{Errc::kUnavailable, "the connection that reads was made anew"});
}

void Invalidation::on_ready(redis::Connection&) {
  state_.to(State::kAsking);
  silent_ = 0;
  pinged_ = mono_now();
  ping_.every(kPingInterval);
  id_ = 0;
  server_.clear();
  request(redis::Command("CLIENT", "ID").add("INFO", "server"));
}

void Invalidation::on_down(redis::Connection&, const Error& why, unsigned) {
  ping_.stop();
  bool was_hearing = hearing();
  if (!state_.is(State::kDown)) state_.to(State::kDown);
  if (was_hearing) listener_.on_tracking_lost(why);
}

void Invalidation::on_push(redis::Connection&, const redis::Reply& reply) {
  silent_ = 0;
  const bool asking = state_.is(State::kAsking);
  if (asking && id_ != 0 && (reply.is_text() || reply.is_error())) {
    if (reply.is_text()) server_ = redis::info_value(reply.text, "run_id");
    return subscribe();
  }
  if (reply.is_error()) return connection_.drop_link(redis::error_of(reply).in("invalidation"));
  if (asking && reply.is_integer()) {
    id_ = reply.integer;
    return;
  }
  if (!reply.is_array() || reply.count < 2 || !reply[0].is_text()) return;  // a pong
  if (reply[0].text == "invalidate") return changed(reply[1]);              // RESP3
  if (reply[0].text == "message" && reply.count > 2) return changed(reply[2]);
  if (reply[0].text != "subscribe" || !state_.is(State::kSubscribing)) return;
  state_.to(State::kHearing);
  listener_.on_tracking();
}

void Invalidation::subscribe() {
  state_.to(State::kSubscribing);
  request(redis::Command("SUBSCRIBE", kChannel));
}

redis::Command Invalidation::tracking_command(bool opt_in) const {
  if (!opt_in) return redis::Command("CLIENT", "TRACKING", "ON", "REDIRECT", id_);
  return redis::Command("CLIENT", "TRACKING", "ON", "REDIRECT", id_, "OPTIN");
}

bool Invalidation::same_server(const redis::Reply& info) const {
  if (!info.is_text() || server_.empty()) return true;
  const std::string_view other = redis::info_value(info.text, "run_id");
  return other.empty() || other == server_;
}

void Invalidation::changed(const redis::Reply& keys) {
  if (!state_.is(State::kHearing)) return;
  if (!keys.is_array()) return listener_.on_all_changed();
  for (const auto& key : keys) listener_.on_changed(key.text);
}

/// Timers come before what the socket holds: after a while in which nothing was read, an answer may lie there.
void Invalidation::ping() {
  const MonoTime now = mono_now();
  const bool late = now - std::exchange(pinged_, now) > kPingInterval + kLate;
  ++silent_;
  if (silent_ >= (late ? kSilentAtAll : kSilentPings))
    return connection_.drop_link(Error{
        Errc::kTimeout, "Redis answered no ping for " + std::to_string(to_millis(silent_ * kPingInterval)) + " ms"});
  if (hearing()) request(connection_.sign_of_life());
}

/// On a ready link only a full queue refuses, and then the silence is noticed.
void Invalidation::request(const redis::Command& command) {
  static_cast<void>(connection_.send(command, redis::ReplyTo{}));
}

}  // namespace mas::gateway
