// The question to Redis, and what its answer means.
#include "daemons/common/protocol_watch.h"

#include <utility>

#include "proto/redis/bounded_answer.h"
#include "proto/wire/partitions.h"

namespace mas::common {
namespace {

constexpr Duration kPeriod = std::chrono::seconds(2);
constexpr redis::AnswerBounds kBounds{.text = 64, .refuse = true};

}  // namespace

ProtocolWatch::ProtocolWatch(Frame& frame, std::string reader, std::function<void()> answered)
    : frame_(frame),
      reader_(std::move(reader)),
      answered_(std::move(answered)),
      timer_(frame.loop(), [this] { ask(); }) {}

void ProtocolWatch::start() {
  timer_.every(kPeriod);
  ask();
}

void ProtocolWatch::ask() {
  if (!frame_.redis_up()) return;
  const std::string key = frame_.keys().config();
  // A link that fails now asks again when Redis is up.
  static_cast<void>(frame_.redis().send(redis::bounded(kBounds, {"HGET", key, "protocol"}),
                                        redis::reply_to<&ProtocolWatch::on_answer>(this)));
}

void ProtocolWatch::on_answer(uint64_t, const redis::Answer& answer) {
  if (!answer) return;
  const redis::Reply& reply = **answer;
  if (reply.is_error()) return take(obstacle_);
  if (!reply.is_text()) return take({});  // neither gateways nor agents in gateway mode have been here
  const auto status = check_protocol(reply.text, reader_);
  take(status ? std::string() : status.error().message);
}

void ProtocolWatch::take(std::string obstacle) {
  if (!obstacle.empty() && obstacle != obstacle_) frame_.log().error("config_refused", {{"why", obstacle}});
  known_ = true;
  obstacle_ = std::move(obstacle);
  answered_();
}

}  // namespace mas::common
