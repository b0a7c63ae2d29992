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
constexpr int kRestFactor = 3;
constexpr Duration kLongestRest = std::chrono::seconds(1);

}  // namespace

KeyScanOp::KeyScanOp(uv_loop_t* loop, redis::Client& redis, KeyScanReceiver& receiver)
    : redis_(redis),
      receiver_(receiver),
      state_(State::kIdle, kMoves),
      survey_(redis, [this](const Status& status) { on_surveyed(status); }),
      timer_(loop, [this] { ask(); }) {}

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
  survey_.cancel();
  timer_.stop();
  state_.to(State::kIdle);
}

// The first page, too, is asked for from the timer, so that no receiver is called from inside walk_….
void KeyScanOp::start(Pace pace) {
  pace_ = pace;
  wrong_type_ = false;
  check_ = {};
  primaries_.clear();
  begin();
  state_.to(State::kAsking);
  asked_ = mono_now();
  timer_.once(Duration(0));
}

/// With the first primary.
void KeyScanOp::begin() {
  cursor_ = "0";
  at_ = 0;
}

/// @return whether there is more to walk over.
bool KeyScanOp::next_primary() {
  if (!set_.empty()) return false;
  cursor_ = "0";
  return ++at_ < primaries_.size();
}

void KeyScanOp::survey() {
  if (Status sent = survey_.ask(); !sent) finish(sent);
}

void KeyScanOp::on_surveyed(const Status& status) {
  if (!status) return finish(status.error().in("SCAN " + pattern_));
  using Next = redis::WalkCheck::Next;
  switch (check_.next(survey_.owners())) {
    case Next::kDone:
      return finish({});
    case Next::kGiveUp:
      return finish(redis::WalkCheck::moving().in("SCAN " + pattern_));
    case Next::kWalk:
      primaries_ = survey_.owners().primaries;
      begin();
      return ask_page();
  }
}

redis::Command KeyScanOp::page_command() const {
  const redis::AnswerBounds bounds{.text = kNameBytes};
  if (!set_.empty()) return redis::bounded(bounds, {"SSCAN", set_, cursor_, "COUNT", kCount});
  return redis::bounded(bounds, {"SCAN", cursor_, "MATCH", pattern_, "COUNT", kCount, "TYPE", type_});
}

void KeyScanOp::ask() {
  if (state_.is(State::kPausing)) state_.to(State::kAsking);
  asked_ = mono_now();
  const bool over_keys = set_.empty();
  if (over_keys && redis_.cluster() != nullptr && at_ == primaries_.size()) return survey();
  if (over_keys && primaries_.empty()) primaries_ = redis_.primaries();
  ask_page();
}

void KeyScanOp::ask_page() {
  const redis::ReplyTo to = redis::reply_to<&KeyScanOp::on_page>(this);
  Status sent = set_.empty() ? redis_.send_to(primaries_[at_], page_command(), to) : redis_.send(page_command(), to);
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
  const bool ended = cursor_ == "0" && !next_primary();
  if (ended && (!set_.empty() || redis_.cluster() == nullptr)) return finish({});
  state_.to(State::kPausing);
  Duration rest = std::min<Duration>((mono_now() - asked_) * kRestFactor, kLongestRest);
  timer_.once(pace_ == Pace::kQuick ? Duration(0) : rest);
}

void KeyScanOp::finish(const Status& status) {
  state_.to(State::kIdle);
  receiver_.on_scan_end(status);
}

}  // namespace mas::common
