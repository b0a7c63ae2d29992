// A blocking connection to Redis: what a lean C program would use, and so the ceiling that libmas is measured against.
//
// No loop, no threads: write(2) and read(2), commands by append_command, replies by ReplyReader. Replies that do not
// come within 10 s are kTimeout, so that no benchmark hangs. TCP and unix sockets; TLS is refused.
#pragma once

#include <memory>
#include <string_view>

#include "proto/base/result.h"
#include "proto/redis/reply.h"
#include "proto/redis/url.h"

namespace mas::ctl {

class RawLink {
 public:
  /// Connects, logs in and selects the database.
  static Result<std::unique_ptr<RawLink>> open(const redis::Endpoint& endpoint);
  ~RawLink();
  RawLink(const RawLink&) = delete;
  RawLink& operator=(const RawLink&) = delete;

  Status write(std::string_view bytes);
  /// Waits for the next reply. @return it, valid until the next read; an error reply is the error.
  Result<const redis::Reply*> read();
  /// @return the next reply that is here already; nullptr when there is none.
  Result<const redis::Reply*> read_available();
  /// Writes one command and waits for its reply.
  Result<const redis::Reply*> call(std::string_view command);

 private:
  explicit RawLink(int fd) : fd_(fd) {}
  Status greet(const redis::Endpoint& endpoint);
  Status receive(int flags, bool& ret_got);

  int fd_;
  redis::ReplyReader reader_;
};

}  // namespace mas::ctl
