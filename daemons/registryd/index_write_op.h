// Writes what the index sets gain and lose: one SADD or SREM per set and call, all of them in one go.
//
//     idle ──start──▶ writing ──last answer──▶ idle, done
//
// Failure: the first error is what done says; the other writes are carried out nevertheless. An index key of a type
// that is not ours is deleted, since nothing else may live under these names, and reported as an error like others: the
// owner builds the index again.
// Threading: loop thread. Ownership: may be destroyed at any time; done is not called then.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemons/registryd/registry.h"
#include "proto/base/state_machine.h"
#include "proto/redis/client.h"
#include "proto/wire/keys.h"

namespace mas::registry {

class IndexWriteOp {
 public:
  enum class State : uint8_t { kIdle, kWriting };

  /// @param done called once per start(), never from inside it.
  IndexWriteOp(redis::Client& redis, const Keys& keys, std::function<void(const Status&)> done);
  ~IndexWriteOp() { redis_.forget(this); }
  IndexWriteOp(const IndexWriteOp&) = delete;
  IndexWriteOp& operator=(const IndexWriteOp&) = delete;

  /// @param writes not empty. @return an error when nothing was sent; done is not called then.
  Status start(const IndexWrites& writes);
  bool idle() const { return state_.is(State::kIdle); }
  /// Commands sent since construction.
  uint64_t commands() const { return commands_; }

 private:
  void add(std::string_view command, const std::string& key, const std::vector<std::string>& members);
  void on_answer(uint64_t tag, const redis::Answer& answer);

  redis::Client& redis_;
  const Keys& keys_;
  std::function<void(const Status&)> done_;
  StateMachine<State> state_;
  redis::Command batch_;
  std::vector<std::string> targets_;  // the key that the i-th command writes
  size_t answered_ = 0;
  uint64_t commands_ = 0;
  Status status_;
};

}  // namespace mas::registry
