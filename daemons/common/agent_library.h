// Keeps the agents' function library (proto/wire/agent_functions.h) loaded in Redis. Every daemon does
// so, whichever starts first. It is loaded again after a loss: a restart without a file, FUNCTION FLUSH, another
// primary. On a cluster each primary has its own.
//
// Happy path: checks with each new link and every five seconds, and loads the library where it is missing. A library of
// that name with another text runs with every agent's rights: it is replaced, and an error is logged.
// Failure: a Redis before 7 has no functions, and agents do without; any other refusal is logged (RepeatFilter), and
// the check is repeated.
// Threading: loop thread. Ownership: the daemon's; the references must outlive it.
#pragma once

#include <vector>

#include "daemons/common/log.h"
#include "proto/redis/client.h"
#include "proto/redis/loop.h"

namespace mas::common {

class AgentLibrary {
 public:
  AgentLibrary(uv_loop_t* loop, redis::Client& redis, Log& log);
  ~AgentLibrary() { redis_.forget(this); }

  /// Redis is up: looks now and from now on.
  void resume();
  void pause() { timer_.stop(); }

 private:
  void look();
  void on_listed(uint64_t tag, const redis::Answer& answer);
  void on_loaded(uint64_t tag, const redis::Answer& answer);
  void refused(const redis::Reply& error);

  redis::Client& redis_;
  std::vector<redis::Node> primaries_;  // that were asked last, by tag
  Log& log_;
  RepeatFilter repeat_;
  redis::Timer timer_;
};

}  // namespace mas::common
