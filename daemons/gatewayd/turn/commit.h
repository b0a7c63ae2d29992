// The commit of a turn: one script that does everything or nothing, fenced by the epochs.
//
//   1. every partition's epoch is the one its owner fenced it with, else FENCED and nothing is changed
//   2. the keys of 4 have the right types, else FAILED and nothing is changed
//   3. the entries: audit blocks, deliveries, dead letters. When Redis refuses any (a key of another type, a stream
//      whose ids are used up, out of memory), all others are deleted again, FAILED and nothing is changed
//   4. sender states, limiter states, the trim of the lists, and how long new reply streams live
// FAILED names every key that was refused in that step, up to kMaxRefusals, so that the next turn can do without them.
//
// A script is atomic, so neither a late arrival of a dropped connection (whose successor has raised the epoch) nor a
// failure inside it can deliver a message that is not audited, or trim one that is not delivered.
// docs/adr/0004-commit-script.md tells why it is not MULTI … EXEC.
// Pure: builds the command, reads the reply. Threading: none. Ownership: arguments are viewed until append_to(),
// keys until clear(); the rope views what it was lent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/redis/reply.h"
#include "proto/redis/rope.h"

namespace mas::gateway {

inline constexpr size_t kMaxRefusals = 64;

struct CommitResult {
  enum class Kind : uint8_t { kDone, kFenced, kFailed };
  struct Refusal {
    size_t key = 0;     ///< its number, for Commit::key() and Commit::entry_of()
    std::string error;  ///< Redis's words
  };
  Kind kind = Kind::kDone;
  size_t epoch = 0;              ///< kFenced: which, in the order of the calls
  std::vector<Refusal> refused;  ///< kFailed: by rising number, at least one
};

class Commit {
 public:
  void clear();
  bool empty() const { return entries_ == 0 && changes_ == 0; }
  size_t entries() const { return entries_; }

  void fence(std::string_view epoch_key, std::string_view epoch);
  /// XADD key * fields….
  void entry(std::string_view key, std::initializer_list<redis::Argument> fields);
  /// HSET, HDEL, LTRIM, ZADD, ZREM, XDEL, XTRIM or DEL on one key: at most 4,000 arguments. PEXPIRE, of a stream that
  /// has an entry here: it has effect only where the stream has no time to live yet.
  void change(std::string_view command, std::string_view key, const std::vector<std::string_view>& arguments);

  /// @return the key of that number in the script; empty: there is none.
  std::string_view key(size_t number) const;
  /// @return which entry it is of, in the order of the calls; nullopt: of none.
  std::optional<size_t> entry_of(size_t number) const;

  /// Appends the whole as one EVAL.
  void append_to(redis::Rope& rope) const;

 private:
  struct Part {
    std::vector<std::string_view> keys;
    std::vector<redis::Argument> arguments;
    void clear();
  };
  void number(Part& part, uint64_t value);

  Part epochs_, added_, changed_;
  uint64_t entries_ = 0;
  uint64_t changes_ = 0;
};

/// Reads the script's reply. @return kProtocol for one that it does not give, or the error that Redis gave.
Result<CommitResult> commit_result(const redis::Reply& reply);

}  // namespace mas::gateway
