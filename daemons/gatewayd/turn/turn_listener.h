// What the operations of a turn tell the loop that started them.
//
// Each method is the last thing that an operation does: it may be started anew or reset from inside.
// Threading: loop thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "proto/base/clock.h"

namespace mas::gateway {

inline constexpr Duration kShortPause = std::chrono::milliseconds(50);
inline constexpr Duration kLongPause = std::chrono::seconds(1);

/// Why all turns under way are dropped.
struct TurnFailure {
  std::string_view event;        ///< in the log; a literal
  std::string why;               ///< one sentence
  Duration pause = kShortPause;  ///< before it is tried again
  bool gave_up_link = false;     ///< for a reply that was too large: what comes back is the same Redis
};

class TurnListener {
 public:
  virtual ~TurnListener() = default;
  /// The partitions that were asked for are fenced, or rest.
  virtual void on_fenced() = 0;
  /// What the next turn is made of is in the batch.
  virtual void on_read() = 0;
  /// The turn in hand is decoded; it waits for fetch and decide.
  virtual void on_decoded() = 0;
  /// Nothing is lacking to decide it.
  virtual void on_fetched() = 0;
  virtual void on_decided() = 0;
  /// What it decided is in Redis.
  virtual void on_committed() = 0;
  /// What was sent with the commit is answered, too.
  virtual void on_commit_over() = 0;
  /// The operation cannot go on, and what it has is not to be trusted: reset it.
  virtual void on_failed(const TurnFailure& failure) = 0;
};

}  // namespace mas::gateway
