// Puts what a turn decided into commit scripts (commit.h): deliveries, dead letters, audit blocks, states and trims.
//
// One server has one script for the turn. On a cluster each partition has its own, whose keys are in the partition's
// slot: each is done or not, whatever becomes of the others.
//
// Happy path: build(), script().append_to() for each, and, once a reply names keys that were refused, what each of them
// is.
// Failure modes: none of its own. Tests put one in its place that does the wrong thing (broken_commit.h).
// Pure. Threading: none. Ownership: views the result until the commands are written; keys are its own until the next
// build().
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemons/gatewayd/turn/commit.h"
#include "daemons/gatewayd/turn/turn_result.h"

namespace mas::gateway {

class CommitBuilder {
 public:
  explicit CommitBuilder(const Keys& keys) : keys_(keys) {}
  virtual ~CommitBuilder() = default;

  /// @param now by Redis's clock. @param tried a partition whose trial ends with the commit; nullptr: none does.
  void build(const TurnResult& result, WallMicros now, const Partition* tried);
  /// How many there are: by number of TurnResult::work() on a cluster, else one.
  size_t scripts() const { return used_; }
  const Commit& script(size_t number) const { return parts_[number].script; }
  /// @return which script has the partition's part of the result.
  size_t script_of(unsigned partition) const;

  /// What a key of a script is. @param key its number in the script.
  bool is_dead_letters(size_t number, std::string_view key) const { return key == parts_[number].dead_letters_key; }
  bool is_unproven(size_t number, std::string_view key) const { return key == parts_[number].unproven_key; }
  bool is_held(size_t number, std::string_view key) const { return key == parts_[number].held_key; }
  /// @return which delivery of the result it is of; nullopt: of none.
  std::optional<size_t> delivery_of(size_t number, size_t key) const;

 protected:
  virtual void add_block(Commit& script, const PartitionWork& work) {
    script.entry(work.partition->audit_key, {"b", work.block.bytes});
  }
  virtual void add_delivery(Commit& script, const Delivery& delivery) {
    script.entry(delivery.key, {"b", redis::Argument(delivery.pieces, delivery.bytes)});
  }

 private:
  struct Part {
    std::optional<unsigned> only;  // the partition; nullopt: all of them
    Commit script;
    std::string dead_letters_key, unproven_key, held_key;
    size_t first_delivery = 0;         // of its entries
    std::vector<size_t> deliveries{};  // of the result, in the order of their entries
  };

  void fill(Part& part, std::span<PartitionWork* const> works, const TurnResult& result, std::string_view now,
            const Partition* tried);
  void add_held(Part& part, const TurnResult& result, std::string_view now);
  void add_letters(Part& part, const TurnResult& result, std::string_view now);
  void add_states(Commit& script, const PartitionWork& work);
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  const Keys keys_;
  std::vector<Part> parts_;  // the first used_ of them
  size_t used_ = 0;
  std::deque<std::string> texts_;  // that the scripts view: what is viewed does not move
};

}  // namespace mas::gateway
