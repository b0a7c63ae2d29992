// One request: subscribe to the requester's channel, publish, wait for the answer with the same correlation id.
//
//   kSubscribing ──confirmed──▶ kSending ──somebody listens──▶ kWaiting ──answer──▶ kDone
//        └──────────────┬───────────┴───────────────┬─────────────┘
//                       └── failed, timed out ──────┴───▶ kDone
//
// An answer may come before the reply to PUBLISH: it is taken in kSending, too.
// Failure: kNoMemory without a descriptor for a loop; kNoReceiver at once when nobody listens; kTimeout; what the
// connections say.
// Threading: one thread, which runs the loop inside run().
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "proto/base/state_machine.h"
#include "proto/redis/connection.h"
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

class RequestOp final : public redis::SubscriberListener, public redis::ConnectionListener {
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

  void on_message(std::string_view channel, std::string_view payload) override;
  void on_oversized(std::string_view, uint64_t) override {}  // not the answer, which is an envelope
  void on_subscribed(std::string_view channel) override;
  void on_subscriber_down(const Error& why, unsigned) override;
  void on_subscriber_error(const Error& why) override { finish(why); }
  void on_ready(redis::Connection&) override {}
  void on_down(redis::Connection&, const Error& why, unsigned) override;
  /// @param may_wait whether the request loses nothing by another attempt to connect.
  void on_no_link(const Error& why, bool may_wait);
  /// The connection has had no link yet: what was published waits for the first one.
  bool nothing_sent() const { return commands_->generation() == 0; }
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
  std::unique_ptr<redis::Subscriber> subscriber_;
  std::unique_ptr<redis::Connection> commands_;
  std::unique_ptr<redis::Timer> deadline_;
  EnvelopeDecoder decoder_;
  int64_t receivers_ = 0;         // of the request; 0: not known
  int64_t refusals_ = 0;          // error replies
  std::optional<Error> refusal_;  // the first of them
  std::optional<Error> no_link_;  // why the last attempt to connect failed
  std::optional<Result<RequestReply>> result_;
  StateMachine<State> state_{State::kSubscribing, kMoves};
};

}  // namespace mas::ctl
