// Checks of the Redis that was reached, and the log of its comings and goings.
#include "daemons/common/redis_gate.h"

#include <charconv>

#include "proto/base/ids.h"

namespace mas::common {
namespace {

using State = RedisGate::State;

constexpr auto kMoves = transitions<State>({{State::kWaiting, State::kChecking},
                                            {State::kChecking, State::kUp},
                                            {State::kChecking, State::kRefused},
                                            {State::kChecking, State::kWaiting},
                                            {State::kRefused, State::kWaiting},
                                            {State::kUp, State::kWaiting}});

constexpr Duration kCheckAgain = std::chrono::seconds(2);
constexpr unsigned kOldest[] = {6, 2};

bool new_enough(std::string_view version) {
  unsigned parts[2] = {0, 0};
  const char* at = version.data();
  const char* end = at + version.size();
  for (unsigned& part : parts) {
    auto [next, error] = std::from_chars(at, end, part);
    if (error != std::errc()) return false;
    at = next == end ? next : next + 1;
  }
  return parts[0] > kOldest[0] || (parts[0] == kOldest[0] && parts[1] >= kOldest[1]);
}

Error unusable(std::string text) { return Error{Errc::kUnavailable, std::move(text)}; }

}  // namespace

Result<ServerInfo> server_info(const redis::Reply& hello) {
  ServerInfo info;
  if (!hello.is_array()) return Error{Errc::kProtocol, "unexpected answer to HELLO; expected a list"};
  for (size_t i = 0; i + 1 < hello.count; i += 2) {
    if (!hello[i].is_text() || !hello[i + 1].is_text()) continue;
    if (hello[i].text == "version") info.version = printable(hello[i + 1].text);
    if (hello[i].text == "mode") info.mode = printable(hello[i + 1].text);
  }
  if (info.version.empty()) return Error{Errc::kProtocol, "the answer to HELLO has no version"};
  return info;
}

Status check_server(const ServerInfo& info) {
  if (!new_enough(info.version)) return unusable("Redis " + info.version + " is too old; expected 6.2 or newer");
  if (info.mode == "cluster") return unusable("this Redis is a node of a cluster, which this version does not support");
  return {};
}

RedisGate::RedisGate(uv_loop_t* loop, redis::ConnectionOptions options, Log& log, RedisGateListener& listener)
    : log_(log),
      listener_(listener),
      state_(State::kWaiting, kMoves),
      again_(loop, [this] { check_again(); }),
      connection_(loop, std::move(options), this) {}

RedisGate::~RedisGate() = default;

void RedisGate::stop() {
  again_.stop();
  connection_.stop();
}

void RedisGate::on_ready(redis::Connection& connection) {
  if (!state_.is(State::kWaiting)) return;
  state_.to(State::kChecking);
  auto status = connection.send(redis::Command("HELLO"), redis::reply_to<&RedisGate::on_hello>(this));
  if (!status) refuse(status.error());
}

void RedisGate::on_hello(uint64_t, const redis::Answer& answer) {
  if (!state_.is(State::kChecking)) return;
  if (!answer.ok()) return;  // the link failed; on_down follows
  if ((*answer)->is_error()) return refuse(redis::error_of(**answer).in("HELLO"));
  auto info = server_info(**answer);
  if (!info) return refuse(info.error());
  if (auto status = check_server(*info); !status) return refuse(status.error());
  open(*info);
}

void RedisGate::open(const ServerInfo& info) {
  state_.to(State::kUp);
  version_ = info.version;
  reason_.clear();
  repeat_.reset();
  log_.info("redis_up", {{"address", address()}, {"version", version_}});
  listener_.on_gate_up();
}

void RedisGate::refuse(const Error& why) {
  state_.to(State::kRefused);
  if (repeat_.should_log(why.message, mono_now()))
    log_.error("redis_refused", {{"address", address()}, {"why", why.message}});
  set_reason(why.message);
  again_.once(kCheckAgain);
}

void RedisGate::check_again() {
  if (state_.is(State::kRefused)) connection_.drop_link(Error{Errc::kUnavailable, reason_});
}

void RedisGate::on_down(redis::Connection&, const Error& why, unsigned attempt) {
  bool was_up = up();
  bool was_refused = state_.is(State::kRefused);
  if (!state_.is(State::kWaiting)) state_.to(State::kWaiting);
  if (!was_refused && repeat_.should_log(why.message, mono_now()))
    log_.warn("redis_down", {{"address", address()}, {"why", why.message}, {"attempt", attempt}});
  set_reason(why.message);
  if (was_up) listener_.on_gate_down();
}

void RedisGate::set_reason(std::string reason) {
  if (reason == reason_) return;
  reason_ = std::move(reason);
  listener_.on_gate_reason();
}

}  // namespace mas::common
