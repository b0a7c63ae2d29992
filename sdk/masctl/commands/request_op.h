// One request: subscribe to the requester's channel, publish, wait for the answer with the same correlation id.
//
//   kSubscribing ──confirmed──▶ kSending ──somebody listens──▶ kWaiting ──answer──▶ kDone
//        └──────────────┬───────────┴───────────────┬─────────────┘
//                       └── failed, timed out ──────┴───▶ kDone
//
// An answer may come before the reply to PUBLISH: it is taken in kSending, too.
// On a cluster both channels are sharded, each at the primary of its own slot. A channel that is lost because its slot
// moves is heard again; an answer that came between is lost, and the time-out says so.
// Failure: kNoMemory without a descriptor for a loop; kNoReceiver at once when nobody listens; kTimeout; what the
// connections say.
// Threading: one thread, which runs the loop inside run().
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "proto/base/state_machine.h"
#include "proto/redis/client.h"
#include "proto/redis/cluster/cluster_subscriber.h"
#include "proto/redis/loop.h"
#include "proto/redis/subscriber.h"
#include "proto/wire/envelope.h"
#include "sdk/masctl/cli/globals.h"
#include "sdk/masctl/commands/outgoing.h"
#include "sdk/masctl/redis/own_loop.h"

namespace mas::ctl {

struct RequestReply {
  std::string data;
  std::string envelope;
};

class RequestOp final : public redis::SubscriberListener,
                        public redis::ConnectionListener,
                        public redis::ChannelListener,
                        public redis::ClusterListener {
 public:
  /// Runs to the end.
  static Result<RequestReply> run(const Settings& settings, const std::string& requester, const std::string& target,
                                  const Outgoing& request);

  ~RequestOp() override;

 private:
  RequestOp(const Settings& settings, const std::string& requester, const std::string& target, const Outgoing& request,
            std::unique_ptr<OwnLoop> loop);
  Result<RequestReply> run();

  enum class State : uint8_t { kSubscribing, kSending, kWaiting, kDone };
  static constexpr TransitionTable kMoves = transitions<State>({{State::kSubscribing, State::kSending},
                                                                {State::kSubscribing, State::kDone},
                                                                {State::kSending, State::kWaiting},
                                                                {State::kSending, State::kDone},
                                                                {State::kWaiting, State::kDone}});

  // Of both kinds of subscribers
  void on_message(std::string_view channel, std::string_view payload) override;
  void on_oversized(std::string_view, uint64_t) override {}  // not the answer, which is an envelope
  void on_subscriber_error(const Error& why) override { finish(why); }
  // Of one server
  void on_subscribed(std::string_view) override { send_request(); }
  void on_subscriber_down(const Error& why, unsigned) override;
  void on_ready(redis::Connection&) override {}
  void on_down(redis::Connection&, const Error& why, unsigned) override;
  // Of a cluster
  void on_channel_heard(std::string_view) override { send_request(); }
  void on_channel_lost(std::string_view, const Error& why) override { no_link_ = why; }
  void on_channel_refused(std::string_view, const Error& why) override { finish(why); }
  void on_map(const redis::SlotMap&) override { channels_->on_map(); }
  void on_node_ready(const redis::Node&, bool) override {}
  void on_node_down(const redis::Node&, const Error&, unsigned) override {}  // what waits for it is told
  void on_map_trouble(const Error& why) override;

  bool on_cluster() const { return commands_->cluster() != nullptr; }
  void send_request();
  /// @param may_wait whether the request loses nothing by another attempt to connect.
  void on_no_link(const Error& why, bool may_wait);
  /// The connection has had no link yet: what was published waits for the first one.
  bool nothing_sent() const { return !on_cluster() && commands_->connection()->generation() == 0; }
  void on_published(uint64_t tag, const redis::Answer& answer);
  void on_timeout();
  bool refused_by_all() const { return refusal_ && receivers_ > 0 && refusals_ >= receivers_; }
  void finish(Result<RequestReply> result);

  std::unique_ptr<OwnLoop> loop_;
  std::string target_;
  std::string channel_;         // where the answer comes
  std::string target_channel_;  // where the request goes
  const Outgoing& request_;
  const redis::Endpoint& endpoint_;
  Duration timeout_;
  std::unique_ptr<redis::Client> commands_;
  std::unique_ptr<redis::Subscriber> subscriber_;       // of one server
  std::unique_ptr<redis::ClusterSubscriber> channels_;  // of a cluster
  std::unique_ptr<redis::Timer> deadline_;
  EnvelopeDecoder decoder_;
  int64_t receivers_ = 0;         // of the request; 0: not known
  int64_t refusals_ = 0;          // error replies
  std::optional<Error> refusal_;  // the first of them
  std::optional<Error> no_link_;  // why the last attempt to connect failed, or the channel was lost
  std::optional<Result<RequestReply>> result_;
  StateMachine<State> state_{State::kSubscribing, kMoves};
};

}  // namespace mas::ctl
