// Listens at several sentinels at once for what they tell about a primary.
//
// Happy path: up to three sentinels are subscribed to, in the roster's order. Whatever may mean that a sentinel has
// changed its mind is a hint, and the listener asks that sentinel: `+switch-master` of this primary, a sentinel that
// joined, a subscription (what came before it was missed), and every ten seconds or so the next sentinel of the roster.
// Failure: a sentinel that cannot be heard three times in a row is replaced by another one of the roster.
// Threading: one loop, its thread. Ownership: as Connection.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/redis/loop.h"
#include "proto/redis/sentinel/roster.h"
#include "proto/redis/subscriber.h"

namespace mas::redis {

class WatchListener {
 public:
  virtual ~WatchListener() = default;
  /// The sentinel should be asked.
  virtual void on_hint(const Node& sentinel) = 0;
  /// No sentinel is heard any more. @param why of the last one.
  virtual void on_deaf(const Error& why) = 0;
  /// A sentinel is heard, the first one since the start or since on_deaf().
  virtual void on_hearing(const Node& sentinel) = 0;
};

class Watch {
 public:
  /// @param endpoint with Topology::kSentinel. Like the roster, it outlives the watch.
  Watch(uv_loop_t* loop, const Endpoint& endpoint, const std::string& client_name, const Roster& roster,
        WatchListener& listener);
  ~Watch();

  /// Listens to more sentinels, if the roster has some.
  void fill();

 private:
  class Ear;
  void on_ear_hears(Ear& ear);
  void on_ear_fails(Ear& ear, const Error& why);
  bool is_heard() const;
  void replace_failed();
  const Node* unused_node();
  std::unique_ptr<Ear> make_ear(const Node& sentinel);
  void ask_next();

  uv_loop_t* loop_;
  const Endpoint& endpoint_;
  const std::string client_name_;
  const Roster& roster_;
  WatchListener& listener_;
  std::vector<std::unique_ptr<Ear>> ears_;
  size_t next_ear_ = 0;       // where in the roster to look for another sentinel
  size_t next_question_ = 0;  // which sentinel of the roster is asked next
  bool hearing_ = false;
  Timer replace_;
  Timer ask_;
};

}  // namespace mas::redis
