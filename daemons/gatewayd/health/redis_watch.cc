// The look and what its replies say.
#include "daemons/gatewayd/health/redis_watch.h"

#include <utility>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"
#include "proto/redis/reply_values.h"

namespace mas::gateway {
namespace {

constexpr int kSamples = 10'000;  // nodes of the stream that are looked at: a third of a millisecond of Redis

}  // namespace

void RedisWatch::look(size_t partitions) {
  if (looking_) return;
  health_ = {};
  health_.waiting.resize(partitions);
  health_.append_only = true;  // until a node says otherwise
  health_.dead_letters_known = true;
  health_.held_known = true;
  asked_.clear();
  looking_ = ask(partitions);
  if (!looking_) redis_.forget(this);
}

bool RedisWatch::ask(size_t partitions) {
  for (const redis::Node& primary : redis_.primaries()) {
    const auto to = redis::reply_to<&RedisWatch::on_reply>(this, asked_.size());
    asked_.push_back({Part::kMemory});
    asked_.push_back({Part::kPersistence});
    redis::Command command("INFO", "memory");
    if (!redis_.send_to(primary, std::move(command.add("INFO", "persistence")), to)) return false;
  }
  const auto to = redis::reply_to<&RedisWatch::on_reply>(this, asked_.size());
  redis::Command command;
  for (unsigned p = 0; p < keys_.places(partitions); ++p) {
    command.add("XLEN", keys_.dead_letters(p));
    command.add("MEMORY", "USAGE", keys_.dead_letters(p), "SAMPLES", kSamples);
    asked_.push_back({Part::kDeadLetters});
    asked_.push_back({Part::kDeadLetterBytes});
    command.add("XLEN", keys_.held(p));
    command.add("MEMORY", "USAGE", keys_.held(p), "SAMPLES", kSamples);
    asked_.push_back({Part::kHeld});
    asked_.push_back({Part::kHeldBytes});
  }
  for (unsigned p = 0; p < partitions; ++p) {
    command.add("LLEN", keys_.ingress(p));
    asked_.push_back({Part::kWaiting, p});
  }
  return command.count() > 0 && redis_.scatter(command, to).ok();
}

void RedisWatch::cancel() {
  redis_.forget(this);
  looking_ = false;
}

void RedisWatch::on_reply(uint64_t tag, const redis::Answer& answer) {
  if (!looking_) return;
  if (!answer.ok()) return cancel();
  const bool last = asked_.take_reply();
  take(asked_[tag], **answer);
  if (!last) return;
  looking_ = false;
  done_(health_);
}

void RedisWatch::take(const Asked& asked, const redis::Reply& reply) {
  switch (asked.part) {
    case Part::kMemory:
    case Part::kPersistence:
      return take_info(asked.part == Part::kMemory, reply);
    case Part::kDeadLetters:
      return take_letters(reply);
    case Part::kDeadLetterBytes:
      if (reply.is_integer()) health_.dead_letter_bytes += static_cast<uint64_t>(reply.integer);
      return;
    case Part::kHeld:
      health_.held_known = health_.held_known && reply.is_integer();
      if (reply.is_integer()) health_.held.messages += static_cast<uint64_t>(reply.integer);
      return;
    case Part::kHeldBytes:
      if (reply.is_integer()) health_.held.bytes += static_cast<uint64_t>(reply.integer);
      return;
    case Part::kWaiting:
      if (reply.is_integer()) health_.waiting[asked.partition] = static_cast<uint64_t>(reply.integer);
      return;
  }
}

void RedisWatch::take_letters(const redis::Reply& reply) {
  const bool other_type = reply.error_code() == "WRONGTYPE";
  health_.dead_letters_known = health_.dead_letters_known && (reply.is_integer() || other_type);
  if (reply.is_integer()) health_.dead_letters += static_cast<uint64_t>(reply.integer);
  if (other_type) health_.dead_letters_problem = printable(reply.text, 200);
}

void RedisWatch::take_info(bool memory, const redis::Reply& reply) {
  if (!reply.is_text() || redis::info_value(reply.text, memory ? "used_memory" : "aof_enabled").empty()) {
    health_.info_problem = std::string("INFO ") + (memory ? "memory: " : "persistence: ") +
                           (reply.is_error() ? printable(reply.text, 200) : "the answer is not in the expected form");
    return;
  }
  if (!memory) {
    health_.append_only = health_.append_only && redis::info_value(reply.text, "aof_enabled") == "1";
    return;
  }
  RedisHealth node;
  node.used_memory = leading_number<uint64_t>(redis::info_value(reply.text, "used_memory"));
  node.max_memory = leading_number<uint64_t>(redis::info_value(reply.text, "maxmemory"));
  const std::string_view eviction = redis::info_value(reply.text, "maxmemory_policy");
  if (health_.eviction.empty() || (node.max_memory > 0 && eviction != "noeviction")) health_.eviction = eviction;
  if (health_.used_memory > 0 && node.memory_percent() < health_.memory_percent()) return;
  health_.used_memory = node.used_memory;
  health_.max_memory = node.max_memory;
}

}  // namespace mas::gateway
