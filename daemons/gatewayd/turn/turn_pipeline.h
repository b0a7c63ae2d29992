// Where the turns are: one is read, one is in hand, one is committed. Says which moves are legal, and does no more.
//
//      read             in hand                                          committing
//      asked ─▶ here ─▶ decoding ─▶ fetching ─▶ deciding ─▶ decided ─▶   one EVAL under way
//
// Each moves on as soon as the next place is free. With little to do there is one turn: its commit and the read of the
// next go out in one write, one round trip to Redis each. A turn that is large has the next one read ahead, behind the
// commit under way and past the elements in hand; so Redis commits one turn while the next is decided.
// What may be together stands in a table (turn_pipeline.cc). Redis answers in order, so a read that was asked for
// behind a commit is never here before the commit is over.
// Failure modes: an illegal move is a bug of this program; it aborts with what was where.
// Pure. Threading: none.
#pragma once

#include <cstdint>

#include "proto/base/state_machine.h"

namespace mas::gateway {

class TurnPipeline {
 public:
  enum class Read : uint8_t { kNone, kAsked, kHere };
  /// Of the turn in hand.
  enum class Hand : uint8_t { kNone, kDecoding, kFetching, kDeciding, kDecided };

  TurnPipeline();

  Read read() const { return read_.get(); }
  Hand hand() const { return hand_.get(); }
  bool committing() const { return committing_; }
  /// No turn is in hand or being committed.
  bool clear() const { return hand_.is(Hand::kNone) && !committing_; }
  /// The turn in hand can go: a read under way is waited for, since the commit takes the elements that it passed over.
  bool may_commit() const { return hand_.is(Hand::kDecided) && !committing_ && !read_.is(Read::kAsked); }

  void ask() { move_read(Read::kAsked); }
  void arrive() { move_read(Read::kHere); }
  /// What was read is not taken, if anything was.
  void leave();
  /// What was read is in hand from now on.
  void begin();
  void move_hand(Hand next);
  /// The turn in hand is sent, and its place is free.
  void commit();
  void commit_over() { committing_ = false; }
  /// @return how many turns were in hand or being committed.
  unsigned drop();

  /// @return whether that may be at the same time.
  static bool legal(Read read, Hand hand, bool committing);

 private:
  void move_read(Read next);
  void check() const;

  StateMachine<Read> read_;
  StateMachine<Hand> hand_;
  bool committing_ = false;
};

}  // namespace mas::gateway
