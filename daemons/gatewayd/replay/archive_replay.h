// Makes of a request for records of the archive (archive/request.h) the script that puts them into the lists of their
// partitions: their frames go in and the request goes out, all or nothing, so that no gateway's end loses or doubles
// any.
//
// On a cluster a request is in the slot of its senders' partition, and so are their lists; the entry may be in another.
// Failure: append_move() says what of the request cannot be replayed; what can goes, and the request is removed. While
// a list has more than kMaxWaiting frames, the request stays where it is.
// Threading: loop thread. Ownership: `mac` is viewed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "daemons/gatewayd/archive/entry.h"
#include "daemons/gatewayd/archive/request.h"
#include "proto/redis/command.h"
#include "proto/redis/reply.h"
#include "proto/wire/digest.h"
#include "proto/wire/keys.h"

namespace mas::gateway {

class ArchiveReplay {
 public:
  static constexpr int kMaxWaiting = 1000;
  static constexpr int64_t kBusy = -1;  ///< the script's answer; else how many frames went in

  /// @param ns the namespace, as the MAC has it. @param mac of the frames.
  ArchiveReplay(const Keys& keys, std::string ns, const HmacKey& mac) : keys_(keys), ns_(std::move(ns)), mac_(mac) {}

  /// @param key, old what entries may be sealed under; empty: there is none.
  void set_keys(std::shared_ptr<const archive::Key> key, std::optional<archive::Key> old) {
    key_ = std::move(key);
    old_ = std::move(old);
  }

  /// Appends the command that reads the request's entry.
  void append_read(redis::Command& command, std::string_view request) const;
  /// Appends the script. @param entries the answer to append_read(). @param partitions how many there are.
  /// @return the first thing that cannot be replayed.
  Status append_move(redis::Command& command, unsigned place, std::string_view request, const redis::Reply& entries,
                     size_t partitions) const;

 private:
  struct Moves;
  Status make_frames(unsigned place, std::string_view request, const redis::Reply& entries, size_t partitions,
                     Moves& moves) const;
  Result<std::string> open(const archive::Entry& entry, std::string_view stream) const;

  const Keys& keys_;
  const std::string ns_;
  const HmacKey& mac_;
  std::shared_ptr<const archive::Key> key_;
  std::optional<archive::Key> old_;
};

}  // namespace mas::gateway
