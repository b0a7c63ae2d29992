// Checks Redis's clock with every batch of reads whose keys may have expired too soon, before their results are used;
// on a cluster the clock of each primary.
//
// Happy path: ask() before a batch is sent; the answers come before the batch's, and `stepped` is called where a clock
// was set forward since the answer before, whoever asked for that one.
// Failure modes: without the right to TIME nothing is seen. A link that is lost answers nothing: the next batch asks
// anew.
// Threading: loop thread. Ownership: outlives those who ask.
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "daemons/healthd/clock_step.h"
#include "proto/redis/client.h"
#include "proto/redis/reply_values.h"

namespace mas::health {

class ServerClock {
 public:
  ServerClock(redis::Client& redis, std::function<void()> stepped) : redis_(redis), stepped_(std::move(stepped)) {}
  ~ServerClock() { redis_.forget(this); }
  ServerClock(const ServerClock&) = delete;
  ServerClock& operator=(const ServerClock&) = delete;

  void ask() {
    for (const redis::Node& server : redis_.primaries()) {
      asked_[++last_] = {server, mono_now()};
      const auto to = redis::reply_to<&ServerClock::on_time>(this, last_);
      if (!redis_.send_to(server, redis::Command("TIME"), to)) asked_.erase(last_);
    }
  }

 private:
  struct Asked {
    redis::Node server;
    MonoTime sent;
  };

  void on_time(uint64_t tag, const redis::Answer& answer) {
    auto asked = asked_.extract(tag);
    if (asked.empty() || !answer.ok()) return;
    const auto& [server, sent] = asked.mapped();
    const auto theirs = redis::time_of(**answer);
    if (theirs && steps_[server].answered(*theirs, sent, mono_now())) stepped_();
  }

  redis::Client& redis_;
  const std::function<void()> stepped_;
  std::map<redis::Node, ClockStep> steps_;
  std::map<uint64_t, Asked> asked_;  // by tag
  uint64_t last_ = 0;
};

}  // namespace mas::health
