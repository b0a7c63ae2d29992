// SCAN and SSCAN, page by page.
#include "daemons/common/key_scan.h"

#include <algorithm>

#include "proto/redis/bounded_answer.h"

namespace mas::common {

namespace {

using State = KeyScanOp::State;
constexpr auto kMoves = transitions<State>({{State::kIdle, State::kAsking},
                                            {State::kAsking, State::kHolding},
                                            {State::kAsking, State::kIdle},
                                            {State::kHolding, State::kPausing},
                                            {State::kHolding, State::kIdle},
                                            {State::kPausing, State::kAsking},
                                            {State::kPausing, State::kIdle}});

// Places of the hash table that Redis looks at per page: about 200 µs of its time.
constexpr std::string_view kCount = "1000";
constexpr unsigned kMaxBegun = 3;  // walks while slots move
constexpr int kRestFactor = 3;
constexpr Duration kLongestRest = std::chrono::seconds(1);

}  // namespace

KeyScanOp::KeyScanOp(uv_loop_t* loop, redis::Client& redis, KeyScanReceiver& receiver)
    : redis_(redis), receiver_(receiver), state_(State::kIdle, kMoves), timer_(loop, [this] { ask(); }) {}

KeyScanOp::~KeyScanOp() { redis_.forget(this); }

void KeyScanOp::walk_keys(std::string pattern, std::string type, Pace pace) {
  set_.clear();
  pattern_ = std::move(pattern);
  type_ = std::move(type);
  start(pace);
}

void KeyScanOp::walk_set(std::string key, Pace pace) {
  set_ = std::move(key);
  start(pace);
}

void KeyScanOp::cancel() {
  if (idle()) return;
  redis_.forget(this);
  timer_.stop();
  state_.to(State::kIdle);
}

// The first page, too, is asked for from the timer, so that no receiver is called from inside walk_….
void KeyScanOp::start(Pace pace) {
  pace_ = pace;
  wrong_type_ = false;
  begun_ = 0;
  begin();
  state_.to(State::kAsking);
  asked_ = mono_now();
  timer_.once(Duration(0));
}

void KeyScanOp::begin() {
  ++begun_;
  cursor_ = "0";
  at_ = 0;
  primaries_ = redis_.primaries();
  if (redis_.cluster() != nullptr) map_ = redis_.cluster()->map();
}

/// @return whether there is more to walk over.
bool KeyScanOp::next_primary() {
  if (!set_.empty()) return false;
  cursor_ = "0";
  if (++at_ < primaries_.size()) return true;
  if (redis_.cluster() == nullptr || map_ == redis_.cluster()->map() || begun_ == kMaxBegun) return false;
  begin();
  return true;
}

redis::Command KeyScanOp::page_command() const {
  const redis::AnswerBounds bounds{.text = kNameBytes};
  if (!set_.empty()) return redis::bounded(bounds, {"SSCAN", set_, cursor_, "COUNT", kCount});
  return redis::bounded(bounds, {"SCAN", cursor_, "MATCH", pattern_, "COUNT", kCount, "TYPE", type_});
}

void KeyScanOp::ask() {
  if (state_.is(State::kPausing)) state_.to(State::kAsking);
  asked_ = mono_now();
  const redis::ReplyTo to = redis::reply_to<&KeyScanOp::on_page>(this);
  Status sent = Error{Errc::kUnavailable, "no primary of the cluster is known"};
  if (!set_.empty())
    sent = redis_.send(page_command(), to);
  else if (at_ < primaries_.size())
    sent = redis_.send_to(primaries_[at_], page_command(), to);
  if (!sent.ok()) finish(sent);
}

void KeyScanOp::on_page(uint64_t, const redis::Answer& answer) {
  wrong_type_ = answer.ok() && (*answer)->error_code() == "WRONGTYPE";
  auto reply = redis::checked(answer);
  if (!reply.ok()) return finish(reply.error().in(set_.empty() ? "SCAN " + pattern_ : "SSCAN " + set_));
  const redis::Reply& page = **reply;
  if (!page.is_array() || page.count != 2 || !page[0].is_text() || !page[1].is_array())
    return finish(Error{Errc::kProtocol, "SCAN: expected a cursor and an array of names"});
  cursor_ = page[0].text;
  names_.clear();
  const std::string what = set_.empty() ? "the name of a key " + pattern_ : "a member of " + set_;
  for (const redis::Reply& name : page[1]) {
    if (Status fits = redis::check_text(what, name, kNameBytes); !fits.ok())
      receiver_.on_scan_left_out(fits.error());
    else
      names_.push_back(name.text);
  }
  state_.to(State::kHolding);
  receiver_.on_scan_page(names_);
}

void KeyScanOp::next() {
  if (cursor_ == "0" && !next_primary()) return finish(walked());
  state_.to(State::kPausing);
  Duration rest = std::min<Duration>((mono_now() - asked_) * kRestFactor, kLongestRest);
  timer_.once(pace_ == Pace::kQuick ? Duration(0) : rest);
}

/// Whether all was walked over.
Status KeyScanOp::walked() const {
  if (!set_.empty() || redis_.cluster() == nullptr || map_ == redis_.cluster()->map()) return {};
  return Error{Errc::kUnavailable, "SCAN " + pattern_ + ": slots of the cluster are moving"};
}

void KeyScanOp::finish(const Status& status) {
  state_.to(State::kIdle);
  receiver_.on_scan_end(status);
}

}  // namespace mas::common
