// What the active registryd has still to look at: ids that events named, ids that stopped, ids of the full pass.
// Decides which of them is next and how long it rests, so that neither events nor the full pass starve, and so that
// events, which anybody can send, take a quarter of the time at most.
//
// Happy path: named() and walk() take ids; next() gives the ids of one look, until ended() for one look at a time.
// Failure modes:
// - More ids wait than the bound allows: named() says so, and a full pass finds the rest.
// Pure. Threading: none.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemons/common/cost_spacing.h"
#include "daemons/registryd/pending_lookups.h"

namespace mas::registry {

class IndexRequests {
 public:
  enum class From : uint8_t { kNone, kEvents, kWalk };
  /// Ids that wait because of events; more means a flood, which a full pass answers as well.
  static constexpr size_t kMaxPending = 4096;

  /// One look.
  struct Look {
    From from = From::kNone;  ///< kNone: there is nothing to look at now
    std::vector<std::string> ids;
    Duration rest{};  ///< with kNone: until there is; zero: nothing waits
  };

  /// An event named the id. @return false when there is no room for it.
  bool named(std::string_view id) { return named_.add(id); }
  /// The agent says that it stops, and deletes its entry afterwards: the id is looked at once more, later.
  /// @return false when there is no room for it.
  bool stopped(std::string_view id) { return stopped_.add(id); }
  /// @return the ids that stopped, and forgets them.
  std::vector<std::string> take_stopped() { return stopped_.take(kMaxPending); }
  /// What the full pass wants looked at.
  void walk(std::vector<std::string> ids) { walk_ = std::move(ids); }

  /// @param most ids of one look that events asked for. Not before the last look has ended.
  Look next(size_t most, MonoTime now);
  /// The look that next() gave is done.
  void ended(MonoTime now) {
    if (from_ == From::kEvents) spacing_.end(now);
  }
  /// For whom the last look was.
  From from() const { return from_; }
  /// How many ids wait because of events.
  size_t waiting() const { return named_.size(); }

 private:
  PendingLookups named_{kMaxPending};
  PendingLookups stopped_{kMaxPending};
  std::vector<std::string> walk_;
  From from_ = From::kNone;
  common::CostSpacing spacing_{3};  // of looks that events ask for
};

}  // namespace mas::registry
