// Makes of a request for a dead letter the script that puts it into the list of its partition: the letter goes out of
// the queue, its frame (replay_frame.h) into the list and the request out, all or nothing.
//
// Happy path: append_read(), then append_move() with the answer. On a cluster a letter whose sender is in another
// partition is pushed first, and append_drop() takes it out once that is done, or append_last() puts the request behind
// the others.
// Failure modes:
// - The letter is gone: its request is removed.
// - It is too large, or not an envelope: append_move() says so; the request is removed, and the letter stays.
// - The queue takes no entry (the letter might have to come back), or the list is no list: the request goes to the end.
// - A gateway dies between push and drop: the letter is replayed twice.
// Threading: loop thread. Ownership: `mac` is viewed.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "proto/redis/command.h"
#include "proto/redis/reply.h"
#include "proto/wire/digest.h"
#include "proto/wire/keys.h"

namespace mas::gateway {

class LetterReplay {
 public:
  /// @param ns the namespace, as the MAC has it. @param mac of the frames. @param max_envelope bytes of one.
  LetterReplay(const Keys& keys, std::string ns, const HmacKey& mac, size_t max_envelope)
      : keys_(keys), ns_(std::move(ns)), mac_(mac), letter_bytes_(2 * max_envelope) {}

  /// Appends the command that reads the letter. @param place partition whose queue it is in.
  void append_read(redis::Command& command, unsigned place, std::string_view request) const;
  /// @param entries the answer to it. @return whether it says what is there; else the request waits.
  static bool answered(const redis::Reply& entries);

  struct Appended {
    bool pushed = false;  ///< it is in `pushes`, and append_drop() or append_last() is due
    Status fits;          ///< why the letter cannot be replayed
  };
  /// Appends the script to one of the two. @param partitions how many there are.
  Appended append_move(redis::Command& moves, redis::Command& pushes, unsigned place, const std::string& request,
                       const redis::Reply& entries, size_t partitions) const;
  void append_drop(redis::Command& moves, unsigned place, const std::string& request) const;
  void append_last(redis::Command& moves, unsigned place, const std::string& request) const;

 private:
  Result<std::string> frame_of(unsigned place, const std::string& request, const redis::Reply& fields,
                               size_t partitions, unsigned& ret_partition) const;

  const Keys& keys_;
  const std::string ns_;
  const HmacKey& mac_;
  const size_t letter_bytes_;
};

}  // namespace mas::gateway
