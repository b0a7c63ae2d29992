// Waits for the first element of a partition's list without taking it.
//
// BLMOVE key key LEFT LEFT blocks while the list is empty and then moves its head onto itself: a peek. A blocked
// connection can do nothing else, so each partition that is waited for has one of its own. The peek brings the element,
// too: one that is too large ends the link before it has come. Behind it, in the same write, comes how large the list
// is.
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
  /// @param list_bytes about what its list takes; 0: not known. @param too_large its head is too large to be read.
  virtual void on_work(unsigned partition, uint64_t list_bytes, bool too_large) = 0;
};

class Peek final : redis::ConnectionListener {
 public:
  Peek(uv_loop_t* loop, redis::ConnectionOptions options, unsigned partition, std::string key, PeekListener& listener);
  ~Peek() override;

  /// Tells on_work() once when there is an element, also when there is one already.
  void arm();
  /// on_work() is not called any more.
  void disarm() { wanted_ = false; }
  void renew_link() {
    connection_.drop_link(Error{Errc::kUnavailable, "the connection that reads was made anew"});
  }

 private:
  void ask();
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void notify(uint64_t list_bytes = 0, bool too_large = false);
  void on_ready(redis::Connection&) override { ask(); }
  void on_down(redis::Connection&, const Error&, unsigned) override {}

  const unsigned partition_;
  const std::string key_;
  PeekListener& listener_;
  bool wanted_ = false;
  bool blocked_ = false;
  bool seen_ = false;  // an element; how large the list is comes next
  redis::Timer pause_;
  redis::Connection connection_;
};

}  // namespace mas::gateway
