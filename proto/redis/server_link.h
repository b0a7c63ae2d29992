// A link to the server that an endpoint leads to: found, opened, greeted, lost, and made anew. What is sent over it and
// what its bytes mean is its listener's.
//
// Happy path: start() → the primary by sentinels, or the endpoint itself → stream, TLS → greeting → on_link_ready().
//
//     idle ──start──▶ connecting ──▶ greeting ──PONG──▶ ready
//                        ▲  │ failed     │ refused        │ lost, drop()
//                        │  ▼            ▼                ▼
//                      (wait) ◀──────── backing off ◀─────┘          stop() from anywhere ──▶ stopped
//
// Failure modes:
// - no server, no stream, no answer to the greeting within `connect_timeout`, a refusal: on_link_lost(), and the next
//   attempt after a jittered, capped exponential backoff, for ever, until stop();
// - the server is no primary, where one is wanted: the same; with Sentinel, the sentinels are told (reject());
// - sentinels name another primary: the link is dropped, and made anew at once;
// - Topology::kCluster: refused with kInvalidArgument by each attempt.
// A backoff begins at its base again after a link that was ready for `backoff_cap`, or that ended with kTooLarge, which
// says nothing about the link.
// Threading: one loop, its thread. Ownership: as the connection's; may be stopped or dropped in every callback.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "proto/base/backoff.h"
#include "proto/base/state_machine.h"
#include "proto/redis/connection.h"
#include "proto/redis/greeting.h"
#include "proto/redis/loop.h"
#include "proto/redis/sentinel/sentinels.h"
#include "proto/redis/transport.h"

namespace mas::redis {

class LinkListener {
 public:
  virtual ~LinkListener() = default;
  /// A stream is open; a greeting of so many bytes is written next. What was read of the last stream is void.
  virtual void on_link_open(size_t greeting_bytes) = 0;
  /// As TransportListener's. While greeting(), each reply in it is for ServerLink::greeted().
  virtual void on_link_bytes(std::span<char> bytes) = 0;
  virtual void on_link_ready() = 0;
  virtual void on_link_written() = 0;
  /// The link, or the attempt to get one, has failed, and the next attempt is planned. @param why with the address.
  virtual void on_link_lost(const Error& why) = 0;
};

class ServerLink final : public TransportListener, public SentinelLink {
 public:
  /// @param options with its sentinels, where it has some; they and the listener outlive the link.
  ServerLink(uv_loop_t* loop, const ConnectionOptions& options, LinkListener& listener);
  ~ServerLink() override;
  ServerLink(const ServerLink&) = delete;
  ServerLink& operator=(const ServerLink&) = delete;

  void start();
  /// Ends the link and every attempt, without a callback. Idempotent.
  void stop();
  /// The link, or the attempt to get one, fails with `why`. Without either, nothing is done.
  void drop(const Error& why);

  /// Takes the next reply of the greeting; on_link_ready() inside of the last one.
  /// @return the refusal for which the link is to be dropped.
  Status greeted(const Reply& reply);
  /// As Transport's; only when ready.
  void write(std::string& bytes) { transport_.write(bytes); }
  bool writing() const { return transport_.writing(); }
  size_t unwritten() const { return transport_.unwritten(); }

  LinkState state() const { return state_.get(); }
  bool ready() const { return state_.is(LinkState::kReady); }
  bool greeting() const { return state_.is(LinkState::kGreeting); }
  bool stopped() const { return state_.is(LinkState::kStopped); }
  /// Whether there is a stream to the server.
  bool is_open() const { return greeting() || ready(); }
  /// 0 before the first link; +1 with each ready one.
  uint64_t generation() const { return generation_; }
  /// Attempts that failed since the last reset of the backoff.
  unsigned attempts() const { return backoff_.attempts(); }
  /// Of the link, or of the last attempt.
  const Endpoint& server() const { return server_; }
  Error with_address(const Error& why) const { return why.in(server_.address()); }

  /// From the next link on: what follows HELLO is in RESP3, where a primary is wanted. Before start().
  void want_resp3() { hello_ = options_.primary_only ? Hello::kResp3 : Hello::kNone; }
  bool speaks_resp3() const { return hello_ == Hello::kResp3; }
  /// Whether the server can be asked for its role by HELLO.
  bool tells_role() const { return greeting_.tells_role(); }

 private:
  // TransportListener
  void on_open() override;
  void on_bytes(std::span<char> bytes) override { listener_.on_link_bytes(bytes); }
  void on_written() override { listener_.on_link_written(); }
  void on_lost(const Error& why) override { lost(why); }
  // SentinelLink
  void on_primary(const Found& found) override;
  void on_no_primary(const Error& why) override { lost(why); }
  void on_primary_moved(const Node& server) override;

  void connect();
  void became_ready();
  void lost(const Error& why);
  void leave_server();
  void reconnect_now();
  void on_timer();

  const ConnectionOptions& options_;
  LinkListener& listener_;
  StateMachine<LinkState> state_;
  Transport transport_;
  Greeting greeting_;
  Hello hello_;
  Backoff backoff_;
  Timer timer_;  // bounds connecting and greeting; then, the wait of a backoff
  Endpoint server_;
  std::optional<Found> found_;  // by sentinels: server_'s naming; none while they are asked
  MonoTime ready_since_{};
  uint64_t generation_ = 0;
};

}  // namespace mas::redis
