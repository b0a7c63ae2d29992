// Puts what a turn decided into the commit script (commit.h): deliveries, dead letters, audit blocks, states and trims.
//
// Happy path: build(), script().append_to(), and, once the reply names keys that were refused, what each of them is.
// Failure modes: none of its own. Tests put one in its place that does the wrong thing (broken_commit.h).
// Pure. Threading: none. Ownership: views the result until the command is written; keys are its own until the next
// build().
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "daemons/gatewayd/turn/commit.h"
#include "daemons/gatewayd/turn/turn_result.h"

namespace mas::gateway {

class CommitBuilder {
 public:
  explicit CommitBuilder(const Keys& keys) : dead_letters_key_(keys.dead_letters()), unproven_key_(keys.unproven()) {}
  virtual ~CommitBuilder() = default;

  /// @param now by Redis's clock. @param tried a partition whose trial ends with the commit; nullptr: none does.
  void build(const TurnResult& result, WallMicros now, const Partition* tried);
  const Commit& script() const { return script_; }

  const std::string& dead_letters_key() const { return dead_letters_key_; }
  const std::string& unproven_key() const { return unproven_key_; }
  /// @param number of a key in the script. @return which delivery of the result it is of; nullopt: of none.
  std::optional<size_t> delivery_of(size_t number) const;

 protected:
  virtual void add_block(const PartitionWork& work) {
    script_.entry(work.partition->audit_key, {"b", work.block.bytes});
  }
  virtual void add_delivery(const Delivery& delivery) {
    script_.entry(delivery.key, {"b", redis::Argument(delivery.pieces, delivery.bytes)});
  }

 private:
  void add_letters(const TurnResult& result, std::string_view now);
  void add_states(const PartitionWork& work);
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  const std::string dead_letters_key_, unproven_key_;
  Commit script_;
  size_t first_delivery_ = 0, deliveries_ = 0;  // of its entries
  std::deque<std::string> texts_;               // that the script views: what is viewed does not move
};

}  // namespace mas::gateway
