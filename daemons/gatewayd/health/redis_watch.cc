// The look and what its replies say.
#include "daemons/gatewayd/health/redis_watch.h"

#include "proto/base/ids.h"
#include "proto/base/numbers.h"
#include "proto/redis/reply_values.h"

namespace mas::gateway {
namespace {

enum Part : uint64_t { kMemory, kPersistence, kDeadLetters, kDeadLetterBytes, kFirstPartition };

constexpr int kSamples = 10'000;  // nodes of the stream that are looked at: a third of a millisecond of Redis

}  // namespace

void RedisWatch::look(size_t partitions) {
  if (looking_) return;
  redis::Command command("INFO", "memory");
  command.add("INFO", "persistence").add("XLEN", keys_.dead_letters());
  command.add("MEMORY", "USAGE", keys_.dead_letters(), "SAMPLES", kSamples);
  for (unsigned p = 0; p < partitions; ++p) command.add("LLEN", keys_.ingress(p));
  health_ = {};
  health_.waiting.resize(partitions);
  looking_ = redis_.send(command, redis::reply_to<&RedisWatch::on_reply>(this)).ok();
}

void RedisWatch::cancel() {
  redis_.forget(this);
  looking_ = false;
}

void RedisWatch::on_reply(uint64_t tag, const redis::Answer& answer) {
  if (!looking_) return;
  if (!answer.ok()) return void(looking_ = false);
  take(tag, **answer);
  if (tag + 1 < kFirstPartition + health_.waiting.size()) return;
  looking_ = false;
  done_(health_);
}

void RedisWatch::take(uint64_t tag, const redis::Reply& reply) {
  if (tag == kMemory || tag == kPersistence) return take_info(tag, reply);
  if (tag >= kFirstPartition) {
    if (reply.is_integer()) health_.waiting[tag - kFirstPartition] = static_cast<uint64_t>(reply.integer);
    return;
  }
  if (tag == kDeadLetterBytes) {
    if (reply.is_integer()) health_.dead_letter_bytes = static_cast<uint64_t>(reply.integer);
    return;
  }
  const bool other_type = reply.error_code() == "WRONGTYPE";
  health_.dead_letters_known = reply.is_integer() || other_type;
  if (reply.is_integer()) health_.dead_letters = static_cast<uint64_t>(reply.integer);
  if (other_type) health_.dead_letters_problem = printable(reply.text, 200);
}

void RedisWatch::take_info(uint64_t tag, const redis::Reply& reply) {
  const bool memory = tag == kMemory;
  if (!reply.is_text() || redis::info_value(reply.text, memory ? "used_memory" : "aof_enabled").empty()) {
    health_.info_problem = std::string("INFO ") + (memory ? "memory: " : "persistence: ") +
                           (reply.is_error() ? printable(reply.text, 200) : "the answer is not in the expected form");
    return;
  }
  if (!memory) {
    health_.append_only = redis::info_value(reply.text, "aof_enabled") == "1";
    return;
  }
  health_.used_memory = leading_number<uint64_t>(redis::info_value(reply.text, "used_memory"));
  health_.max_memory = leading_number<uint64_t>(redis::info_value(reply.text, "maxmemory"));
  health_.eviction = redis::info_value(reply.text, "maxmemory_policy");
}

}  // namespace mas::gateway
