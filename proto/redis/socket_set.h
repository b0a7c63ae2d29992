// A descriptor that polls as readable when one of several sockets is (epoll).
//
// For who waits for what comes to a loop, and not for the answers to what is sent.
// Threading: any; poll `fd()` from any thread. Ownership: outlives the connections that are listed in it.
#pragma once

#include <uv.h>

#include "proto/base/result.h"

namespace mas::redis {

class SocketSet {
 public:
  SocketSet() = default;
  ~SocketSet();
  SocketSet(const SocketSet&) = delete;
  SocketSet& operator=(const SocketSet&) = delete;

  /// Before anything else. @return kNoMemory without a descriptor.
  Status open();
  /// The loop's connections for subscriptions list their sockets here. Before there are any; outlives them.
  void serve(uv_loop_t& loop) { loop.data = this; }
  /// @return null: the loop has none.
  static SocketSet* of(const uv_loop_t* loop) { return static_cast<SocketSet*>(loop->data); }
  int fd() const { return fd_; }
  /// A socket that cannot be added is missing in the set, and nothing else.
  void add(int socket);
  /// Before the socket is closed: in a forked child it may stay open.
  void remove(int socket);

 private:
  int fd_ = -1;
};

}  // namespace mas::redis
