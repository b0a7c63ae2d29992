// SET, compare-and-PEXPIRE, compare-and-DEL of mas.index.
#include "daemons/registryd/index_marker.h"

#include "proto/redis/owned_key.h"

namespace mas::registry {

namespace {

using State = IndexMarker::State;
constexpr auto kMoves = transitions<State>({{State::kAbsent, State::kSetting},
                                            {State::kSetting, State::kPresent},
                                            {State::kSetting, State::kAbsent},
                                            {State::kPresent, State::kAbsent}});

// Bounds how often a flood of events makes it renew.
constexpr Duration kHurry = std::chrono::milliseconds(20);

constexpr std::string_view kDoubtScript =
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0";

}  // namespace

IndexMarker::IndexMarker(uv_loop_t* loop, redis::Client& redis, std::string key, std::string owner,
                         IndexMarkerListener& listener)
    : redis_(redis),
      key_(std::move(key)),
      owner_(std::move(owner)),
      listener_(listener),
      state_(State::kAbsent, kMoves),
      timer_(loop, [this] { renew(); }) {}

void IndexMarker::announce() {
  if (!state_.is(State::kAbsent)) return;
  state_.to(State::kSetting);
  Status sent = redis_.send(redis::Command("SET", key_, owner_, "PX", to_millis(kTtl)),
                            redis::reply_to<&IndexMarker::on_set>(this));
  if (!sent.ok()) lose(sent.error());
}

void IndexMarker::withdraw() {
  redis_.forget(this);
  timer_.stop();
  if (!state_.is(State::kAbsent)) state_.to(State::kAbsent);
  if (redis_.ready()) (void)redis_.send(redis::Command("EVAL", redis::kDeleteOwned, 1, key_, owner_), {});
}

void IndexMarker::clear() { (void)redis_.send(redis::Command("DEL", key_), {}); }

void IndexMarker::doubt(redis::Client& redis, const std::string& key, const std::string& owner) {
  (void)redis.send(redis::Command("EVAL", kDoubtScript, 1, key, owner, to_millis(kDoubt)), {});
}

void IndexMarker::renew_now() {
  if (!present() || hurried_) return;
  hurried_ = true;
  timer_.once(kHurry);
}

void IndexMarker::on_set(uint64_t, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (!reply.ok()) return lose(reply.error().in("SET " + key_));
  state_.to(State::kPresent);
  timer_.once(kRenewal);
}

void IndexMarker::renew() {
  hurried_ = false;
  timer_.once(kRenewal);
  Status sent = redis_.send(redis::Command("EVAL", redis::kExtendOwned, 1, key_, owner_, to_millis(kTtl)),
                            redis::reply_to<&IndexMarker::on_renewed>(this));
  if (!sent.ok()) lose(sent.error());
}

void IndexMarker::on_renewed(uint64_t, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (!reply.ok()) return lose(reply.error().in("renewal of " + key_));
  if (!(*reply)->is_integer() || (*reply)->integer != 1)
    lose(Error{Errc::kNotFound, key_ + " is gone: Redis lost data, or this process was paused"});
}

void IndexMarker::lose(const Error& why) {
  if (state_.is(State::kAbsent)) return;
  redis_.forget(this);
  timer_.stop();
  state_.to(State::kAbsent);
  listener_.on_marker_lost(why);
}

}  // namespace mas::registry
