// Takes the entries that a read or a claim brought: opens a delivery for each that is not in hand yet, and watches how
// far the streams were delivered.
// Threading: the I/O thread. Ownership: the reader's.
#pragma once

#include <string>
#include <vector>

#include "proto/redis/reply.h"
#include "sdk/src/gateway/held_entries.h"
#include "sdk/src/gateway/stream_progress.h"
#include "sdk/src/gateway/unpacker.h"

namespace mas::sdk {

class EntryIntake {
 public:
  /// @param streams as gateway_streams(), once there is a link. Must outlive this object, as `held` must.
  EntryIntake(ModeHost& host, Deliveries& deliveries, DedupeWindow& dedupe, HeldEntries& held,
              const std::vector<std::string>& streams);

  /// @param stream its number. @param suspects ids of entries whose holders died too often; nullptr: none.
  void take(size_t stream, const redis::Reply& entry, const redis::Reply* suspects = nullptr);
  /// @param results of the claiming function, for each lane of the partition. @return which lanes were delivered
  /// further before, since Redis lost data; empty: none.
  std::string compare_progress(const redis::Reply& results, unsigned partition = 0);
  /// The streams are new ones.
  void forget_progress() { progress_.forget(); }
  /// This stream is.
  void forget_progress(size_t stream) { progress_.forget(stream); }

 private:
  Deliveries& deliveries_;
  HeldEntries& held_;
  const std::vector<std::string>& streams_;
  Unpacker unpacker_;
  StreamProgress progress_;
};

}  // namespace mas::sdk
