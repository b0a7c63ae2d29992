// The steps, and what becomes of the answers.
#include "daemons/gatewayd/forget_op.h"

#include <utility>

#include "proto/base/ids.h"

namespace mas::gateway {
namespace {

using State = ForgetOp::State;

constexpr auto kMoves = transitions<State>({{State::kIdle, State::kAgent},
                                            {State::kAgent, State::kLanes},
                                            {State::kAgent, State::kIdle},
                                            {State::kLanes, State::kOthers},
                                            {State::kLanes, State::kFirst},
                                            {State::kLanes, State::kIdle},
                                            {State::kOthers, State::kFirst},
                                            {State::kOthers, State::kIdle},
                                            {State::kFirst, State::kIdle}});

Result<ForgetAnswer> answer_of(const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (!reply) return reply.error();
  auto state = (*reply)->count == 3 ? parse_forget_state((**reply)[0].text) : std::nullopt;
  if (!state) return Error{Errc::kProtocol, "unexpected answer of the script that forgets agents"};
  return ForgetAnswer{*state, (**reply)[1].integer, (**reply)[2].integer};
}

}  // namespace

ForgetOp::ForgetOp(redis::Client& redis, const Keys& keys, Done done)
    : redis_(redis), keys_(keys), done_(std::move(done)), state_(State::kIdle, kMoves) {}

void ForgetOp::forget(std::string id, unsigned partitions, Duration kept) {
  if (!state_.is(State::kIdle)) return;
  id_ = std::move(id);
  partitions_ = partitions;
  kept_ = kept;
  looked_ = mono_now();
  parts_ = {};
  send(State::kAgent, redis::Command::of(agent_presence_words(keys_, id_)));
}

void ForgetOp::cancel() {
  redis_.forget(this);
  if (!state_.is(State::kIdle)) state_.to(State::kIdle);
}

/// @param to without it.
void ForgetOp::ask_lanes(State state, unsigned from, unsigned to) {
  redis::Command command;
  const ForgetOptions options{.gone = kept_, .dry_run = state == State::kLanes};
  for (unsigned p = from; p < to; ++p) command.add(redis::Command::of(forget_lanes_words(keys_, id_, p, options)));
  send(state, command);
}

void ForgetOp::send(State state, const redis::Command& command) {
  state_.to(state);
  due_ = command.count();
  auto sent = redis_.scatter(command, redis::reply_to<&ForgetOp::on_reply>(this));
  if (!sent) finish(sent.error());
}

void ForgetOp::on_reply(uint64_t, const redis::Answer& reply) {
  if (state_.is(State::kIdle)) return;
  auto answer = answer_of(reply);
  if (!answer) return finish(answer.error());
  state_.is(State::kAgent) ? parts_.add_presence(*answer) : parts_.add_lanes(*answer);
  if (--due_ == 0) advance();
}

void ForgetOp::advance() {
  const ForgetState found = parts_.whole().state;
  switch (state_.get()) {
    case State::kAgent:
      if (parts_.presence() != ForgetState::kNone) return finish(parts_.presence());
      return ask_lanes(State::kLanes, 0, partitions_);
    case State::kLanes:
      if (found != ForgetState::kWould) return finish(found);
      if (too_late()) return;
      parts_ = {};
      if (partitions_ > 1) return ask_lanes(State::kOthers, 1, partitions_);
      return ask_lanes(State::kFirst, 0, 1);
    case State::kOthers:
      if (found != ForgetState::kForgotten && found != ForgetState::kNone) return finish(found);
      if (too_late()) return;
      return ask_lanes(State::kFirst, 0, 1);
    case State::kFirst:
    case State::kIdle:
      return finish(found);
  }
}

/// @return whether it ended so: the agent may have come since the look.
bool ForgetOp::too_late() {
  if (mono_now() - looked_ <= kForgetWithin) return false;
  finish(Error{Errc::kTimeout, "the look at agent '" + printable(id_) + "' took too long"});
  return true;
}

void ForgetOp::finish(const Result<ForgetState>& result) {
  redis_.forget(this);
  state_.to(State::kIdle);
  done_(result);
}

}  // namespace mas::gateway
