// Reads of many entries, then the writes that follow.
#include "daemons/registryd/lookup_op.h"

#include <algorithm>

#include "proto/redis/hash_reads.h"

namespace mas::registry {

namespace {

using State = LookupOp::State;
constexpr auto kMoves = transitions<State>({{State::kIdle, State::kReading},
                                            {State::kReading, State::kWriting},
                                            {State::kReading, State::kIdle},
                                            {State::kWriting, State::kIdle}});

// A key of another type under the name of an entry is no entry.
Result<AgentEntry> entry_of(std::string_view id, const redis::Reply& reply) {
  redis::HashSeen seen = redis::hash_seen(reply);
  if (Status sizes = check_agent_entry_sizes(seen.sizes); !sizes.ok()) return sizes.error();
  if (seen.values.empty()) return Error{Errc::kNotFound, "not a hash"};
  return agent_entry_from_values(id, seen.values);
}

}  // namespace

LookupOp::LookupOp(redis::Client& redis, const Keys& keys, Registry& registry, LookupListener& listener)
    : redis_(redis),
      keys_(keys),
      registry_(registry),
      listener_(listener),
      per_script_(redis.hashes_per_script()),
      state_(State::kIdle, kMoves),
      writer_(redis, keys, [this](const Status& status) { finish(status); }) {}

Status LookupOp::start(std::vector<std::string> ids, bool assert_all) {
  std::vector<std::string> keys;
  for (const std::string& id : ids) keys.push_back(keys_.agent(id));
  redis::Command batch;
  redis::add_hash_reads(batch, keys, kAgentEntryFields, kAgentEntryBounds, per_script_);
  Status sent = redis_.scatter(batch, redis::reply_to<&LookupOp::on_entries>(this));
  if (!sent.ok()) return sent;
  ids_ = std::move(ids);
  assert_all_ = assert_all;
  answered_ = 0;
  writes_.clear();
  status_ = Status();
  state_.to(State::kReading);
  return {};
}

void LookupOp::on_entries(uint64_t tag, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  size_t first = tag * per_script_;
  size_t count = std::min(per_script_, ids_.size() - first);
  if (!reply.ok()) {
    if (status_.ok()) status_ = reply.error().in("read agent entries");
  } else if ((*reply)->count == count) {
    for (size_t i = 0; i < count; ++i) see(ids_[first + i], (**reply)[i]);
  }
  if (++answered_ == redis::hash_scripts(ids_.size(), per_script_)) write();
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
