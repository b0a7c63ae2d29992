// The connection's flow: sending and replies. The link is server_link.h's, its loss connection_loss.cc's.
#include <algorithm>

#include "proto/base/secret.h"
#include "proto/redis/connection_impl.h"

namespace mas::redis {
namespace {

/// Hiredis's reader moves what it still holds to the front of its buffer about once a kilobyte: with all of a read of
/// 64 KiB in it, that moves every byte some twenty times.
constexpr size_t kFeedBytes = 8 * 1024;

}  // namespace

std::string_view link_state_text(LinkState state) {
  static constexpr std::string_view kTexts[] = {
      "idle", "connecting", "greeting", "ready", "waiting before the next attempt", "stopped"};
  return kTexts[static_cast<size_t>(state)];
}

void ConnectionListener::on_push(Connection&, const Reply&) {}

namespace {

/// With Sentinel: its primary, and sentinels of the connection's own where it shares none.
ConnectionOptions completed(ConnectionOptions options, uv_loop_t* loop) {
  if (options.endpoint.topology != Topology::kSentinel) return options;
  options.primary_only = true;
  if (options.sentinels == nullptr)
    options.sentinels = std::make_shared<Sentinels>(loop, options.endpoint, options.client_name);
  return options;
}

}  // namespace

Connection::Impl::Impl(Connection& self, uv_loop_t* loop, ConnectionOptions options, ConnectionListener* listener)
    : self_(self),
      options_(completed(std::move(options), loop)),
      listener_(listener),
      link_(loop, options_, *this),
      runs_(options_.max_outgoing_bytes, options_.max_pending_commands, options_.secret),
      flush_(loop, [this] { flush(); }),
      role_timer_(loop, [this] { ask_role(); }),
      deadline_timer_(loop, [this] { on_deadline(); }) {}

void Connection::Impl::push_mode(size_t text_bytes) {
  push_mode_ = true;
  push_text_bytes_ = text_bytes;
  link_.want_resp3();
  runs_.expect_no_replies();
}

void Connection::Impl::on_link_open(size_t greeting_bytes) {
  reader_ = std::make_unique<ReplyReader>(options_.reply_limits);
  resp3_ = {};
  drop_after_.reset();
  counters_.bytes_out += greeting_bytes;
}

void Connection::Impl::on_link_ready() {
  if (options_.role_interval > Duration::zero() && !push_mode_) role_timer_.every(options_.role_interval);
  if (link_.generation() > 1) ++counters_.reconnects;
  if (listener_ != nullptr) listener_->on_ready(self_);
  flush_.request();
}

void Connection::Impl::on_link_bytes(std::span<char> bytes) {
  counters_.bytes_in += bytes.size();
  last_bytes_ = mono_now();
  std::span<char> left = bytes;
  while (!left.empty() && link_.is_open() && !drop_after_) {
    auto slice = left.first(std::min(left.size(), kFeedBytes));
    left = left.subspan(slice.size());
    Status fed = link_.speaks_resp3() ? resp3_.feed(slice, *reader_) : reader_->feed({slice.data(), slice.size()});
    if (!fed) return link_.drop(fed.error());
    take_replies();
    if (!std::exchange(wipe_received_, false)) continue;
    reader_->wipe();
    wipe(bytes.first(bytes.size() - left.size()));
  }
  if (link_.is_open() && drop_after_) link_.drop(Error(*drop_after_));
}

void Connection::Impl::take_replies() {
  while (link_.is_open() && !drop_after_) {
    reader_->bound_texts(push_mode_ ? push_text_bytes_ : runs_.text_bound());
    auto reply = reader_->next();
    if (!reply) return link_.drop(reply.error());
    if (*reply == nullptr) break;
    ++counters_.replies;
    if (link_.greeting())
      drop_unless_ok(link_.greeted(**reply));
    else if (push_mode_)
      heard(**reply);
    else
      dispatch(**reply);
  }
}

void Connection::Impl::heard(const Reply& reply) {
  if (options_.primary_only && is_hello(reply)) drop_unless_ok(check_primary(reply));
  listener_->on_push(self_, reply);
}

void Connection::Impl::dispatch(const Reply& reply) {
  if (!runs_.reply_due()) return void(drop_after_ = Error{Errc::kProtocol, "received a reply without a command"});
  if (reply.error_code() == "READONLY") drop_after_ = error_of(reply);
  bool last = false;
  const ReplyTo to = runs_.take(reply.is_error(), last);
  if (last && !runs_.empty() && runs_.oldest().deadline < armed_until_) arm_deadline();
  if (to.fn != nullptr) to.fn(to.self, to.tag, &reply);
}

Status Connection::Impl::check_room(size_t bytes, size_t count) const {
  if (count == 0) return Error{Errc::kInvalidArgument, "no command to send"};
  if (link_.stopped()) return Error{Errc::kInvalidState, "the connection was stopped"};
  if (!options_.keep_unsent && !link_.ready()) return link_.with_address({Errc::kUnreachable, "not connected"});
  if (Status room = runs_.check_room(bytes, count); !room) return link_.with_address(room.error());
  return {};
}

Run Connection::Impl::run_of(size_t bytes, size_t count, ReplyTo to, Duration timeout) const {
  const Duration patience = timeout == Duration::zero() ? options_.command_timeout : timeout;
  return {to, count, bytes, mono_now() + patience};
}

void Connection::Impl::queued(const Run& run) {
  counters_.commands += run.remaining;
  if (!push_mode_) arm_deadline_if_earlier();
  if (link_.ready()) flush_.request();
}

Status Connection::Impl::send(std::string_view bytes, size_t count, ReplyTo to, Duration timeout) {
  if (auto status = check_room(bytes.size(), count); !status) return status;
  const Run run = run_of(bytes.size(), count, to, timeout);
  runs_.add(run, bytes);
  queued(run);
  return {};
}

Status Connection::Impl::send_from(std::string& bytes, size_t count, ReplyTo to, Duration timeout) {
  if (auto status = check_room(bytes.size(), count); !status) return status;
  const Run run = run_of(bytes.size(), count, to, timeout);
  runs_.add_from(run, bytes);
  queued(run);
  return {};
}

Status Connection::Impl::send(Rope rope, ReplyTo to, Duration timeout) {
  const size_t size = rope.size(), count = rope.count();
  if (auto status = check_room(size, count); !status) return status;
  const Run run = run_of(size, count, to, timeout);
  runs_.add(run, std::move(rope));
  queued(run);
  return {};
}

Status Connection::Impl::transaction(std::string_view body, size_t commands, ReplyTo to, uint64_t generation,
                                     Duration timeout) {
  if (!link_.ready()) return link_.with_address({Errc::kUnreachable, "not connected"});
  if (generation != 0 && generation != link_.generation())
    return link_.with_address({Errc::kConnectionLost, "the link that was watched is gone"});
  const size_t bytes = RunQueue::kMulti.size() + body.size() + RunQueue::kExec.size(), count = commands + 2;
  if (auto status = check_room(bytes, count); !status) return status;
  Run run = run_of(bytes, count, to, timeout);
  run.transaction = true;
  runs_.add_transaction(run, body);
  queued(run);
  return {};
}

/// Hands what is unsent to the socket, in one write but for ropes. What comes meanwhile forms the next.
void Connection::Impl::flush() {
  while (link_.ready() && !runs_.all_sent() && !link_.writing()) {
    std::string& bytes = runs_.next_write();
    counters_.bytes_out += bytes.size();
    link_.write(bytes);
    unwritten_ = unwritten();
    runs_.trim();
  }
}

/// Only a full queue refuses, and then the link is busy enough.
void Connection::Impl::ask_role() {
  if (!link_.ready() || !options_.primary_only || !link_.tells_role()) return;
  const Command hello("HELLO");
  static_cast<void>(send(hello.bytes(), hello.count(), reply_to<&Impl::on_role>(this), {}));
}

void Connection::Impl::on_role(uint64_t, const Answer& answer) {
  if (answer.ok() && is_hello(**answer)) drop_unless_ok(check_primary(**answer));
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
Status Connection::transaction(std::string_view body, size_t count, ReplyTo to, uint64_t generation, Duration timeout) {
  return impl_->transaction(body, count, to, generation, timeout);
}
void Connection::flush() {
  impl_->flush_.cancel();
  impl_->flush();
}
void Connection::forget(const void* self) { impl_->runs_.forget(self); }
LinkState Connection::state() const { return impl_->link_.state(); }
uint64_t Connection::generation() const { return impl_->link_.generation(); }
size_t Connection::pending_commands() const { return impl_->runs_.commands(); }
size_t Connection::outgoing_bytes() const { return impl_->runs_.unsent_bytes(); }
const OversizedText& Connection::oversized() const { return impl_->reader_->oversized(); }
const ConnectionOptions& Connection::options() const { return impl_->options_; }
const Endpoint& Connection::server() const { return impl_->link_.server(); }
const Connection::Counters& Connection::counters() const { return impl_->counters_; }
MonoTime Connection::last_bytes() const { return impl_->last_bytes_; }
void Connection::wipe_received() { impl_->wipe_received_ = true; }
void Connection::push_mode(size_t text_bytes) { impl_->push_mode(text_bytes); }
void Connection::ask_role() { impl_->ask_role(); }
Command Connection::sign_of_life() const {
  return Command(impl_->link_.speaks_resp3() && impl_->link_.tells_role() ? "HELLO" : "PING");
}
void Connection::drop_link(Error why) { impl_->link_.drop(why); }

}  // namespace mas::redis
