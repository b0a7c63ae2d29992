// The end of a link, and of waiting: what was sent, what was not, and who is answered how.
#include <algorithm>

#include "proto/base/random.h"
#include "proto/redis/connection_impl.h"

namespace mas::redis {
namespace {

constexpr Duration kLate = std::chrono::milliseconds(100);      // a timer that fires so late: the loop was busy
constexpr Duration kGrace = std::chrono::milliseconds(200);     // then, to read what has come meanwhile
constexpr Duration kStalled = std::chrono::milliseconds(1000);  // a reply of which so long no further byte came

}  // namespace

void Connection::Impl::drop_link(Error why) {
  if (!has_link() && !state_.is(LinkState::kConnecting)) return;
  transport_.close();
  lost(why);
}

/// The link is gone: plan the next one, then answer what was sent on this one.
void Connection::Impl::lost(const Error& why) {
  const bool given_up = why.code == Errc::kTooLarge;  // for what was asked, not for anything of the link
  bool was_stable = state_.is(LinkState::kReady) && (given_up || mono_now() - ready_since_ >= options_.backoff_cap);
  if (was_stable) backoff_.reset();
  state_.to(LinkState::kBackingOff);
  role_timer_.stop();
  link_timer_.once(backoff_.next(random_u64()));
  outgoing_.drop_begun();
  Error told = with_address(why);
  Error unknown = told;
  if (unknown.code != Errc::kTimeout && !given_up) unknown.code = Errc::kConnectionLost;
  answer_sent(unknown, Error{Errc::kConnectionLost, told.message});
  if (state_.is(LinkState::kStopped)) return;
  const Error unsent{Errc::kUnreachable, told.message};
  if (!options_.keep_unsent || !drop_unsent_transactions(unsent)) drop_unsent(unsent);
  if (state_.is(LinkState::kStopped)) return;
  arm_deadline();
  if (listener_ != nullptr) listener_->on_down(self_, told, backoff_.attempts());
}

void Connection::Impl::drop_unsent(const Error& why) {
  outgoing_.clear();
  answer_sent(why, why);
}

/// What was read before a transaction was read on its own link. @return false where they cannot be told from the rest.
bool Connection::Impl::drop_unsent_transactions(const Error& why) {
  std::deque<Run> kept, dropped;
  size_t at = 0;
  for (const Run& run : pending_) {
    if (run.transaction && !outgoing_.erase_run(at, run.bytes)) return false;
    at += run.transaction ? 0 : run.bytes;
    (run.transaction ? dropped : kept).push_back(run);
  }
  if (dropped.empty()) return true;
  pending_.swap(kept);
  failing_.insert(failing_.end(), dropped.begin(), dropped.end());
  answer_failing(why, why);
  return true;
}

/// Answers every run whose bytes were handed to the socket.
void Connection::Impl::answer_sent(const Error& first, const Error& rest) {
  auto end = pending_.end() - static_cast<std::ptrdiff_t>(outgoing_.runs());
  failing_.insert(failing_.end(), pending_.begin(), end);
  pending_.erase(pending_.begin(), end);
  answer_failing(first, rest);
}

void Connection::Impl::answer_failing(const Error& first, const Error& rest) {
  for (bool head = true; !failing_.empty(); head = false) {
    Run run = failing_.front();
    failing_.pop_front();
    pending_commands_ -= run.remaining;
    answer(run, head ? first : rest);
  }
}

void Connection::Impl::answer(Run& run, const Answer& outcome) {
  if (run.to.fn == nullptr) return;
  size_t times = run.transaction ? 1 : run.remaining;
  for (size_t i = 0; i < times; ++i) run.to.fn(run.to.self, run.to.tag + i, outcome);
}

void Connection::Impl::on_link_timer() {
  if (state_.is(LinkState::kBackingOff)) return connect();
  if (options_.endpoint.topology != Topology::kSingle)
    return drop_link(Error{Errc::kInvalidArgument, "this version cannot use Sentinel or a cluster"});
  const char* what = state_.is(LinkState::kConnecting) ? "no connection" : "no answer to the greeting";
  drop_link(Error{Errc::kTimeout,
                  std::string(what) + " within " + std::to_string(to_millis(options_.connect_timeout)) + " ms"});
}

/// Arms the timer for the oldest run. Replies do not re-arm it: it fires, looks and arms itself again.
void Connection::Impl::arm_deadline() {
  if (pending_.empty()) return deadline_timer_.stop();
  armed_until_ = pending_.front().deadline;
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

void Connection::Impl::expire() {
  MonoTime now = mono_now();
  if (pending_.empty() || pending_.front().deadline > now) return arm_deadline();
  bool sent = pending_.size() > outgoing_.runs();
  if (!sent) return expire_unsent(now);
  if (more_time(pending_.front(), now)) return arm_deadline();
  ++counters_.timeouts;
  drop_link(Error{Errc::kTimeout, "no reply in time"});
}

/// Without a link: the oldest runs give up, and their bytes leave the queue.
void Connection::Impl::expire_unsent(MonoTime now) {
  size_t bytes = 0;
  std::deque<Run> expired;
  while (!pending_.empty() && pending_.front().deadline <= now) {
    bytes += pending_.front().bytes;
    expired.push_back(pending_.front());
    pending_.pop_front();
  }
  outgoing_.drop_runs(expired.size(), bytes);
  counters_.timeouts += expired.size();
  failing_.insert(failing_.end(), expired.begin(), expired.end());
  const Error why = with_address(Error{Errc::kUnreachable, "no connection in time"});
  answer_failing(why, why);
  if (!state_.is(LinkState::kStopped)) arm_deadline();
}

void Connection::Impl::stop() {
  if (state_.is(LinkState::kStopped)) return;
  state_.to(LinkState::kStopped);
  transport_.close();
  link_timer_.stop();
  role_timer_.stop();
  deadline_timer_.stop();
  outgoing_.clear();
  Error cancelled = with_address(Error{Errc::kCancelled, "the connection was stopped"});
  answer_sent(cancelled, cancelled);
}

void Connection::Impl::forget(const void* self) {
  for (auto* queue : {&pending_, &failing_})
    for (Run& run : *queue)
      if (run.to.self == self) run.to.fn = nullptr;
}

}  // namespace mas::redis
