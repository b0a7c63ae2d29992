// The key mas.index: exists while an active registryd keeps a complete index.
//
// Happy path: announce() sets it with a TTL, a timer renews it (by a script that compares the owner and uses PEXPIRE,
// which Redis takes even when it is out of memory), withdraw() deletes it if it is ours.
//
// A killed owner leaves the key behind, and nobody keeps what it promises. So a process that starts gives another's key
// only kDoubt more to live; a living owner hears of the start (DAEMON_UP) and renews at once by renew_now().
//
//     absent ──announce──▶ setting ──OK──▶ present ⟲ renewals
//       ▲                    │ error          │ not there any more, error
//       └── withdraw ────────┴── on_marker_lost ◀┘
//
// A renewal that finds the key gone, or another's, means that Redis lost data or that this process slept: the index may
// be lost too. The marker is then absent and its owner told.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside on_marker_lost; does not withdraw.
#pragma once

#include <string>

#include "proto/base/state_machine.h"
#include "proto/redis/client.h"
#include "proto/redis/loop.h"

namespace mas::registry {

class IndexMarkerListener {
 public:
  virtual ~IndexMarkerListener() = default;
  virtual void on_marker_lost(const Error& why) = 0;
};

class IndexMarker {
 public:
  enum class State : uint8_t { kAbsent, kSetting, kPresent };
  static constexpr Duration kTtl = std::chrono::seconds(3);
  static constexpr Duration kRenewal = std::chrono::seconds(1);
  static constexpr Duration kDoubt = std::chrono::milliseconds(500);

  IndexMarker(uv_loop_t* loop, redis::Client& redis, std::string key, std::string owner, IndexMarkerListener& listener);
  ~IndexMarker() { redis_.forget(this); }
  IndexMarker(const IndexMarker&) = delete;
  IndexMarker& operator=(const IndexMarker&) = delete;

  void announce();
  /// Deletes the key if it is ours. Without a link it ends by its TTL.
  void withdraw();
  /// Deletes the key whoever set it: what a former owner said is not known to be true any more.
  void clear();
  /// Gives the key of another owner than `owner` kDoubt more to live.
  static void doubt(redis::Client& redis, const std::string& key, const std::string& owner);
  /// Renews soon: somebody may have doubted the key. Many calls make one renewal.
  void renew_now();
  bool present() const { return state_.is(State::kPresent); }

 private:
  void renew();
  void on_set(uint64_t tag, const redis::Answer& answer);
  void on_renewed(uint64_t tag, const redis::Answer& answer);
  void lose(const Error& why);

  redis::Client& redis_;
  std::string key_, owner_;
  IndexMarkerListener& listener_;
  StateMachine<State> state_;
  bool hurried_ = false;
  redis::Timer timer_;
};

}  // namespace mas::registry
