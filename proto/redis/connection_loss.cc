// The end of a link, and of waiting: what was sent, what was not, and who is answered how.
#include <algorithm>

#include "proto/redis/connection_impl.h"

namespace mas::redis {
namespace {

constexpr Duration kLate = std::chrono::milliseconds(100);      // a timer that fires so late: the loop was busy
constexpr Duration kGrace = std::chrono::milliseconds(200);     // then, to read what has come meanwhile
constexpr Duration kStalled = std::chrono::milliseconds(1000);  // a reply of which so long no further byte came

}  // namespace

/// First what was sent; then, where it is not kept for the next link, what was not.
void Connection::Impl::on_link_lost(const Error& why) {
  role_timer_.stop();
  // A time-out and a text that is too large are the oldest run's own; what came of the others is not known.
  const bool its_own = why.code == Errc::kTimeout || why.code == Errc::kTooLarge;
  const Error unknown{Errc::kConnectionLost, why.message}, unsent{Errc::kUnreachable, why.message};
  runs_.fail_sent(its_own ? why : unknown, unknown);
  if (link_.stopped()) return;
  if (options_.keep_unsent)
    runs_.fail_unsent_transactions(unsent);
  else
    runs_.fail_all(unsent);
  if (link_.stopped()) return;
  arm_deadline();
  if (listener_ != nullptr) listener_->on_down(self_, why, link_.attempts());
}

/// Arms the timer for the oldest run. Replies do not re-arm it: it fires, looks and arms itself again.
void Connection::Impl::arm_deadline() {
  if (runs_.empty()) return deadline_timer_.stop();
  armed_until_ = runs_.oldest().deadline;
  deadline_timer_.once(std::max(armed_until_ - mono_now(), Duration::zero()));
}

/// What came while the loop was busy has not been read yet; and a large reply, or a large command, takes its time.
bool Connection::Impl::more_time(Run& run, MonoTime now) {
  if (now - armed_until_ > kLate && !std::exchange(run.graced, true))
    run.deadline = now + kGrace;
  else if (reader_->in_reply() && now - last_bytes_ < kStalled)
    run.deadline = last_bytes_ + kStalled;
  else if (const size_t left = unwritten(); left < std::exchange(unwritten_, left))
    run.deadline = now + kStalled;
  return run.deadline > now;
}

void Connection::Impl::on_deadline() {
  MonoTime now = mono_now();
  if (runs_.empty() || runs_.oldest().deadline > now) return arm_deadline();
  if (!runs_.reply_due()) return expire_unsent(now);
  if (more_time(runs_.oldest(), now)) return arm_deadline();
  ++counters_.timeouts;
  link_.drop(Error{Errc::kTimeout, "no reply in time"});
}

/// Without a link: the oldest runs give up, and their bytes leave the queue.
void Connection::Impl::expire_unsent(MonoTime now) {
  counters_.timeouts += runs_.expire_unsent(now, link_.with_address({Errc::kUnreachable, "no connection in time"}));
  if (!link_.stopped()) arm_deadline();
}

void Connection::Impl::stop() {
  if (link_.stopped()) return;
  link_.stop();
  role_timer_.stop();
  deadline_timer_.stop();
  runs_.fail_all(link_.with_address({Errc::kCancelled, "the connection was stopped"}));
}

}  // namespace mas::redis
