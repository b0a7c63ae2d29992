// Whom to believe: what sentinels say, weighed against the primary that served last.
//
// | a statement                                   | what it counts for                                               |
// |-----------------------------------------------|------------------------------------------------------------------|
// | before any primary has served                 | accepted                                                         |
// | the primary that served last                  | accepted                                                         |
// | another one, with a higher epoch              | accepted                                                         |
// | another one, with the same or a lower epoch   | accepted once more than half of the sentinels say so             |
// | a server that was seen to be a replica, and   | never accepted                                                   |
// | no higher epoch than then                     |                                                                  |
//
// An epoch may go back when an operator removes a primary from the sentinels and adds it again: hence the majority.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/redis/sentinel/statement.h"

namespace mas::redis {

/// A server, and the epoch of the statement that named it.
struct Naming {
  Node server;
  uint64_t epoch = 0;
  bool operator==(const Naming&) const = default;
};

/// What is known before sentinels are asked.
struct Record {
  std::optional<Naming> served;   ///< the primary that served last
  std::optional<Naming> refuted;  ///< it was named, but said that it is a replica
  bool failed = false;            ///< the last attempt to reach `served` failed
};

/// What a statement is to the record.
enum class Bearing : uint8_t {
  kSame,    ///< it names the primary that served last, or none has served
  kNewer,   ///< another one, with a higher epoch
  kOlder,   ///< another one, with a lower epoch
  kRival,   ///< another one, with the same epoch
  kRefuted  ///< a server that was seen to be a replica, with no higher epoch than then
};

Bearing bearing_of(const Statement& statement, const Record& record);

class Ballot {
 public:
  explicit Ballot(Record record) : record_(std::move(record)) {}

  /// @param by the sentinel's address, which counts as its id where it has none.
  /// @return whether the statement's primary is the one to use.
  bool accepts(const Statement& statement, const Node& by);
  /// A sentinel answered, but named no server.
  void count_blank() { ++blanks_; }

  /// After all have been asked and none was accepted.
  /// @return what may be tried nevertheless, since nobody contradicts: the primary that served last, or the server that
  /// was refuted, in case it is a primary again. nullopt: nothing.
  std::optional<Naming> last_resort() const;

 private:
  struct Vote {
    std::string id;
    Node server;
  };

  const Record record_;
  std::vector<Vote> votes_;
  size_t electorate_ = 0;
  size_t blanks_ = 0;
  bool contradicted_ = false;
  std::optional<Naming> refuted_;  // as it was named again
};

}  // namespace mas::redis
