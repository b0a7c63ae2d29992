// Looks once a second at what bounds the gateway: Redis's memory, the dead-letter queue, what waits in the partitions.
//
// Happy path: look() sends INFO memory, INFO persistence, XLEN and MEMORY USAGE of dlq:messages and LLEN of every
// partition's list; the callback gets all. On a cluster every primary is asked, and the one with the least room counts;
// dead letters of all partitions count together.
// Failure: a look that fails is forgotten; the next one comes with the next tick. An error in Redis's answer is a
// problem, never a value: what a look does not tell stays as it was.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside its callback.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/approval/held_room.h"
#include "proto/redis/client.h"
#include "proto/redis/questions.h"
#include "proto/wire/keys.h"

namespace mas::gateway {

struct RedisHealth {
  std::string info_problem;  ///< why INFO says nothing of what follows; empty: it does
  uint64_t used_memory = 0;
  uint64_t max_memory = 0;  ///< 0: no limit
  std::string eviction;     ///< maxmemory-policy
  bool append_only = false;
  uint64_t dead_letters = 0;
  uint64_t dead_letter_bytes = 0;    ///< of memory; exact up to some ten thousand letters
  bool dead_letters_known = false;   ///< whether Redis said anything about the queue
  std::string dead_letters_problem;  ///< why the queue takes nothing: a key of another type; empty: it does
  HeldAmount held;                   ///< messages that wait for a person
  bool held_known = false;
  std::vector<uint64_t> waiting;  ///< elements, by partition

  /// Percent of the limit; 0 where there is none.
  unsigned memory_percent() const {
    return max_memory == 0 ? 0 : static_cast<unsigned>(100 * used_memory / max_memory);
  }
};

class RedisWatch {
 public:
  using Done = std::function<void(const RedisHealth&)>;

  RedisWatch(redis::Client& redis, const Keys& keys, Done done) : redis_(redis), keys_(keys), done_(std::move(done)) {}
  ~RedisWatch() { redis_.forget(this); }
  RedisWatch(const RedisWatch&) = delete;
  RedisWatch& operator=(const RedisWatch&) = delete;

  /// No effect while one is under way.
  void look(size_t partitions);
  void cancel();

 private:
  enum class Part : uint8_t { kMemory, kPersistence, kDeadLetters, kDeadLetterBytes, kHeld, kHeldBytes, kWaiting };
  struct Asked {
    Part part;
    unsigned partition = 0;  // of kWaiting
  };

  bool ask(size_t partitions);
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void take(const Asked& asked, const redis::Reply& reply);
  void take_letters(const redis::Reply& reply);
  void take_info(bool memory, const redis::Reply& reply);

  redis::Client& redis_;
  const Keys& keys_;
  Done done_;
  redis::Questions<Asked> asked_;  // by the tags of their replies
  RedisHealth health_;
  bool looking_ = false;
};

}  // namespace mas::gateway
