// A connection from inside. It joins two parts: the link to a server (server_link.h), and the runs that are sent over
// it (run_queue.h). Its own are the replies in between, deadlines, the server's role, and what is told to the owner.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "proto/redis/connection.h"
#include "proto/redis/loop.h"
#include "proto/redis/resp3.h"
#include "proto/redis/run_queue.h"
#include "proto/redis/server_link.h"

namespace mas::redis {

class Connection::Impl final : public LinkListener {
 public:
  Impl(Connection& self, uv_loop_t* loop, ConnectionOptions options, ConnectionListener* listener);

  void start() { link_.start(); }
  void stop();
  Status send(std::string_view bytes, size_t count, ReplyTo to, Duration timeout);
  Status send_from(std::string& bytes, size_t count, ReplyTo to, Duration timeout);
  Status send(Rope rope, ReplyTo to, Duration timeout);
  Status transaction(std::string_view body, size_t count, ReplyTo to, uint64_t generation, Duration timeout);
  void push_mode(size_t text_bytes);

  // LinkListener
  void on_link_open(size_t greeting_bytes) override;
  void on_link_bytes(std::span<char> bytes) override;
  void on_link_ready() override;
  void on_link_written() override { flush(); }
  void on_link_lost(const Error& why) override;

 private:
  friend class Connection;

  // Sending (connection.cc)
  Status check_room(size_t bytes, size_t count) const;
  Run run_of(size_t bytes, size_t count, ReplyTo to, Duration timeout) const;
  void queued(const Run& run);
  void flush();
  /// Bytes of runs that have begun, which the socket has not taken.
  size_t unwritten() const { return link_.unwritten() + runs_.begun_bytes(); }

  // Replies (connection.cc)
  void take_replies();
  void heard(const Reply& reply);
  void dispatch(const Reply& reply);
  void drop_unless_ok(const Status& status) {
    if (!status.ok()) drop_after_ = status.error();
  }
  void ask_role();
  void on_role(uint64_t tag, const Answer& answer);

  // Deadlines (connection_loss.cc)
  void arm_deadline();
  void arm_deadline_if_earlier() {
    if (!deadline_timer_.armed() || runs_.oldest().deadline < armed_until_) arm_deadline();
  }
  void on_deadline();
  void expire_unsent(MonoTime now);
  bool more_time(Run& run, MonoTime now);

  Connection& self_;
  const ConnectionOptions options_;
  ConnectionListener* const listener_;
  ServerLink link_;
  RunQueue runs_;
  BeforePoll flush_;
  Counters counters_;

  std::unique_ptr<ReplyReader> reader_ = std::make_unique<ReplyReader>(options_.reply_limits);
  Resp3Headers resp3_;
  bool push_mode_ = false;
  size_t push_text_bytes_ = 0;
  bool wipe_received_ = false;
  std::optional<Error> drop_after_;  // drop the link once the bytes at hand are dispatched
  Timer role_timer_;

  Timer deadline_timer_;
  MonoTime armed_until_{};  // when deadline_timer_ fires, while it is armed
  MonoTime last_bytes_{};
  size_t unwritten_ = 0;  // of runs that have begun, when it was last looked at
};

}  // namespace mas::redis
