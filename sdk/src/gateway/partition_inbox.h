// What an agent on a Redis Cluster asks of its inboxes of one partition next: the reply stream and a stream for each
// lane, all of one slot. Decides only; PartitionReads asks.
//
// Happy path: something is wanted (a wake-up, a look, a claim); next() says what to ask, one request at a time; ended()
// tells what came of it.
// Which streams there are is learnt: a stream without a group was not written yet, or not read yet. So a look asks
// whether such streams exist, and only a stream that does gets a group. A partition that no sender uses costs one
// EXISTS.
// Failure modes:
//   a request with an unknown end   what it may have been given is read again by id, then there is another look
//   a read that Redis executes late, after its answer was given up   its entries are found as strays, and read by id
//   a group that is gone            nobody knows which, when several were read at once: each is made again, and whose
//                                   group was there is not lost (missed())
// Pure. Threading: none.
#pragma once

#include <array>
#include <bitset>
#include <string>

#include "sdk/src/gateway/inbox_stream.h"
#include "sdk/src/gateway/read_commands.h"

namespace mas::sdk {

/// Streams of one partition, by their places: 0 is the reply stream.
using StreamSet = std::bitset<kInboxStreams>;

class PartitionInbox {
 public:
  /// One request; its parts in the order in which they are sent.
  struct Ask {
    StreamSet claim;   ///< lanes whose entries of dead instances are claimed; comes alone
    StreamSet strays;  ///< which of its entries are delivered to this instance? comes alone
    StreamSet own;     ///< read from own_from(); comes alone
    StreamSet probe;   ///< do any of these exist?
    StreamSet read;    ///< new entries, in one command
    StreamSet make;    ///< for each: its group, then its new entries

    bool any() const { return (claim | strays | own | probe | read | make).any(); }
    /// Streams that may bring entries, but for claims.
    size_t reads() const { return (own | read | make).count(); }
  };
  /// What the reader may read now.
  enum class May : uint8_t { kNothing, kReplies, kEverything };

  /// A stream has something new.
  void wake(size_t place) { wanted_.set(place); }
  /// All streams may have something new.
  void look() { look_ = true; }
  void claim() { claim_ = true; }
  void look_for_strays() { strays_ = true; }

  /// @return what to ask now; nothing while a request is under way, or while it rests.
  Ask next(May may) const;
  /// The request is made. What it covers is not wanted any more.
  void asked(const Ask& ask);
  bool busy() const { return under_way_.any(); }
  const Ask& under_way() const { return under_way_; }
  /// @return whether what the stream gave before comes first, by id.
  bool reads_own(size_t place) const { return own_[place]; }
  /// @return the id behind which own entries of the stream are read.
  const std::string& own_from(size_t place) const { return own_from_[place]; }

  // Answers to the request that is under way.

  void exist() { wanted_ |= ~groups_; }
  /// It has a group, new or not; a doubt about it is over.
  void made(size_t place) {
    groups_.set(place);
    doubted_.reset(place);
  }
  /// An entry is delivered to this instance, and not in hand: it is read by id.
  void strayed(size_t place);
  /// @param last id of the last entry that came.
  void took_own(size_t place, const std::string& last);
  void no_more_own(size_t place) { own_.reset(place); }
  /// As many entries came as were asked for.
  void more(size_t place) { wanted_.set(place); }
  /// One of these groups is gone. Those that had been there are in doubt, and made again. @return whether any had been.
  bool groups_gone(StreamSet streams);
  /// The stream's group was made, or its stream is not there: ends its doubt.
  /// @return whether it was in doubt, and so is lost with what it had.
  bool missed(size_t place);
  /// Nobody knows whether Redis has answered. @param executed whether it may have been.
  void lost(bool executed);
  /// All answers are there.
  void ended() { under_way_ = {}; }

  /// After a failure: nothing is asked until rested().
  bool resting() const { return resting_; }
  void rested() { resting_ = false; }

  /// @return streams that have a group, as far as is known.
  StreamSet groups() const { return groups_; }
  bool has_lanes() const { return (groups_ & kLanesOnly).any(); }

 private:
  static constexpr unsigned long kRepliesBit = 1;
  inline static const StreamSet kLanesOnly{~kRepliesBit};

  StreamSet groups_, doubted_, wanted_, own_;
  bool look_ = false, claim_ = false, strays_ = false, resting_ = false;
  Ask under_way_;
  std::array<std::string, kInboxStreams> own_from_;
};

}  // namespace mas::sdk
