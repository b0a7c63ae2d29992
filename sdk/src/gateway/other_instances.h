// The other instances of an agent on a Redis Cluster, and which of them are dead: what the claiming function cannot
// look at there, since leases are in the agent's slot and streams are in others.
//
//     noticed ──lease there──▶ alive ──lease gone──▶ dead ──lease there──▶ alive
//
// Happy path: note() with each consumer that a claim finds; check() with each renewal of the own lease asks for those
// that are registered and for the leases of all; `died` is called when there are more dead than before.
// One that is still registered did not end in order, and is taken for dead only while the own lease is steady
// (LeaseProof).
// Failure: an answer that does not come, or is refused, changes nothing; check() asks again.
// Bounded: kMost names, none longer than kLongestName; others are not looked after.
// Threading: the I/O thread. Ownership: the reader's.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/src/core/mode_host.h"

namespace mas::sdk {

class OtherInstances {
 public:
  static constexpr size_t kMost = 1000;
  static constexpr size_t kLongestName = 128;

  OtherInstances(ModeHost& host, std::function<void()> died);
  ~OtherInstances() { forget(); }
  OtherInstances(const OtherInstances&) = delete;
  OtherInstances& operator=(const OtherInstances&) = delete;

  /// A consumer of that name is there. One that was not known is asked for at once.
  void note(std::string_view name);
  void check();
  /// What consumers there are will be told anew.
  void begin_anew() { known_.clear(); }
  /// Hears no more answers.
  void forget();
  /// @return the names of the dead.
  std::vector<std::string> dead() const;
  bool any() const { return !known_.empty(); }

 private:
  void add(std::string_view name);
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void end();

  ModeHost& host_;
  const std::function<void()> died_;
  std::map<std::string, bool> known_;  // name → whether it is dead
  // The check under way.
  std::vector<std::string> asked_;
  std::set<std::string> registered_, leased_;
  size_t due_ = 0;
  bool failed_ = false;
  bool fresh_ = false;  // names came that it does not ask for
};

}  // namespace mas::sdk
