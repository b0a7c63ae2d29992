// A host's addresses, looked up without blocking the loop: a thread per name.
//
// Happy path: an IP address needs no thread; for a name getaddrinfo(3) runs on a thread of its own. `done` is called on
// the loop when it has ended. libuv's threads are not used: libuv aborts the process when it cannot make them, waits
// for all of them at exit(), and hangs the exit() of a forked child.
// Failure: no such name; no room for a thread.
// Threading: the loop's thread. Ownership: may be destroyed at any time, also inside of `done`; a thread that is still
// running then ends by itself without a callback.
#pragma once

#include <netdb.h>
#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "proto/base/result.h"

namespace mas::redis {

class Lookup {
 public:
  /// @param done called once, later.
  Lookup(uv_loop_t* loop, std::string host, uint16_t port, std::function<void()> done);
  ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  bool is_of(const std::string& host, uint16_t port) const { return host == host_ && port == port_; }
  bool over() const { return over_; }
  /// Once over. @return why there are no addresses.
  const Status& status() const { return status_; }
  /// After the end of the lookup. @return the next address to try; null after the last one.
  const addrinfo* next();
  bool has_next() const { return next_ != nullptr; }

 private:
  struct Job;
  void answered();

  const std::string host_;
  const uint16_t port_;
  const std::function<void()> done_;
  std::shared_ptr<Job> job_;  // shared with the thread
  bool over_ = false;
  Status status_;
  addrinfo* found_ = nullptr;
  const addrinfo* next_ = nullptr;
};

}  // namespace mas::redis
