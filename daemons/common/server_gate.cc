// Checks of the server that was reached, and the log of its comings and goings.
#include "daemons/common/server_gate.h"

#include <utility>

namespace mas::common {
namespace {

using State = ServerGate::State;

constexpr auto kMoves = transitions<State>({{State::kWaiting, State::kChecking},
                                            {State::kChecking, State::kUp},
                                            {State::kChecking, State::kRefused},
                                            {State::kChecking, State::kWaiting},
                                            {State::kRefused, State::kWaiting},
                                            {State::kUp, State::kWaiting}});

constexpr Duration kCheckAgain = std::chrono::seconds(2);

}  // namespace

ServerGate::ServerGate(uv_loop_t* loop, redis::ConnectionOptions options, Log& log, RedisGateListener& listener)
    : RedisGate(loop, std::move(options), log, listener, this, nullptr),
      state_(State::kWaiting, kMoves),
      again_(loop, [this] { check_again(); }),
      connection_(*client().connection()) {}

void ServerGate::stop() {
  again_.stop();
  RedisGate::stop();
}

void ServerGate::on_ready(redis::Connection& connection) {
  if (!state_.is(State::kWaiting)) return;
  state_.to(State::kChecking);
  auto status = connection.send(redis::Command("HELLO"), redis::reply_to<&ServerGate::on_hello>(this));
  if (!status) refuse(status.error());
}

void ServerGate::on_hello(uint64_t, const redis::Answer& answer) {
  if (!state_.is(State::kChecking)) return;
  if (!answer.ok()) return;  // the link failed; on_down follows
  if ((*answer)->is_error()) return refuse(redis::error_of(**answer).in("HELLO"));
  auto info = server_info(**answer);
  if (!info) return refuse(info.error());
  if (auto status = check_server(*info, redis::Topology::kSingle); !status) return refuse(status.error());
  state_.to(State::kUp);
  tell_up(std::move(info->version));
}

void ServerGate::refuse(const Error& why) {
  state_.to(State::kRefused);
  if (worth_a_line(why)) log().error("redis_refused", {{"address", address()}, {"why", why.message}});
  set_reason(why.message);
  again_.once(kCheckAgain);
}

void ServerGate::check_again() {
  if (state_.is(State::kRefused)) connection_.drop_link(Error{Errc::kUnavailable, reason()});
}

void ServerGate::on_down(redis::Connection&, const Error& why, unsigned attempt) {
  bool was_up = up();
  bool was_refused = state_.is(State::kRefused);
  if (!state_.is(State::kWaiting)) state_.to(State::kWaiting);
  if (!was_refused && worth_a_line(why))
    log().warn("redis_down", {{"address", address()}, {"why", why.message}, {"attempt", attempt}});
  set_reason(why.message);
  if (was_up) tell_down();
}

}  // namespace mas::common
