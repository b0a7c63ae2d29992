// A connection from inside: what its flow (connection.cc) and its losses (connection_loss.cc) share.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "proto/base/backoff.h"
#include "proto/base/state_machine.h"
#include "proto/redis/connection.h"
#include "proto/redis/greeting.h"
#include "proto/redis/loop.h"
#include "proto/redis/outgoing.h"
#include "proto/redis/resp3.h"
#include "proto/redis/sentinel/sentinels.h"
#include "proto/redis/transport.h"

namespace mas::redis {

inline constexpr auto kLinkMoves = transitions<LinkState>({
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

class Connection::Impl final : public TransportListener, public SentinelLink {
 public:
  Impl(Connection& self, uv_loop_t* loop, ConnectionOptions options, ConnectionListener* listener)
      : self_(self),
        options_(std::move(options)),
        listener_(listener),
        state_(LinkState::kIdle, kLinkMoves),
        transport_(loop, *this, options_.secret),
        backoff_(options_.backoff_base, options_.backoff_cap),
        flush_(loop, [this] { flush(); }),
        link_timer_(loop, [this] { on_link_timer(); }),
        role_timer_(loop, [this] { ask_role(); }),
        deadline_timer_(loop, [this] { expire(); }),
        server_(options_.endpoint) {
    if (options_.endpoint.topology == Topology::kSentinel) join_sentinels(loop);
  }
  ~Impl() override {
    if (options_.sentinels != nullptr) options_.sentinels->detach(*this);
  }

  void start();
  void stop();
  Status send(std::string_view bytes, size_t count, ReplyTo to, Duration timeout);
  Status send_from(std::string& bytes, size_t count, ReplyTo to, Duration timeout);
  Status send(Rope rope, ReplyTo to, Duration timeout);
  Status transaction(std::string_view body, size_t count, ReplyTo to, uint64_t generation, Duration timeout);
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

  // SentinelLink
  void on_primary(const Found& found) override;
  void on_no_primary(const Error& why) override { lost(why); }
  void on_primary_moved(const Node& server) override;

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
  void join_sentinels(uv_loop_t* loop);
  void connect();
  void reconnect_now();
  void on_link_timer();
  void lost(const Error& why);
  void leave_server();
  void became_ready();
  void greeted(const Reply& reply);
  void heard(const Reply& reply);
  void dispatch(const Reply& reply);
  void answer_sent(const Error& first, const Error& rest);
  void answer_failing(const Error& first, const Error& rest);
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
  Error with_address(const Error& why) const { return why.in(server_.address()); }

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
  Endpoint server_;             // of the link, or of the last attempt
  std::optional<Found> found_;  // by sentinels: server_'s naming; none while they are asked
  std::deque<Run> pending_;     // the last outgoing_.runs() of it have all their bytes there
  size_t pending_commands_ = 0;
  Outgoing outgoing_{options_.secret};
  std::deque<Run> failing_;          // being answered after a loss
  std::optional<Error> drop_after_;  // drop the link once the bytes at hand are dispatched
};

}  // namespace mas::redis
