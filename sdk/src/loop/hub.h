// The connections that all agents of the process with the same Redis and the same user share: one for commands, one for
// subscriptions.
//
// Happy path: a session joins with its channel; it is told when commands can be sent, when its channel is confirmed,
// and of every payload on it.
// Failure: every loss is told to every member; both connections come back by themselves and members are told again. A
// server that was demoted may close neither: the connection for subscriptions asks for its role, when it is lost that
// for commands asks, and when that is made anew, so is the one for subscriptions. With Sentinel both are told where the
// primary is.
// Threading: the I/O thread. Ownership: shared by the sessions that joined; the last one must let go outside the
// callbacks of this class (see Session), since that ends the connections.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/redis/connection.h"
#include "proto/redis/subscriber.h"
#include "proto/wire/envelope.h"

namespace mas::sdk {

class Runtime;

class HubMember {
 public:
  virtual ~HubMember() = default;
  /// Commands can be sent. `again`: the link was made anew.
  virtual void on_link_ready(bool again) = 0;
  /// One of the two links, or an attempt to make it, failed.
  virtual void on_link_down(const Error& why) = 0;
  /// Redis confirmed the member's channel.
  virtual void on_hearing() = 0;
  /// Redis refused a subscription.
  virtual void on_subscription_refused(const Error& why) = 0;
  virtual void on_payload(std::string_view payload) = 0;
  /// Bytes of the largest payload that it takes; a larger one may still come, where another member takes it.
  virtual size_t max_payload() const = 0;
  /// A payload was larger than any member takes, and was left out. @param bytes that it had.
  virtual void on_oversized(uint64_t bytes) = 0;
};

class Hub final : public redis::ConnectionListener, public redis::SubscriberListener {
 public:
  Hub(Runtime& runtime, const redis::Endpoint& endpoint, const std::string& client_name);
  void start();

  void join(HubMember& member, const std::string& channel);
  /// @param channel the one that the member joined with.
  void leave(HubMember& member, std::string_view channel);

  redis::Connection& commands() { return commands_; }
  /// @return whether commands can be sent and `channel` is heard.
  bool serves(std::string_view channel) const { return commands_.ready() && subscriber_.subscribed(channel); }
  /// @return whether of the two links only that for subscriptions was lost last, closed by Redis.
  bool was_cut_off() const { return commands_.ready() && commands_.generation() == cut_off_in_; }
  const redis::Endpoint& endpoint() const { return endpoint_; }
  EnvelopeDecoder& decoder() { return decoder_; }

  void on_ready(redis::Connection& connection) override;
  void on_down(redis::Connection& connection, const Error& why, unsigned attempt) override;
  void on_message(std::string_view channel, std::string_view payload) override;
  void on_oversized(std::string_view channel, uint64_t bytes) override;
  void on_subscribed(std::string_view channel) override;
  void on_subscriber_down(const Error& why, unsigned attempt) override;
  void on_subscriber_error(const Error& why) override;

 private:
  using Members = std::vector<HubMember*>;
  Members everyone() const;
  Members members_of(std::string_view channel) const;

  const redis::Endpoint endpoint_;
  const std::shared_ptr<redis::Sentinels> sentinels_;  // null: a single server
  std::map<std::string, Members, std::less<>> channels_;
  EnvelopeDecoder decoder_;
  redis::Connection commands_;
  redis::Subscriber subscriber_;
  bool subscriber_is_older_ = false;  // its link was there when that for commands was lost: perhaps to another server
  uint64_t cut_off_in_ = 0;           // commands_' generation; 0: in none
};

}  // namespace mas::sdk
