// One step after the other.
#include "sdk/src/agent/registering.h"

#include <utility>

#include "sdk/src/agent/state_load_op.h"

namespace mas::sdk {

void Registering::begin() {
  state_.to(State::kPreparing);
  auto prepared = [this](const Status& status) {
    if (may_go_on(status)) listen();
  };
  auto op = agent_.mode->prepare(prepared);
  if (op == nullptr) return listen();
  run(std::move(op));
}

bool Registering::fail(const Error& why) {
  if (op_ == nullptr) return false;
  op_->cancel(why);
  return true;
}

void Registering::abandon(const Error& why) {
  if (!state_.is(State::kIdle)) state_.to(State::kIdle);
  if (op_ != nullptr) op_->cancel(why);
}

void Registering::run(std::unique_ptr<Op> op) {
  op_ = op.get();
  host_.run(std::move(op));
}

/// @param status of a step. @return whether the next one may begin.
bool Registering::may_go_on(const Status& status) {
  op_ = nullptr;
  if (state_.is(State::kIdle)) return false;  // abandoned
  if (!status) end(status.error());
  return status.ok();
}

void Registering::listen() {
  state_.to(State::kListening);
  agent_.mode->listen([this](const Status& status) {
    if (may_go_on(status)) load_state();
  });
}

void Registering::load_state() {
  if (occasion_ != RegisterOp::Occasion::kStart) return write_entry();
  state_.to(State::kLoading);
  auto loaded = [this](const Status& status) {
    if (may_go_on(status)) write_entry();
  };
  run(std::make_unique<StateLoadOp>(host_, loaded));
}

void Registering::write_entry() {
  state_.to(State::kWriting);
  claimed_ = true;
  sent_at_ = mono_now();
  auto registered = [this](const Result<Secret>& token) {
    if (may_go_on(token ? Status() : token.error())) end(token);
  };
  run(std::make_unique<RegisterOp>(host_, occasion_, registered));
}

void Registering::end(const Result<Secret>& token) {
  state_.to(State::kIdle);
  if (token) occasion_ = RegisterOp::Occasion::kAgain;
  done_(token);
}

}  // namespace mas::sdk
