// The connection's flow: link, greeting, runs, time-outs, backoff. See connection.h for the picture.
#include "proto/redis/connection.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "proto/base/backoff.h"
#include "proto/base/random.h"
#include "proto/base/secret.h"
#include "proto/base/state_machine.h"
#include "proto/redis/greeting.h"
#include "proto/redis/loop.h"
#include "proto/redis/outgoing.h"
#include "proto/redis/resp3.h"
#include "proto/redis/transport.h"

namespace mas::redis {
namespace {

/// Hiredis's reader moves what it still holds to the front of its buffer about once a kilobyte: with all of a read of
/// 64 KiB in it, that moves every byte some twenty times.
constexpr size_t kFeedBytes = 8 * 1024;
constexpr Duration kLate = std::chrono::milliseconds(100);      // a timer that fires so late: the loop was busy
constexpr Duration kGrace = std::chrono::milliseconds(200);     // then, to read what has come meanwhile
constexpr Duration kStalled = std::chrono::milliseconds(1000);  // a reply of which so long no further byte came

constexpr auto kMoves = transitions<LinkState>({
    {LinkState::kIdle, LinkState::kConnecting},
    {LinkState::kConnecting, LinkState::kGreeting},
    {LinkState::kConnecting, LinkState::kBackingOff},
    {LinkState::kGreeting, LinkState::kReady},
    {LinkState::kGreeting, LinkState::kBackingOff},
    {LinkState::kReady, LinkState::kBackingOff},
    {LinkState::kBackingOff, LinkState::kConnecting},
    {LinkState::kIdle, LinkState::kStopped},
    {LinkState::kConnecting, LinkState::kStopped},
    {LinkState::kGreeting, LinkState::kStopped},
    {LinkState::kReady, LinkState::kStopped},
    {LinkState::kBackingOff, LinkState::kStopped},
    {LinkState::kStopped, LinkState::kStopped},
});

/// Commands of one call that are waiting for their replies.
struct Run {
  ReplyTo to;
  size_t remaining;  // replies still to come
  size_t bytes;      // on the wire
  MonoTime deadline;
  bool transaction;     // only the last reply, or the first error, is handed on
  bool graced = false;  // its deadline was put off once, since the loop had been busy
};

}  // namespace

std::string_view link_state_text(LinkState state) {
  static constexpr std::string_view kTexts[] = {
      "idle", "connecting", "greeting", "ready", "waiting before the next attempt", "stopped"};
  return kTexts[static_cast<size_t>(state)];
}

void ConnectionListener::on_push(Connection&, const Reply&) {}

class Connection::Impl final : public TransportListener {
 public:
  Impl(Connection& self, uv_loop_t* loop, ConnectionOptions options, ConnectionListener* listener)
      : self_(self),
        options_(std::move(options)),
        listener_(listener),
        state_(LinkState::kIdle, kMoves),
        transport_(loop, *this, options_.secret),
        backoff_(options_.backoff_base, options_.backoff_cap),
        flush_(loop, [this] { flush(); }),
        link_timer_(loop, [this] { on_link_timer(); }),
        role_timer_(loop, [this] { ask_role(); }),
        deadline_timer_(loop, [this] { expire(); }) {}

  void start();
  void stop();
  Status send(std::string_view bytes, size_t count, ReplyTo to, Duration timeout);
  Status send_from(std::string& bytes, size_t count, ReplyTo to, Duration timeout);
  Status send(Rope rope, ReplyTo to, Duration timeout);
  Status transaction(const Command& body, ReplyTo to, uint64_t generation, Duration timeout);
  void forget(const void* self);
  void drop_link(Error why);

  LinkState state() const { return state_.get(); }
  bool has_link() const { return state_.is(LinkState::kGreeting) || state_.is(LinkState::kReady); }

  // TransportListener
  void on_open() override;
  void on_bytes(std::span<char> bytes) override;
  void take_replies();
  void on_written() override { flush(); }
  void on_lost(const Error& why) override { lost(why); }

