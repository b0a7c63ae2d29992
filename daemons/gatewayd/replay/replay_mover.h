// Takes dead letters out of the queue that operators want to be replayed, and puts them into the lists of their
// partitions; so, too, copies of what the archive holds.
//
//     idle ──look()──▶ requests ──ids──▶ letters ──frames──▶ moving ──▶ requests (while there are more) … ──▶ idle
//
// Happy path: the oldest requests of `mas.replay`, their letters, and a script for each (letter_replay.h), all or
// nothing. Any number of gateways may do this at once. A request for records of the archive (archive_replay.h) is the
// last of its round, since an entry may be large.
// Failure modes:
// - A request that is too large, or whose letter cannot be replayed, is removed and told.
// - Redis answers with an error: the request stays where it is, and this look ends.
// - A letter could not be pushed, or its queue takes no entry: the request goes to the end and waits.
// Threading: loop thread. Ownership: may be destroyed at any time.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemons/common/service.h"
#include "daemons/gatewayd/replay/archive_replay.h"
#include "daemons/gatewayd/replay/letter_replay.h"
#include "proto/base/state_machine.h"
#include "proto/redis/connection.h"
#include "proto/wire/digest.h"
#include "proto/wire/keys.h"

namespace mas::gateway {

class ReplayMover {
 public:
  /// @param ns the namespace, as the MAC has it. @param key must outlive the mover. @param max_envelope bytes of one.
  ReplayMover(common::Frame& frame, std::string ns, const HmacKey& key, size_t max_envelope);
  ~ReplayMover() { redis_.forget(this); }
  ReplayMover(const ReplayMover&) = delete;
  ReplayMover& operator=(const ReplayMover&) = delete;

  /// @param key, old of the archive; empty: there is none.
  void set_archive_keys(std::shared_ptr<const archive::Key> key, std::optional<archive::Key> old) {
    archive_.set_keys(std::move(key), std::move(old));
  }
  /// No effect while one is under way. @param partitions how many there are.
  void look(size_t partitions);
  void cancel();

  enum class State : uint8_t { kIdle, kRequests, kLetters, kPushing, kMoving };

 private:
  /// A letter whose sender is in another partition.
  struct Pushed {
    std::string request;
    bool done = false;
  };

  void ask_requests();
  void ask_letters(const redis::Reply& requests);
  void take_letter(const std::string& request, const redis::Reply& entries);
  void take_archived(const std::string& request, const redis::Reply& entries);
  void waits(std::string_view key, const redis::Reply& reply);
  void waits(const std::string& why);
  void push();
  void move();
  void next_place();
  void skip_place();
  void took_push(uint64_t tag, const redis::Answer& answer);
  void took_move(bool archived, const redis::Reply& reply);
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void send(State state, const redis::Command& command);
  void finish();

  common::Frame& frame_;
  redis::Client& redis_;
  const Keys& keys_;
  const LetterReplay letters_;
  ArchiveReplay archive_;
  StateMachine<State> state_;
  size_t partitions_ = 1;
  std::vector<std::string> requests_;
  redis::Command pushes_, moves_, archive_move_;
  std::vector<Pushed> pushed_;  // by number of the push
  unsigned place_ = 0;          // partition whose requests are at hand; on one server they have one place
  size_t replies_due_ = 0;
  bool archived_ = false;  // the last of them is of the archive
  bool more_ = false;      // there may be requests besides
  bool refused_ = false;   // a move of this look
  common::RepeatFilter repeat_;
  common::Counter& moved_;
  common::Counter& archive_moved_;
  common::Counter& archive_refused_;
};

}  // namespace mas::gateway
