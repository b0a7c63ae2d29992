// The connection's flow: link, greeting, sending, replies. See connection.h for the picture.
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

void Connection::Impl::start() {
  if (state_.is(LinkState::kIdle)) connect();
}

void Connection::Impl::connect() {
  state_.to(LinkState::kConnecting);
  reader_ = std::make_unique<ReplyReader>(options_.reply_limits);
  resp3_ = {};
  drop_after_.reset();
  found_.reset();
  server_ = options_.endpoint;
  // A cluster is refused by on_link_timer(), not inside of start().
  const bool reachable = server_.topology != Topology::kCluster;
  link_timer_.once(reachable ? options_.connect_timeout : Duration::zero());
  if (options_.sentinels != nullptr)
    options_.sentinels->find(*this);
  else if (reachable)
    transport_.open(server_);
}

void Connection::Impl::join_sentinels(uv_loop_t* loop) {
  options_.primary_only = true;
  if (options_.sentinels == nullptr)
    options_.sentinels = std::make_shared<Sentinels>(loop, options_.endpoint, options_.client_name);
  options_.sentinels->attach(*this);
}

void Connection::Impl::on_primary(const Found& found) {
  found_ = found;
  server_.topology = Topology::kSingle;
  server_.nodes.clear();
  server_.host = found.naming.server.host;
  server_.port = found.naming.server.port;
  transport_.open(server_);
}

/// What was tried before has failed for another server.
void Connection::Impl::reconnect_now() {
  backoff_.reset();
  link_timer_.once(Duration::zero());
}

void Connection::Impl::on_primary_moved(const Node& server) {
  if (found_ && !state_.is(LinkState::kBackingOff) && !(found_->naming.server == server))
    drop_link(Error{Errc::kUnavailable, "the primary is " + server.text() + " now"});
  if (state_.is(LinkState::kBackingOff)) reconnect_now();
}

void Connection::Impl::on_open() {
  state_.to(LinkState::kGreeting);
  const Hello hello = !options_.primary_only ? Hello::kNone : push_mode_ ? Hello::kResp3 : Hello::kResp2;
  std::string bytes = greeting_.begin(server_, options_.client_name, hello, found_ ? AskRole::kYes : AskRole::kNo);
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
  if (found_) options_.sentinels->confirm(*found_);
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

Status Connection::Impl::transaction(std::string_view body, size_t commands, ReplyTo to, uint64_t generation,
                                     Duration timeout) {
  if (!state_.is(LinkState::kReady)) return with_address(Error{Errc::kUnreachable, "not connected"});
  if (generation != 0 && generation != generation_)
    return with_address(Error{Errc::kConnectionLost, "the link that was watched is gone"});
  static constexpr std::string_view kMulti = "*1\r\n$5\r\nMULTI\r\n", kExec = "*1\r\n$4\r\nEXEC\r\n";
  const size_t bytes = kMulti.size() + body.size() + kExec.size(), count = commands + 2;
  if (auto status = check_room(bytes, count); !status) return status;
  outgoing_.append(kMulti, 0);
  outgoing_.append(body, 0);
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
void Connection::forget(const void* self) { impl_->forget(self); }
LinkState Connection::state() const { return impl_->state(); }
uint64_t Connection::generation() const { return impl_->generation_; }
size_t Connection::pending_commands() const { return impl_->pending_commands_; }
size_t Connection::outgoing_bytes() const { return impl_->outgoing_.size(); }
const OversizedText& Connection::oversized() const { return impl_->reader_->oversized(); }
const ConnectionOptions& Connection::options() const { return impl_->options_; }
const Endpoint& Connection::server() const { return impl_->server_; }
const Connection::Counters& Connection::counters() const { return impl_->counters_; }
MonoTime Connection::last_bytes() const { return impl_->last_bytes_; }
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