 private:
  friend class Connection;
  Status check_room(size_t bytes, size_t count) const;
  /// That one call adds to the pending ones.
  size_t runs() const { return push_mode_ ? 0 : 1; }
  /// Of a text in the next reply; 0: none.
  size_t text_bound() const {
    if (push_mode_) return push_text_bytes_;
    return pending_.size() > outgoing_.runs() ? pending_.front().to.text_bytes : 0;
  }
  /// Bytes of runs that have begun, which the socket has not taken.
  size_t unwritten() const { return transport_.unwritten() + outgoing_.begun_bytes(); }
  Run run_of(size_t bytes, size_t count, ReplyTo to, Duration timeout) const;
  void enqueue(const Run& run);
  void connect();
  void on_link_timer();
  void lost(const Error& why);
  void became_ready();
  void greeted(const Reply& reply);
  void heard(const Reply& reply);
  void dispatch(const Reply& reply);
  void answer_sent(const Error& first, const Error& rest);
  void answer_failing(const Error& first, const Error& rest);
  void answer(Run& run, const Answer& answer);
  void flush();
  void expire();
  void expire_unsent(MonoTime now);
  void drop_unsent(const Error& why);
  bool drop_unsent_transactions(const Error& why);
  bool speaks_resp3() const { return push_mode_ && options_.primary_only; }
  void ask_role();
  void on_role(uint64_t tag, const Answer& answer);
  void arm_deadline();
  bool more_time(Run& run, MonoTime now);
  Error with_address(const Error& why) const { return why.in(options_.endpoint.address()); }

  Connection& self_;
  ConnectionOptions options_;
  ConnectionListener* listener_;
  StateMachine<LinkState> state_;
  Transport transport_;
  std::unique_ptr<ReplyReader> reader_ = std::make_unique<ReplyReader>(options_.reply_limits);
  Resp3Headers resp3_;
  Backoff backoff_;
  BeforePoll flush_;
  Timer link_timer_;  // bounds connecting and greeting; then, the wait of a backoff
  Timer role_timer_;
  Timer deadline_timer_;
  MonoTime ready_since_{};
  MonoTime armed_until_{};  // when deadline_timer_ fires, while it is armed
  MonoTime last_bytes_{};
  size_t unwritten_ = 0;  // of runs that have begun, when it was last looked at
  uint64_t generation_ = 0;
  Counters counters_;
  bool push_mode_ = false;
  size_t push_text_bytes_ = 0;
  bool wipe_received_ = false;

