// The survey as an operation on Redis.
#include "daemons/gatewayd/ownership/survey.h"

#include <algorithm>

#include "proto/redis/bounded_answer.h"
#include "proto/wire/partitions.h"

namespace mas::gateway {
namespace {

using State = Survey::State;

constexpr auto kMoves = transitions<State>({{State::kIdle, State::kMembers},
                                            {State::kMembers, State::kDetails},
                                            {State::kMembers, State::kIdle},
                                            {State::kDetails, State::kIdle}});

// Replies of the first run, by their place in it.
constexpr uint64_t kConfig = 2;
constexpr uint64_t kDaemons = 3;

constexpr std::string_view kMemberPrefix = "gatewayd:";
constexpr size_t kInstanceDigits = 32;
constexpr redis::AnswerBounds kBounds{.text = 256};  // numbers, instances

}  // namespace

Survey::Survey(redis::Client& redis, const Keys& keys, Done done)
    : redis_(redis), keys_(keys), done_(std::move(done)), state_(State::kIdle, kMoves) {}

Survey::~Survey() { redis_.forget(this); }

void Survey::start() {
  if (!state_.is(State::kIdle)) return;
  candidates_.clear();
  view_ = {};
  redis::Command command("HSETNX", keys_.config(), "partitions", kDefaultPartitions);
  command.add("HSETNX", keys_.config(), "protocol", spoken_protocol());
  redis::add_bounded(command, {.text = kBounds.text, .refuse = true},
                     {"HMGET", keys_.config(), "partitions", "protocol"});
  redis::add_bounded(command, kBounds, {"SMEMBERS", keys_.daemons()});
  state_.to(State::kMembers);
  left_ = 2;  // that tell something
  auto status = redis_.scatter(command, redis::reply_to<&Survey::on_members>(this));
  if (!status) finish(status.error());
}

void Survey::cancel() {
  redis_.forget(this);
  if (!state_.is(State::kIdle)) state_.to(State::kIdle);
}

void Survey::on_members(uint64_t tag, const redis::Answer& answer) {
  if (!state_.is(State::kMembers) || tag < kConfig) return;  // HSETNX may be refused (OOM); HMGET tells what is there
  auto reply = redis::checked(answer);
  if (!reply) return finish(reply.error());
  if (tag == kConfig) {
    if (auto status = take_config(**reply); !status) return finish(status.error());
  } else if (tag == kDaemons) {
    take_members(**reply);
  }
  if (--left_ == 0) ask_details();
}

Status Survey::take_config(const redis::Reply& fields) {
  if (!fields.is_array() || fields.count != 2)
    return Error{Errc::kProtocol, "unexpected answer to HMGET; expected two values"};
  auto count = agreed_partitions(fields[0].text, fields[1].text, "this gateway");
  if (!count) return Error{Errc::kRefused, count.error().message};
  view_.owners.resize(*count);
  return {};
}

void Survey::take_members(const redis::Reply& members) {
  for (const auto& member : members) {
    if (!member.is_text() || !member.text.starts_with(kMemberPrefix)) continue;
    auto instance = member.text.substr(kMemberPrefix.size());
    if (instance.size() == kInstanceDigits && candidates_.size() < kMaxGateways) candidates_.emplace_back(instance);
  }
}

void Survey::ask_details() {
  redis::Command command;
  for (const auto& instance : candidates_) command.add("EXISTS", keys_.daemon("gatewayd", instance));
  for (unsigned p = 0; p < view_.owners.size(); ++p)
    redis::add_bounded(command, kBounds, {"GET", keys_.partition_lease(p)});
  state_.to(State::kDetails);
  alive_.assign(candidates_.size(), false);
  left_ = command.count();
  auto status = redis_.scatter(command, redis::reply_to<&Survey::on_details>(this));
  if (!status) finish(status.error());
}

void Survey::on_details(uint64_t tag, const redis::Answer& answer) {
  if (!state_.is(State::kDetails)) return;
  auto reply = redis::checked(answer);
  if (!reply) return finish(reply.error());
  size_t gateways = candidates_.size();
  if (tag < gateways)
    alive_[tag] = (*reply)->integer == 1;
  else
    view_.owners[tag - gateways] = (*reply)->text;
  if (--left_ > 0) return;
  for (size_t i = 0; i < gateways; ++i)
    if (alive_[i]) view_.gateways.push_back(candidates_[i]);
  finish(std::move(view_));
}

/// After a failure nobody hears the other answers.
void Survey::finish(const Result<View>& result) {
  redis_.forget(this);
  state_.to(State::kIdle);
  done_(result);
}

}  // namespace mas::gateway
