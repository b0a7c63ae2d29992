// The walk, and what each agent's script answers.
#include "daemons/gatewayd/agent_sweep.h"

#include <algorithm>
#include <utility>

#include "proto/base/ids.h"
#include "proto/wire/forget_agent.h"

namespace mas::gateway {
namespace {

constexpr Duration kRarest = std::chrono::hours(1);
constexpr Duration kOftenest = std::chrono::seconds(1);
constexpr int kWalksPerTime = 4;

}  // namespace

AgentSweep::AgentSweep(common::Frame& frame)
    : frame_(frame),
      scan_(frame.loop(), frame.redis(), *this),
      forget_(frame.redis(), frame.keys(), [this](const Result<ForgetState>& state) { on_forgotten(state); }),
      forgotten_(frame.metrics().counter("agents_forgotten_total",
                                         "Agents that stopped long ago and whose empty streams were removed.")) {}

void AgentSweep::look(bool mine, Duration kept, size_t partitions, MonoTime now) {
  if (!mine || kept == Duration::zero()) return stop();
  partitions_ = partitions;
  if (kept != kept_) next_ = now;
  kept_ = kept;
  if (now < next_ || !scan_.idle()) return;
  next_ = now + std::clamp(kept / kWalksPerTime, kOftenest, kRarest);
  gone_ = 0;
  seen_.clear();
  scan_.walk_keys(lane_scan_pattern(frame_.keys()), "stream", common::KeyScanOp::Pace::kGentle);
}

void AgentSweep::stop() {
  if (scan_.idle()) return;
  scan_.cancel();
  frame_.redis().forget(this);
  forget_.cancel();
  due_ = 0;
}

void AgentSweep::on_scan_page(const std::vector<std::string_view>& names) {
  std::vector<std::string_view> ids;
  for (std::string_view name : names)
    if (auto id = agent_id_of_lane(frame_.keys(), name); !id.empty()) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  if (on_cluster()) {
    ids_.clear();
    for (std::string_view id : ids)
      if (seen_.insert(fnv1a64(id)).second) ids_.emplace_back(id);
    return forget_next();
  }
  redis::Command command;
  for (std::string_view id : ids)
    command.add(redis::Command::of(forget_agent_words(frame_.keys(), id, {.gone = kept_})));
  due_ = ids.size();
  if (due_ == 0) return scan_.next();
  if (auto sent = frame_.redis().send(command, redis::reply_to<&AgentSweep::on_reply>(this)); !sent.ok()) {
    tell_failure(sent.error().message);
    due_ = 0;
    scan_.cancel();
  }
}

void AgentSweep::on_reply(uint64_t, const redis::Answer& answer) {
  if (!answer.ok()) {
    tell_failure(answer.error().message);
  } else if ((*answer)->is_error()) {
    tell_failure((*answer)->text);
  } else if ((*answer)->count == 3 && parse_forget_state((**answer)[0].text) == ForgetState::kForgotten) {
    count_gone();
  }
  if (due_ > 0 && --due_ == 0 && !scan_.idle()) scan_.next();
}

void AgentSweep::count_gone() {
  ++gone_;
  forgotten_.add();
}

void AgentSweep::forget_next() {
  if (ids_.empty()) return scan_.next();
  std::string id = std::move(ids_.back());
  ids_.pop_back();
  forget_.forget(std::move(id), static_cast<unsigned>(partitions_), kept_);
}

/// Redis has answered: a key of the agent is of another type, say. The walk goes on.
bool AgentSweep::is_of_one_agent(const Error& error) {
  switch (error.code) {
    case Errc::kConnectionLost:
    case Errc::kUnreachable:
    case Errc::kTimeout:
    case Errc::kCancelled:
    case Errc::kUnavailable:
      return false;
    default:
      return true;
  }
}

void AgentSweep::on_forgotten(const Result<ForgetState>& state) {
  if (!state.ok()) {
    tell_failure(state.error().message);
    return is_of_one_agent(state.error()) ? forget_next() : scan_.cancel();
  }
  if (*state == ForgetState::kForgotten) count_gone();
  forget_next();
}

void AgentSweep::on_scan_end(const Status& status) {
  if (!status.ok()) tell_failure(status.error().message);
  if (gone_ > 0) frame_.log().info("agents_forgotten", {{"agents", gone_}, {"kept_s", to_millis(kept_) / 1000}});
}

void AgentSweep::tell_failure(std::string_view why) {
  if (repeat_.should_log(why, mono_now())) frame_.log().warn("agents_not_forgotten", {{"why", printable(why, 200)}});
}

}  // namespace mas::gateway
