// Reading the state.
#include "sdk/src/agent/state_load_op.h"

#include <utility>

#include "proto/base/ids.h"
#include "proto/redis/bounded_answer.h"
#include "proto/wire/limits.h"

namespace mas::sdk {
namespace {

enum Sizing : uint64_t { kFieldCount, kMemory };

/// Up to here no value is too large, and a state is read without looking at each of them.
constexpr int64_t kSmallMemory = static_cast<int64_t>(limits::kStateValueBytes);

Error too_many_fields(const std::string& key, uint64_t fields) {
  return {Errc::kTooLarge,
          key + " has " + std::to_string(fields) + " fields; expected at most " + std::to_string(limits::kStateFields)};
}

Status check_value(const std::string& key, std::string_view name, uint64_t bytes) {
  if (bytes <= limits::kStateValueBytes) return {};
  return redis::too_large(key + ": field '" + printable(name) + "'", bytes, limits::kStateValueBytes);
}

Status check_whole(const std::string& key, size_t bytes) {
  if (bytes <= limits::kStateBytes) return {};
  return redis::too_large(key, bytes, limits::kStateBytes);
}

Status check_name(const std::string& key, const redis::Reply& name) {
  const uint64_t bytes = name.is_integer() ? static_cast<uint64_t>(name.integer) : name.text.size();
  if (bytes <= limits::kStateFieldNameBytes) return {};
  return redis::too_large(key + ": the name of a field", bytes, limits::kStateFieldNameBytes);
}

/// @param pairs the answer to HGETALL, in which a text that is too large is an integer.
Result<StateMap> state_from(const std::string& key, const redis::Reply& pairs) {
  if (!pairs.is_array() || pairs.count % 2 != 0)
    return Error{Errc::kProtocol, "something else than pairs of field and value"};
  if (pairs.count / 2 > limits::kStateFields) return too_many_fields(key, pairs.count / 2);
  StateMap state;
  size_t bytes = 0;
  for (size_t i = 0; i < pairs.count; i += 2) {
    const redis::Reply &name = pairs[i], &value = pairs[i + 1];
    if (auto status = check_name(key, name); !status) return status.error();
    const uint64_t size = value.is_integer() ? static_cast<uint64_t>(value.integer) : value.text.size();
    if (auto status = check_value(key, name.text, size); !status) return status.error();
    bytes += name.text.size() + size;
    state.emplace(name.text, value.text);
  }
  if (auto status = check_whole(key, bytes); !status) return status.error();
  return state;
}

}  // namespace

StateLoadOp::StateLoadOp(OpHost& host, Done done)
    : OpWith(host, std::move(done)), key_(host.context().keys.state(host.context().config.id)) {}

void StateLoadOp::begin() {
  redis::Command sizes("HLEN", key_);
  sizes.add("MEMORY", "USAGE", key_, "SAMPLES", 0);
  move(State::kSizing, sizes, 0);
}

void StateLoadOp::move(State next, const redis::Command& command, size_t text_bytes) {
  state_.to(next);
  if (auto sent = send(command, 0, text_bytes); !sent) fail(sent.error());
}

void StateLoadOp::on_reply(uint64_t tag, const redis::Answer& answer) {
  const bool memory = state_.is(State::kSizing) && tag == kMemory;
  if (memory && answer.ok()) return take_memory(**answer);
  auto reply = redis::checked(answer);
  if (!reply) return fail(reply.error());
  if (state_.is(State::kSizing)) return take_count(**reply);
  if (state_.is(State::kNaming)) return take_names(**reply);
  if (state_.is(State::kMeasuring)) return take_size(tag, **reply);
  take_fields(**reply);
}

void StateLoadOp::take_count(const redis::Reply& fields) {
  if (fields.integer == 0) return end({});
  const auto count = static_cast<uint64_t>(fields.integer);
  if (count > limits::kStateFields) fail(too_many_fields(key_, count));
}

void StateLoadOp::take_memory(const redis::Reply& bytes) {
  const bool small = bytes.is_nil() || (bytes.is_integer() && bytes.integer <= kSmallMemory);
  if (small) return move(State::kReading, redis::Command("HGETALL", key_), limits::kStateValueBytes);
  move(State::kNaming, redis::Command("HKEYS", key_), limits::kStateFieldNameBytes);
}

void StateLoadOp::take_names(const redis::Reply& names) {
  if (names.count == 0) return end({});
  if (names.count > limits::kStateFields) return fail(too_many_fields(key_, names.count));
  redis::Command sizes;
  for (const auto& name : names) {
    if (auto status = check_name(key_, name); !status) return fail(status.error());
    names_.emplace_back(name.text);
    sizes.add("HSTRLEN", key_, name.text);
  }
  move(State::kMeasuring, sizes, 0);
}

void StateLoadOp::take_size(size_t i, const redis::Reply& size) {
  const auto bytes = static_cast<uint64_t>(size.integer);
  if (auto status = check_value(key_, names_[i], bytes); !status) return fail(status.error());
  bytes_ += names_[i].size() + bytes;
  if (i + 1 < names_.size()) return;
  if (auto status = check_whole(key_, bytes_); !status) return fail(status.error());
  move(State::kReading, redis::Command("HGETALL", key_), limits::kStateValueBytes);
}

void StateLoadOp::take_fields(const redis::Reply& pairs) {
  auto state = state_from(key_, pairs);
  if (!state) return fail(state.error());
  end(std::move(*state));
}

void StateLoadOp::end(StateMap state) {
  state_.to(State::kDone);
  host_.context().state.replace(std::move(state));
  finish(Status());
}

}  // namespace mas::sdk
