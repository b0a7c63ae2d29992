// What a reader notices in Redis's answers and tells once, until it is over: that Redis lost data, and that nothing can
// be claimed for now.
//
// Happy path: answers are noted while they come; tell_losses() when all of a request are there.
// Failure modes, as seen in Redis:
//   groups that were there are gone    told to the session; not again until the lanes were read
//   lanes were delivered less far than before    told to the session
//   no function to claim with          told to the debug callback; not again until something could be claimed
// Threading: the I/O thread. Ownership: the reader's.
#pragma once

#include <string>
#include <utility>

#include "proto/redis/reply.h"
#include "sdk/src/core/context.h"
#include "sdk/src/core/mode_host.h"

namespace mas::sdk {

class ReaderNotices {
 public:
  explicit ReaderNotices(ModeHost& host) : host_(host) {}

  /// Groups of the lanes were there and are not.
  void groups_gone() {
    if (!std::exchange(groups_gone_, true)) lost_ = "the groups of its streams were missing";
  }
  /// A read has found its groups.
  void groups_there() { groups_gone_ = false; }
  /// @param lanes as EntryIntake::compare_progress(): empty where none went back.
  void went_back(std::string lanes) {
    if (!lanes.empty()) lost_ = std::move(lanes);
  }
  /// Tells what was lost since the last call, if anything was. The session may begin anew in it.
  void tell_losses() {
    if (!lost_.empty()) host_.lost_data(std::exchange(lost_, {}));
  }

  /// @param error the reply to a claim. @return what follows from it.
  ServerFunctions::After claim_failed(const redis::Reply& error) {
    const auto after = host_.context().functions.on_error(error);
    if (after == ServerFunctions::After::kMissing && !std::exchange(claims_missing_, true))
      host_.context().debug("claiming nothing for now: " + ServerFunctions::missing().message);
    return after;
  }
  void claimed() { claims_missing_ = false; }
  /// @return whether there was no function to claim with.
  bool claims_missing() const { return claims_missing_; }

 private:
  ModeHost& host_;
  std::string lost_;  // what showed that Redis lost data, until the session is told
  bool groups_gone_ = false;
  bool claims_missing_ = false;
};

}  // namespace mas::sdk
