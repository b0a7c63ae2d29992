// A private redis-server for a test: unix socket (and TCP or TLS port if asked) in a temporary directory.
//
// Happy path: the constructor starts it and returns when it answers; the destructor kills it and removes the
// directory. Failure: throws std::runtime_error with the server's own output; a test then fails with it. Only
// the process that was started here is ever signalled, by its id. Threading: none.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace mas::test {

class RedisServer {
 public:
  /// @param extra further arguments, such as {"--requirepass", "secret"}. "@DIR@" in them is the directory.
  explicit RedisServer(std::vector<std::string> extra = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  /// Starts it again after stop(). Data survives only with persistence among the extra arguments.
  void start();
  /// SIGKILL, waits for the end.
  void stop();
  void restart() {
    stop();
    start();
  }
  /// SIGSTOP: it hangs, connections stay open. SIGCONT.
  void freeze();
  void thaw();

  std::string url() const { return "unix://" + socket_; }
  const std::string& socket() const { return socket_; }
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
  std::string socket_;
  std::vector<std::string> extra_;
  pid_t pid_ = -1;
  const pid_t owner_ = getpid();
};

/// @return a TCP port of 127.0.0.1 that was free a moment ago. For servers that cannot choose one themselves.
int unused_port();

}  // namespace mas::test
