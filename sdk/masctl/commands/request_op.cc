// The steps of a request.
#include "sdk/masctl/commands/request_op.h"

#include "proto/redis/sentinel/sentinels.h"
#include "proto/wire/error_reply.h"
#include "proto/wire/limits.h"
#include "sdk/masctl/cli/text.h"
#include "sdk/masctl/redis/attempts.h"

namespace mas::ctl {

Result<RequestReply> RequestOp::run(const Settings& settings, const std::string& requester, const std::string& target,
                                    const Outgoing& request) {
  auto loop = OwnLoop::make();
  if (!loop.ok()) return loop.error();
  return RequestOp(settings, requester, target, request, std::move(*loop)).run();
}

RequestOp::RequestOp(const Settings& settings, const std::string& requester, const std::string& target,
                     const Outgoing& request, std::unique_ptr<OwnLoop> loop)
    : loop_(std::move(loop)),
      target_(target),
      channel_(settings.keys.channel(requester)),
      target_channel_(settings.keys.channel(target)),
      request_(request),
      endpoint_(settings.endpoint),
      timeout_(settings.timeout) {
  redis::ConnectionOptions options;
  options.primary_only = settings.endpoint.topology != redis::Topology::kCluster;
  options.endpoint = settings.endpoint;
  options.client_name = "masctl";
  options.sentinels = redis::sentinels_of(loop_->get(), options.endpoint, options.client_name);
  options.connect_timeout = timeout_;
  options.command_timeout = timeout_;
  commands_ = std::make_unique<redis::Client>(loop_->get(), options, this, this);
  if (redis::ClusterLink* cluster = commands_->cluster())
    channels_ = std::make_unique<redis::ClusterSubscriber>(loop_->get(), *cluster, *this, limits::kMaxEnvelopeBytes);
  else
    subscriber_ = std::make_unique<redis::Subscriber>(loop_->get(), options, *this, limits::kMaxEnvelopeBytes);
  deadline_ = std::make_unique<redis::Timer>(loop_->get(), [this] { on_timeout(); });
}

RequestOp::~RequestOp() {
  channels_.reset();
  if (subscriber_) subscriber_->stop();
  commands_->stop();
}

Result<RequestReply> RequestOp::run() {
  if (channels_) {
    channels_->subscribe(channel_);
  } else {
    subscriber_->subscribe(channel_);
    subscriber_->start();
  }
  commands_->start();
  deadline_->once(timeout_);
  while (!state_.is(State::kDone)) uv_run(loop_->get(), UV_RUN_ONCE);
  return std::move(*result_);
}

void RequestOp::send_request() {
  if (!state_.is(State::kSubscribing)) return;
  no_link_.reset();
  state_.to(State::kSending);
  Status sent = commands_->send(redis::Command(on_cluster() ? "SPUBLISH" : "PUBLISH", target_channel_, request_.json),
                                redis::reply_to<&RequestOp::on_published>(this));
  if (!sent.ok()) finish(sent.error());
}

void RequestOp::on_published(uint64_t, const redis::Answer& answer) {
  if (!state_.is(State::kSending)) return;
  auto receivers = redis::checked(answer);
  if (!receivers.ok()) return finish(receivers.error());
  receivers_ = (*receivers)->integer;
  if (receivers_ == 0) return finish(Error{Errc::kNoReceiver, "nobody listens"});
  state_.to(State::kWaiting);
  if (refused_by_all()) finish(*refusal_);
}

void RequestOp::on_message(std::string_view, std::string_view payload) {
  if (!state_.is(State::kSending) && !state_.is(State::kWaiting)) return;
  auto envelope = decoder_.decode(payload, limits::kMaxEnvelopeBytes);
  // Others may write to this agent meanwhile: whatever is not the answer is not for us.
  if (!envelope.ok() || !envelope->meta.is_reply) return;
  if (envelope->meta.correlation_id != request_.correlation_id) return;
  if (const EnvelopeError& error = envelope->meta.error; !error.code.empty()) {
    ++refusals_;
    if (!refusal_) refusal_ = error_of_reply(target_, error.code, error.message);
    if (refused_by_all()) finish(*refusal_);
    return;
  }
  finish(RequestReply{std::string(envelope->data), std::string(envelope->raw)});
}

void RequestOp::on_subscriber_down(const Error& why, unsigned) { on_no_link(why, state_.is(State::kSubscribing)); }

void RequestOp::on_down(redis::Connection&, const Error& why, unsigned) {
  on_no_link(why, state_.is(State::kSubscribing) || nothing_sent());
}

void RequestOp::on_no_link(const Error& why, bool may_wait) {
  if (!may_wait || !next_attempt_may_succeed(endpoint_, why)) return finish(why);
  no_link_ = why;
}

/// With a map, what is asked has its own time; without one, each node may be asked within the time-out.
void RequestOp::on_map_trouble(const Error& why) {
  if (!commands_->cluster()->map().empty()) return;
  if (!errc_retriable(why.code)) return finish(why);
  no_link_ = why;
}

void RequestOp::on_timeout() {
  if (no_link_ && (state_.is(State::kSubscribing) || nothing_sent())) return finish(*no_link_);
  if (refusal_) return finish(*refusal_);
  if (!state_.is(State::kWaiting)) return finish(Error{Errc::kTimeout, "Redis did not accept the request in time"});
  const std::string silent = "'" + visible(target_) + "' did not answer in time";
  if (!no_link_) return finish(Error{Errc::kTimeout, silent});
  finish(Error{Errc::kTimeout, silent + ", or its answer was lost with the channel: " + no_link_->message});
}

void RequestOp::finish(Result<RequestReply> result) {
  if (state_.is(State::kDone)) return;
  state_.to(State::kDone);
  result_ = std::move(result);
}

}  // namespace mas::ctl
