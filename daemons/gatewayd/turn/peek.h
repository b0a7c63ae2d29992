// Waits for the first element of a partition's list without taking it.
//
// BLMOVE key key LEFT LEFT blocks while the list is empty and then moves its head onto itself: a peek. A blocked
// connection can do nothing else, so each partition that is waited for has one of its own.
//
//     idle ──arm──▶ blocked ──an element──▶ idle, on_work()
//                      │ nothing in kBlock: asks again while it is wanted
//                      ▼ link lost: asks again when it is back; an error: on_work() after a pause
//
// Threading: loop thread. Ownership: may be destroyed at any time but from inside its listener.
#pragma once

#include <memory>
#include <string>

#include "proto/redis/connection.h"
#include "proto/redis/loop.h"

namespace mas::gateway {

class PeekListener {
 public:
  virtual ~PeekListener() = default;
  virtual void on_work(unsigned partition) = 0;
};

class Peek final : redis::ConnectionListener {
 public:
  Peek(uv_loop_t* loop, redis::ConnectionOptions options, unsigned partition, std::string key, PeekListener& listener);
  ~Peek() override;

  /// Tells on_work() once when there is an element, also when there is one already.
  void arm();
  /// on_work() is not called any more.
  void disarm() { wanted_ = false; }

 private:
  void ask();
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void tell();
  void on_ready(redis::Connection&) override { ask(); }
  void on_down(redis::Connection&, const Error&, unsigned) override {}

  const unsigned partition_;
  const std::string key_;
  PeekListener& listener_;
  bool wanted_ = false;
  bool blocked_ = false;
  redis::Timer pause_;
  redis::Connection connection_;
};

}  // namespace mas::gateway
