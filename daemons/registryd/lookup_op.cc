// HMGET of many entries, then the writes that follow.
#include "daemons/registryd/lookup_op.h"

#include <optional>

namespace mas::registry {

namespace {

using State = LookupOp::State;
constexpr auto kMoves = transitions<State>({{State::kIdle, State::kReading},
                                            {State::kReading, State::kWriting},
                                            {State::kReading, State::kIdle},
                                            {State::kWriting, State::kIdle}});

redis::Command read_entry(const std::string& key) {
  std::vector<std::string_view> arguments = {"HMGET", key};
  arguments.insert(arguments.end(), std::begin(kAgentEntryFields), std::end(kAgentEntryFields));
  return redis::Command::of(std::span<const std::string_view>(arguments));
}

// A key of another type under the name of an entry is no entry.
Result<AgentEntry> entry_of(std::string_view id, const redis::Reply& reply) {
  if (!reply.is_array()) return Error{Errc::kNotFound, "not a hash"};
  std::vector<std::optional<std::string_view>> values;
  for (const redis::Reply& value : reply) values.push_back(value.is_text() ? std::optional(value.text) : std::nullopt);
  return agent_entry_from_values(id, values);
}

}  // namespace

LookupOp::LookupOp(redis::Connection& redis, const Keys& keys, Registry& registry, LookupListener& listener)
    : redis_(redis),
      keys_(keys),
      registry_(registry),
      listener_(listener),
      state_(State::kIdle, kMoves),
      writer_(redis, keys, [this](const Status& status) { finish(status); }) {}

Status LookupOp::start(std::vector<std::string> ids, bool assert_all) {
  redis::Command batch;
  for (const std::string& id : ids) batch.add(read_entry(keys_.agent(id)));
  Status sent = redis_.send(batch, redis::reply_to<&LookupOp::on_entry>(this));
  if (!sent.ok()) return sent;
  ids_ = std::move(ids);
  assert_all_ = assert_all;
  answered_ = 0;
  writes_.clear();
  status_ = Status();
  state_.to(State::kReading);
  return {};
}

void LookupOp::on_entry(uint64_t tag, const redis::Answer& answer) {
  bool wrong_type = answer.ok() && (*answer)->error_code() == "WRONGTYPE";
  auto reply = wrong_type ? answer : redis::checked(answer);
  if (reply.ok()) {
    see(ids_[tag], **reply);
  } else if (status_.ok()) {
    status_ = reply.error().in("look at agent entries");
  }
  if (++answered_ == ids_.size()) write();
}

void LookupOp::see(std::string_view id, const redis::Reply& reply) {
  Result<AgentEntry> entry = entry_of(id, reply);
  switch (registry_.observe(id, entry, assert_all_, writes_)) {
    case Observed::kIndexed:
    case Observed::kGone:
      break;
    case Observed::kInvalid:
      listener_.on_not_indexed(id, entry.error().message);
      break;
    case Observed::kOverfull:
      listener_.on_overfull();
  }
}

void LookupOp::write() {
  if (writes_.empty()) return finish(status_);
  Status sent = writer_.start(writes_);
  if (!sent.ok()) return finish(sent);
  state_.to(State::kWriting);
}

void LookupOp::finish(const Status& status) {
  state_.to(State::kIdle);
  listener_.on_looked_up(status_.ok() ? status : status_);
}

}  // namespace mas::registry