  Greeting greeting_;
  std::deque<Run> pending_;  // the last outgoing_.runs() of it have all their bytes there
  size_t pending_commands_ = 0;
  Outgoing outgoing_{options_.secret};
  std::deque<Run> failing_;          // being answered after a loss
  std::optional<Error> drop_after_;  // drop the link once the bytes at hand are dispatched
};

void Connection::Impl::start() {
  if (state_.is(LinkState::kIdle)) connect();
}

void Connection::Impl::connect() {
  state_.to(LinkState::kConnecting);
  reader_ = std::make_unique<ReplyReader>(options_.reply_limits);
  resp3_ = {};
  drop_after_.reset();
  link_timer_.once(options_.connect_timeout);
  transport_.open(options_.endpoint);
}

void Connection::Impl::on_open() {
  state_.to(LinkState::kGreeting);
  const Hello hello = !options_.primary_only ? Hello::kNone : push_mode_ ? Hello::kResp3 : Hello::kResp2;
  std::string bytes = greeting_.begin(options_.endpoint, options_.client_name, hello);
  counters_.bytes_out += bytes.size();
  transport_.write(bytes);
  if (options_.secret) wipe(bytes);
}

/// One reply of the greeting. PING comes last and shows whether Redis would serve us (LOADING, NOAUTH,
/// MASTERDOWN).
void Connection::Impl::greeted(const Reply& reply) {
  if (auto status = greeting_.take(reply); !status.ok())
    drop_after_ = status.error();
  else if (greeting_.done())
    became_ready();
}

void Connection::Impl::became_ready() {
  state_.to(LinkState::kReady);
  link_timer_.stop();
  if (options_.role_interval > Duration::zero() && !push_mode_) role_timer_.every(options_.role_interval);
  ready_since_ = mono_now();
  if (++generation_ > 1) ++counters_.reconnects;
  if (listener_ != nullptr) listener_->on_ready(self_);
  flush_.request();
}

void Connection::Impl::on_bytes(std::span<char> bytes) {
  counters_.bytes_in += bytes.size();
  last_bytes_ = mono_now();
  std::span<char> left = bytes;
  while (!left.empty() && has_link() && !drop_after_) {
    auto slice = left.first(std::min(left.size(), kFeedBytes));
    left = left.subspan(slice.size());
    Status fed = speaks_resp3() ? resp3_.feed(slice, *reader_) : reader_->feed({slice.data(), slice.size()});
    if (!fed) return drop_link(fed.error());
    take_replies();
    if (!std::exchange(wipe_received_, false)) continue;
    reader_->wipe();
    wipe(bytes.first(bytes.size() - left.size()));
  }
  if (has_link() && drop_after_) drop_link(*drop_after_);
}

void Connection::Impl::take_replies() {
  while (has_link() && !drop_after_) {
    reader_->bound_texts(text_bound());
    auto reply = reader_->next();
    if (!reply) return drop_link(reply.error());
    if (*reply == nullptr) break;
    ++counters_.replies;
    if (state_.is(LinkState::kGreeting))
      greeted(**reply);
    else if (push_mode_)
      heard(**reply);
    else
      dispatch(**reply);
  }
}

void Connection::Impl::heard(const Reply& reply) {
  if (options_.primary_only && is_hello(reply))
    if (auto status = check_primary(reply); !status) drop_after_ = status.error();
  listener_->on_push(self_, reply);
}

void Connection::Impl::dispatch(const Reply& reply) {
  if (pending_.size() == outgoing_.runs())
    return void(drop_after_ = Error{Errc::kProtocol, "received a reply without a command"});
  if (reply.error_code() == "READONLY") drop_after_ = error_of(reply);

  Run& run = pending_.front();
  ReplyTo to = run.to;
  --pending_commands_;
  bool last = --run.remaining == 0;
  if (run.transaction) {
    if (!last && !reply.is_error()) return;
    run.to.fn = nullptr;
  } else {
    ++run.to.tag;
  }
  if (last) pending_.pop_front();
  if (last && !pending_.empty() && pending_.front().deadline < armed_until_) arm_deadline();
  if (to.fn != nullptr) to.fn(to.self, to.tag, &reply);
}

Status Connection::Impl::check_room(size_t bytes, size_t count) const {
  if (count == 0) return Error{Errc::kInvalidArgument, "no command to send"};
  if (state_.is(LinkState::kStopped)) return Error{Errc::kInvalidState, "the connection was stopped"};
  if (!options_.keep_unsent && !state_.is(LinkState::kReady))
    return with_address(Error{Errc::kUnreachable, "not connected"});
  if (outgoing_.size() + bytes > options_.max_outgoing_bytes)
    return with_address(Error{Errc::kWouldBlock, "the outgoing queue is full (" + std::to_string(outgoing_.size()) +
                                                     " of " + std::to_string(options_.max_outgoing_bytes) + " bytes)"});
  if (pending_commands_ + count > options_.max_pending_commands)
    return with_address(Error{Errc::kWouldBlock, "the outgoing queue is full (" + std::to_string(pending_commands_) +
                                                     " of " + std::to_string(options_.max_pending_commands) +
                                                     " commands)"});
  return {};
}

/// Its bytes stand at the end of outgoing_.
void Connection::Impl::enqueue(const Run& run) {
  counters_.commands += run.remaining;
  if (!push_mode_) {
    pending_.push_back(run);
    pending_commands_ += run.remaining;
    if (!deadline_timer_.armed() || pending_.front().deadline < armed_until_) arm_deadline();
  }
  if (state_.is(LinkState::kReady)) flush_.request();
}

Status Connection::Impl::send(std::string_view bytes, size_t count, ReplyTo to, Duration timeout) {
  if (auto status = check_room(bytes.size(), count); !status) return status;
  outgoing_.append(bytes, runs());
  enqueue(run_of(bytes.size(), count, to, timeout));
  return {};
}

Status Connection::Impl::send_from(std::string& bytes, size_t count, ReplyTo to, Duration timeout) {
  const size_t size = bytes.size();
  if (auto status = check_room(size, count); !status) return status;
  outgoing_.append_from(bytes, runs());
  enqueue(run_of(size, count, to, timeout));
  return {};
}

Status Connection::Impl::send(Rope rope, ReplyTo to, Duration timeout) {
  const size_t size = rope.size(), count = rope.count();
  if (auto status = check_room(size, count); !status) return status;
  outgoing_.append(std::move(rope), runs());
  enqueue(run_of(size, count, to, timeout));
  return {};
}

Run Connection::Impl::run_of(size_t bytes, size_t count, ReplyTo to, Duration timeout) const {
  Duration patience = timeout == Duration::zero() ? options_.command_timeout : timeout;
  return {to, count, bytes, mono_now() + patience, false};
}

Status Connection::Impl::transaction(const Command& body, ReplyTo to, uint64_t generation, Duration timeout) {
  if (!state_.is(LinkState::kReady)) return with_address(Error{Errc::kUnreachable, "not connected"});
  if (generation != 0 && generation != generation_)
    return with_address(Error{Errc::kConnectionLost, "the link that was watched is gone"});
  static constexpr std::string_view kMulti = "*1\r\n$5\r\nMULTI\r\n", kExec = "*1\r\n$4\r\nEXEC\r\n";
  const size_t bytes = kMulti.size() + body.bytes().size() + kExec.size(), count = body.count() + 2;
  if (auto status = check_room(bytes, count); !status) return status;
  outgoing_.append(kMulti, 0);
  outgoing_.append(body.bytes(), 0);
  outgoing_.append(kExec, runs());
  Run run = run_of(bytes, count, to, timeout);
  run.transaction = true;
  enqueue(run);
  return {};
}

/// Hands what is outgoing to the socket, in one write but for ropes. What comes meanwhile forms the next.
void Connection::Impl::flush() {
  while (state_.is(LinkState::kReady) && !outgoing_.empty() && !transport_.writing()) {
    std::string& bytes = outgoing_.next();
    counters_.bytes_out += bytes.size();
    transport_.write(bytes);
    unwritten_ = unwritten();
    outgoing_.trim();
  }
}

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

/// Only a full queue refuses, and then the link is busy enough.
void Connection::Impl::ask_role() {
  if (!state_.is(LinkState::kReady) || !options_.primary_only || !greeting_.tells_role()) return;
  const Command hello("HELLO");
  static_cast<void>(send(hello.bytes(), hello.count(), reply_to<&Impl::on_role>(this), {}));
}

void Connection::Impl::on_role(uint64_t, const Answer& answer) {
  if (!answer.ok() || !is_hello(**answer)) return;
  if (auto status = check_primary(**answer); !status) drop_after_ = status.error();
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
  failing_.swap(dropped);
  answer_failing(why, why);
  return true;
}

/// Answers every run whose bytes were handed to the socket.
void Connection::Impl::answer_sent(const Error& first, const Error& rest) {
  auto end = pending_.end() - static_cast<std::ptrdiff_t>(outgoing_.runs());
  failing_.assign(pending_.begin(), end);
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
  failing_.swap(expired);
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

Connection::Connection(uv_loop_t* loop, ConnectionOptions options, ConnectionListener* listener)
    : impl_(std::make_unique<Impl>(*this, loop, std::move(options), listener)) {}
Connection::~Connection() = default;

void Connection::start() { impl_->start(); }
void Connection::stop() { impl_->stop(); }
Status Connection::send(Command&& command, ReplyTo to, Duration timeout) {
  size_t count = command.count();
  std::string bytes = command.take_bytes();
  return impl_->send_from(bytes, count, to, timeout);
}
Status Connection::send(std::string_view bytes, size_t count, ReplyTo to, Duration timeout) {
  return impl_->send(bytes, count, to, timeout);
}
Status Connection::send_from(std::string& bytes, size_t count, ReplyTo to, Duration timeout) {
  return impl_->send_from(bytes, count, to, timeout);
}
Status Connection::send(Rope rope, ReplyTo to, Duration timeout) { return impl_->send(std::move(rope), to, timeout); }
Status Connection::transaction(const Command& body, ReplyTo to, uint64_t generation, Duration timeout) {
  return impl_->transaction(body, to, generation, timeout);
}
void Connection::flush() {
  impl_->flush_.cancel();
  impl_->flush();
}
void Connection::forget(const void* self) { impl_->forget(self); }
LinkState Connection::state() const { return impl_->state(); }
uint64_t Connection::generation() const { return impl_->generation_; }
size_t Connection::pending_commands() const { return impl_->pending_commands_; }
size_t Connection::outgoing_bytes() const { return impl_->outgoing_.size(); }
const OversizedText& Connection::oversized() const { return impl_->reader_->oversized(); }
const ConnectionOptions& Connection::options() const { return impl_->options_; }
const Connection::Counters& Connection::counters() const { return impl_->counters_; }
void Connection::wipe_received() { impl_->wipe_received_ = true; }
void Connection::push_mode(size_t text_bytes) {
  impl_->push_mode_ = true;
  impl_->push_text_bytes_ = text_bytes;
}
void Connection::ask_role() { impl_->ask_role(); }
Command Connection::sign_of_life() const {
  return Command(impl_->speaks_resp3() && impl_->greeting_.tells_role() ? "HELLO" : "PING");
}
void Connection::drop_link(Error why) { impl_->drop_link(std::move(why)); }

}  // namespace mas::redis
