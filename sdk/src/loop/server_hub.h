// The hub of one server, which sentinels may have to find: a connection for commands, one for subscriptions.
//
// Happy path, failure modes, threading, ownership: see Hub.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proto/redis/subscriber.h"
#include "sdk/src/loop/hub.h"

namespace mas::sdk {

class ServerHub final : public Hub, redis::ConnectionListener, redis::SubscriberListener {
 public:
  /// @param options of both connections; with sentinels where they are to find the server.
  ServerHub(Runtime& runtime, const redis::ConnectionOptions& options);

  void start() override;
  bool reaches(std::string_view) const override { return server_.ready(); }
  bool serves(std::string_view channel) const override { return server_.ready() && subscriber_.subscribed(channel); }
  bool was_cut_off() const override { return server_.ready() && server_.generation() == cut_off_in_; }

 private:
  void hear(const std::string& channel, size_t max_payload) override;
  void stop_hearing(std::string_view channel) override { subscriber_.unsubscribe(channel); }

  void on_ready(redis::Connection& connection) override;
  void on_down(redis::Connection& connection, const Error& why, unsigned attempt) override;
  void on_message(std::string_view channel, std::string_view payload) override { deliver(channel, payload); }
  void on_oversized(std::string_view channel, uint64_t bytes) override { leave_out(channel, bytes); }
  void on_subscribed(std::string_view channel) override;
  void on_subscriber_down(const Error& why, unsigned attempt) override;
  void on_subscriber_error(const Error& why) override;

  const std::shared_ptr<redis::Sentinels> sentinels_;  // null: the server is the endpoint
  redis::Connection& server_;                          // for commands
  redis::Subscriber subscriber_;
  bool subscriber_is_older_ = false;  // its link was there when that for commands was lost: perhaps to another server
  uint64_t cut_off_in_ = 0;           // the generation of the one for commands; 0: in none
};

}  // namespace mas::sdk
