// SADD and SREM in one run.
#include "daemons/registryd/index_write_op.h"

namespace mas::registry {

namespace {
constexpr auto kMoves = transitions<IndexWriteOp::State>({{IndexWriteOp::State::kIdle, IndexWriteOp::State::kWriting},
                                                          {IndexWriteOp::State::kWriting, IndexWriteOp::State::kIdle}});
}

IndexWriteOp::IndexWriteOp(redis::Client& redis, const Keys& keys, std::function<void(const Status&)> done)
    : redis_(redis), keys_(keys), done_(std::move(done)), state_(State::kIdle, kMoves) {}

Status IndexWriteOp::start(const IndexWrites& writes) {
  batch_ = redis::Command();
  targets_.clear();
  answered_ = 0;
  status_ = Status();
  for (const auto& [capability, write] : writes) {
    std::string key = capability.empty() ? keys_.agents_index() : keys_.capability_index(capability);
    add("SADD", key, write.add);
    add("SREM", key, write.remove);
  }
  Status sent = redis_.scatter(batch_, redis::reply_to<&IndexWriteOp::on_answer>(this));
  if (!sent.ok()) return sent;
  state_.to(State::kWriting);
  commands_ += batch_.count();
  return {};
}

void IndexWriteOp::add(std::string_view command, const std::string& key, const std::vector<std::string>& members) {
  if (members.empty()) return;
  std::vector<std::string_view> arguments = {command, key};
  arguments.insert(arguments.end(), members.begin(), members.end());
  batch_.add(redis::Command::of(std::span<const std::string_view>(arguments)));
  targets_.push_back(key);
}

void IndexWriteOp::on_answer(uint64_t tag, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (!reply.ok() && status_.ok()) status_ = reply.error().in("write of " + targets_[tag]);
  bool wrong_type = answer.ok() && (*answer)->error_code() == "WRONGTYPE";
  if (wrong_type) (void)redis_.send(redis::Command("DEL", targets_[tag]), {});
  if (++answered_ < targets_.size()) return;
  state_.to(State::kIdle);
  done_(status_);
}

}  // namespace mas::registry
