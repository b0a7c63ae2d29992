// A walk over keys (SCAN) or over a set's members (SSCAN) that never hogs Redis.
//
// On a cluster a walk over keys goes from one primary to the next. All of them are asked for their slots before it and
// after it (redis::WalkCheck): where slots were moved meanwhile, or are being moved, it begins again, since keys may
// have gone past it; where that goes on, it fails.
//
// Happy path: walk_keys() or walk_set(); for each page the receiver gets the names, does what it has to do with them,
// also asynchronously, and calls next(); after the last page comes on_scan_end(ok). As SCAN promises: what is there
// during the whole walk is seen at least once.
//
//     idle ──walk──▶ asking ──page──▶ holding ──next()──▶ pausing ──▶ asking …
//      ▲                │ error           │ last page was dealt with
//      └────────────────┴─────────────────┘                       cancel() from anywhere ──▶ idle
//
// Pace: a page asks Redis for a bounded amount of work, and the next one waits until the receiver has dealt with it. A
// gentle walk then rests three times as long as the page took, so that it takes at most a quarter of anybody's time and
// less when Redis is slow; a quick one, for when somebody waits for its end, does not rest.
// A name may be as long as any text of Redis: what is longer than kNameBytes stays in Redis, and the receiver is told.
// Failure: on_scan_end with the error; the walk is over.
// Threading: loop thread. Ownership: may be destroyed at any time, also inside on_scan_end, but not inside
// on_scan_page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemons/common/slot_survey.h"
#include "proto/base/clock.h"
#include "proto/base/state_machine.h"
#include "proto/redis/client.h"
#include "proto/redis/loop.h"

namespace mas::common {

class KeyScanReceiver {
 public:
  virtual ~KeyScanReceiver() = default;
  /// A page, possibly empty, possibly with names that came before. The views live until next() is called or this
  /// returns, whichever is first.
  virtual void on_scan_page(const std::vector<std::string_view>& names) = 0;
  /// Before the page that it would be on: a name that is left out. @param why how long it is, and may be.
  virtual void on_scan_left_out(const Error& why) = 0;
  virtual void on_scan_end(const Status& status) = 0;
};

class KeyScanOp {
 public:
  static constexpr size_t kNameBytes = 1024;  ///< no key or member of ours is longer
  enum class Pace : uint8_t { kGentle, kQuick };
  enum class State : uint8_t { kIdle, kAsking, kHolding, kPausing };

  KeyScanOp(uv_loop_t* loop, redis::Client& redis, KeyScanReceiver& receiver);
  ~KeyScanOp();
  KeyScanOp(const KeyScanOp&) = delete;
  KeyScanOp& operator=(const KeyScanOp&) = delete;

  /// @param pattern as SCAN MATCH takes it. @param type as SCAN TYPE takes it, such as "hash".
  void walk_keys(std::string pattern, std::string type, Pace pace);
  void walk_set(std::string key, Pace pace);
  /// The page was dealt with. May be called from inside on_scan_page.
  void next();
  /// Ends the walk without a call to the receiver.
  void cancel();

  bool idle() const { return state_.is(State::kIdle); }
  /// Whether the last walk ended because the key is not a set.
  bool wrong_type() const { return wrong_type_; }

 private:
  void start(Pace pace);
  redis::Command page_command() const;
  void ask();
  void ask_page();
  void on_page(uint64_t tag, const redis::Answer& answer);
  void finish(const Status& status);

  bool next_primary();
  void begin();
  void survey();
  void on_surveyed(const Status& status);

  redis::Client& redis_;
  KeyScanReceiver& receiver_;
  StateMachine<State> state_;
  std::string set_;  // empty: a walk over keys
  std::string pattern_;
  std::string type_;
  std::string cursor_;
  std::vector<redis::Node> primaries_;  // of a walk over keys
  size_t at_ = 0;                       // the one that is walked over
  SlotSurvey survey_;                   // on a cluster
  redis::WalkCheck check_;              // what it says
  Pace pace_ = Pace::kGentle;
  bool wrong_type_ = false;
  MonoTime asked_{};
  std::vector<std::string_view> names_;
  redis::Timer timer_;
};

}  // namespace mas::common
