// A process of a benchmark, seen from the one that started it: masctl itself with the hidden command `bench-worker`.
//
// Happy path: start() spawns it before this process has any thread, and waits for "ready"; ask() sends a line and waits
// for the answer. A worker answers "error CODE …" when something went wrong on its side: that is the error of the call.
// The destructor closes the channel, on which the worker stops its agents and ends, and waits for it; after 10 s it
// kills it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "proto/base/result.h"
#include "sdk/bench/line_channel.h"
#include "sdk/masctl/cli/globals.h"

namespace mas::ctl {

struct WorkerSpec {
  std::string role;  ///< see worker_main.cc
  std::string self;  ///< the worker's agent id, or the channel it hears on
  std::string peer;  ///< whom it talks to
  size_t payload_bytes = 0;
  int ack_fd = -1;                     ///< end of the pipe that acknowledgements go through, or a FlowPage; -1: none
  std::vector<std::string> more = {};  ///< further options of its role
  Duration start_time = std::chrono::seconds(5);  ///< to become ready, besides the time-out for Redis
};

class WorkerProcess {
 public:
  static Result<std::unique_ptr<WorkerProcess>> start(const Settings& settings, const WorkerSpec& spec);
  /// Starts without waiting: the first answer() is then "ready".
  static Result<std::unique_ptr<WorkerProcess>> spawn(const Settings& settings, const WorkerSpec& spec);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  Status send_line(const std::string& line);
  Result<std::string> answer(Duration timeout);
  Result<std::string> ask(const std::string& line, Duration timeout);

 private:
  WorkerProcess(pid_t pid, LineChannel channel, std::string role)
      : pid_(pid), channel_(std::make_unique<LineChannel>(std::move(channel))), role_(std::move(role)) {}

  pid_t pid_;
  std::unique_ptr<LineChannel> channel_;
  std::string role_;
};

/// Descriptors that a worker inherits.
inline constexpr int kControlFd = 3;
inline constexpr int kAckFd = 4;

/// A pipe for acknowledgements; closed with the object.
class AckPipe {
 public:
  static Result<std::unique_ptr<AckPipe>> open();
  ~AckPipe();
  AckPipe(const AckPipe&) = delete;
  AckPipe& operator=(const AckPipe&) = delete;
  int read_end() const { return fds_[0]; }
  int write_end() const { return fds_[1]; }

 private:
  AckPipe() = default;
  int fds_[2] = {-1, -1};
};

}  // namespace mas::ctl
