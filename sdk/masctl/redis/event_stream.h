// Follows the channel mas.system until Ctrl-C or SIGTERM.
//
// Happy path: run() subscribes and hands every event on.
// Failure: no descriptor for a loop, or Redis not there within the time-out, is the error of run(). A link lost later
// is a remark; what happened meanwhile is lost, and the stream goes on when it is back.
// Threading: one thread. Ownership: the sink outlives run().
#pragma once

#include <uv.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto/redis/loop.h"
#include "proto/redis/subscriber.h"
#include "proto/wire/events.h"
#include "sdk/masctl/redis/own_loop.h"
#include "sdk/masctl/redis/settings.h"

namespace mas::ctl {

class EventSink {
 public:
  virtual ~EventSink() = default;
  /// @param raw the event as it was published, valid JSON.
  /// @return false to end the stream.
  virtual bool on_event(const Event& event, std::string_view raw) = 0;
  /// Something that a person should know of the stream itself.
  virtual void on_remark(const std::string& text) = 0;
};

class EventStream final : public redis::SubscriberListener {
 public:
  /// @return success when interrupted or ended by the sink.
  static Status run(const Settings& settings, EventSink& sink);

  ~EventStream() override;

 private:
  EventStream(const Settings& settings, EventSink& sink, std::unique_ptr<OwnLoop> loop);
  Status run();
  void on_message(std::string_view channel, std::string_view payload) override;
  void on_oversized(std::string_view channel, uint64_t bytes) override;
  void on_subscribed(std::string_view channel) override;
  void on_subscriber_down(const Error& why, unsigned attempt) override;
  void on_subscriber_error(const Error& why) override;
  void on_timeout();
  void watch_signal(uv_signal_t& handle, int number);
  void end() { ended_ = true; }

  std::unique_ptr<OwnLoop> loop_;
  EventSink& sink_;
  std::string channel_;
  Duration timeout_;
  uv_signal_t interrupt_;
  uv_signal_t terminate_;
  std::unique_ptr<redis::Subscriber> subscriber_;
  std::unique_ptr<redis::Timer> deadline_;
  const redis::Endpoint& endpoint_;
  std::optional<Error> failure_;
  bool heard_ = false;  // Redis confirmed the subscription at least once
  bool down_ = false;
  bool ended_ = false;
};

}  // namespace mas::ctl
