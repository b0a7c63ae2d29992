// A subscriber, two signals and a deadline for the first confirmation.
#include "sdk/masctl/redis/event_stream.h"

#include <csignal>

#include "proto/redis/sentinel/sentinels.h"
#include "proto/wire/limits.h"
#include "sdk/masctl/redis/attempts.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

namespace {

/// Events reach the subscribers of every node, so one node is enough. @return settings that lead to it.
Result<Settings> node_of_cluster(const Settings& settings) {
  SyncRedis cluster(settings);
  auto primaries = cluster.primaries();
  if (!primaries.ok()) return primaries.error();
  Settings one = settings;
  one.endpoint.topology = redis::Topology::kSingle;
  one.endpoint.host = primaries->front().host;
  one.endpoint.port = primaries->front().port;
  return one;
}

}  // namespace

Status EventStream::run(const Settings& settings, EventSink& sink) {
  auto loop = OwnLoop::make();
  if (!loop.ok()) return loop.error();
  if (settings.endpoint.topology == redis::Topology::kCluster) {
    auto node = node_of_cluster(settings);
    if (!node.ok()) return node.error();
    return EventStream(*node, sink, std::move(*loop)).run();
  }
  return EventStream(settings, sink, std::move(*loop)).run();
}

EventStream::EventStream(const Settings& settings, EventSink& sink, std::unique_ptr<OwnLoop> loop)
    : loop_(std::move(loop)),
      sink_(sink),
      channel_(settings.keys.system_channel()),
      timeout_(settings.timeout),
      endpoint_(settings.endpoint) {
  watch_signal(interrupt_, SIGINT);
  watch_signal(terminate_, SIGTERM);
  redis::ConnectionOptions options;
  options.primary_only = true;
  options.endpoint = settings.endpoint;
  options.client_name = "masctl-events";
  options.sentinels = redis::sentinels_of(loop_->get(), options.endpoint, options.client_name);
  if (options.sentinels != nullptr) options.sentinels->watch();
  options.connect_timeout = settings.timeout;
  subscriber_ = std::make_unique<redis::Subscriber>(loop_->get(), options, *this, limits::kEventBytes);
  deadline_ = std::make_unique<redis::Timer>(loop_->get(), [this] { on_timeout(); });
}

EventStream::~EventStream() {
  subscriber_->stop();
  subscriber_.reset();
  deadline_.reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&interrupt_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&terminate_), nullptr);
  loop_.reset();  // while the handles are there
}

void EventStream::watch_signal(uv_signal_t& handle, int number) {
  uv_signal_init(loop_->get(), &handle);
  handle.data = this;
  uv_signal_start(
      &handle, [](uv_signal_t* h, int) { static_cast<EventStream*>(h->data)->end(); }, number);
}

Status EventStream::run() {
  subscriber_->subscribe(channel_);
  subscriber_->start();
  deadline_->once(timeout_);
  while (!ended_) uv_run(loop_->get(), UV_RUN_ONCE);
  return failure_ ? Status(*failure_) : Status();
}

void EventStream::on_message(std::string_view, std::string_view payload) {
  auto event = decode_event(payload);
  if (!event.ok()) {
    sink_.on_remark("skipped a text on " + channel_ + " that is not an event: " + event.error().message);
    return;
  }
  if (!sink_.on_event(*event, payload)) end();
}

void EventStream::on_oversized(std::string_view, uint64_t bytes) {
  sink_.on_remark("skipped a text on " + channel_ + " of " + std::to_string(bytes) + " bytes; an event has at most " +
                  std::to_string(limits::kEventBytes));
}

void EventStream::on_subscribed(std::string_view) {
  if (down_) sink_.on_remark("connected again; events in between were missed");
  heard_ = true;
  down_ = false;
  failure_.reset();
  deadline_->stop();
}

void EventStream::on_subscriber_down(const Error& why, unsigned) {
  if (!heard_) {
    failure_ = why;
    if (!next_attempt_may_succeed(endpoint_, why)) end();
  } else if (!down_) {
    sink_.on_remark("connection lost (" + why.message + "); reconnecting");
    down_ = true;
  }
}

void EventStream::on_subscriber_error(const Error& why) {
  failure_ = why;
  end();
}

void EventStream::on_timeout() {
  if (!failure_) failure_ = Error{Errc::kTimeout, "Redis did not confirm the subscription to " + channel_};
  end();
}

}  // namespace mas::ctl
