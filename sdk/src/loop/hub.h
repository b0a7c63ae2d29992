// The connections that all agents of the process with the same Redis and the same user share.
//
// Happy path: a session joins with its channel; it is told when commands can be sent, when its channel is confirmed,
// and of every payload on it.
// Failure: a loss is told to every member that it concerns; connections come back by themselves and members are told
// again. A server that was demoted may close none of its connections: that for subscriptions asks for its role, when it
// is lost that for commands asks, and when that is made anew, so is the one for subscriptions. With Sentinel both are
// told where the primary is.
//
//   server_hub.h    one server: two connections, a loss concerns everybody
//   cluster_hub.h   a cluster: two connections to each primary that is needed; a member has a home, the primary of its
//                   channel's slot, and a loss concerns those whose home it is
//
// Threading: the I/O thread. Ownership: shared by the sessions that joined; the last one must let go outside the
// callbacks of this class (see Session), since that ends the connections.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/redis/client.h"
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

class Hub {
 public:
  /// @return the connections to `endpoint`, not started.
  static std::shared_ptr<Hub> make(Runtime& runtime, const redis::Endpoint& endpoint, const std::string& client_name);
  virtual ~Hub() = default;
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  virtual void start() = 0;
  void join(HubMember& member, const std::string& channel);
  /// @param channel the one that the member joined with.
  void leave(HubMember& member, std::string_view channel);

  redis::Client& commands() { return commands_; }
  /// @return whether a member with that channel can send commands.
  virtual bool reaches(std::string_view channel) const = 0;
  /// @return whether it can also hear the channel.
  virtual bool serves(std::string_view channel) const = 0;
  /// @return whether of the two links only that for subscriptions was lost last, closed by Redis.
  virtual bool was_cut_off() const { return false; }
  const redis::Endpoint& endpoint() const { return endpoint_; }
  EnvelopeDecoder& decoder() { return decoder_; }

 protected:
  using Members = std::vector<HubMember*>;

  Hub(const redis::Endpoint& endpoint, redis::ConnectionOptions options, uv_loop_t* loop,
      redis::ConnectionListener* one, redis::ClusterListener* many);

  static redis::ConnectionOptions options_for(const redis::Endpoint& endpoint, const std::string& client_name);
  /// Copies: a member may leave while it is told.
  Members everyone() const;
  Members members_of(std::string_view channel) const;
  const std::map<std::string, Members, std::less<>>& channels() const { return channels_; }
  void deliver(std::string_view channel, std::string_view payload);
  void leave_out(std::string_view channel, uint64_t bytes);

 private:
  virtual void hear(const std::string& channel, size_t max_payload) = 0;
  virtual void stop_hearing(std::string_view channel) = 0;

  const redis::Endpoint endpoint_;
  std::map<std::string, Members, std::less<>> channels_;
  EnvelopeDecoder decoder_;
  redis::Client commands_;
};

}  // namespace mas::sdk
