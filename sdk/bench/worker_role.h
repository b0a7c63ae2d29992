// What a benchmark's process does: one role, told by lines what to do.
//
// A pair of roles is one side of a comparison: libmas ("agent-…") or plain sockets ("raw-…"). In every round the active
// one (sender, requester) sends stamped payloads and ends with the mark kEndOfRound, at which the passive one
// (receiver, responder) is done, too. Both then answer with a Round.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proto/base/clock.h"
#include "proto/base/result.h"
#include "sdk/bench/stamp.h"
#include "sdk/bench/stats.h"
#include "sdk/masctl/cli/globals.h"

namespace mas::ctl {

/// One round, as the coordinator orders it.
struct RoundOrder {
  uint32_t round = 0;
  Duration time{};     ///< no message is begun after this long
  uint64_t count = 0;  ///< nor more than so many
  uint64_t rate = 0;   ///< messages per second; 0: as fast as it goes

  std::string to_line() const;
  static Result<RoundOrder> from_line(std::string_view line);
};

/// When message number n of a round is due.
class Pace {
 public:
  explicit Pace(const RoundOrder& order) : order_(order), begin_(mono_now()) {}
  /// Sleeps until message `n` is due. @return its time, or nullopt-like false when the round is over.
  bool next(uint64_t n, uint64_t& ret_nanos) const;

 private:
  const RoundOrder& order_;
  MonoTime begin_;
};

/// Counts what arrives in a round.
class Arrivals {
 public:
  explicit Arrivals(uint32_t round) : round_(round) {}
  /// @return whether this payload ended the round. Payloads of other rounds are ignored.
  bool take(std::string_view payload);
  Round result();

 private:
  uint32_t round_;
  uint64_t expected_ = 0;
  uint64_t first_ = 0, last_ = 0;
  SequenceCheck sequence_;
  Histogram latency_;
};

/// What a worker process does with a line of the coordinator's.
class Worker {
 public:
  virtual ~Worker() = default;
  /// @return the answer, one line.
  virtual Result<std::string> obey(const std::string& line) = 0;
  /// Goes on with its own work, if it has any between two lines, until `control_fd` is readable.
  virtual void wait(int control_fd) { (void)control_fd; }
};

/// One side of a comparison in rounds.
///
///   round …          run a round, answer its result
///   sample           answer the first envelope that came
///   envelope JSON    use this envelope from now on, answer "ok"
class WorkerRole : public Worker {
 public:
  Result<std::string> obey(const std::string& line) final;
  virtual Result<Round> run(const RoundOrder& order) = 0;
  /// A passive role: the first envelope that came, whole. An active raw role is given it by use_envelope.
  virtual std::string sample() const { return {}; }
  virtual Status use_envelope(const std::string&) { return {}; }
};

struct RoleOptions {
  std::string role, self, peer;
  size_t payload_bytes = 0;
  // Of `bench gateway`, see gateway_fleet.h: this process plays agents self+first … self+(first + agents - 1).
  size_t slot = 0, first = 0, agents = 1, peers = 1, fan_out = 1, in_flight = 0;
  std::string credentials;  ///< directory of credentials files; empty: none
};

/// The roles, by what they speak.
Result<std::unique_ptr<WorkerRole>> make_agent_role(const Settings& settings, const RoleOptions& options);
Result<std::unique_ptr<WorkerRole>> make_raw_role(const Settings& settings, const RoleOptions& options);
Result<std::unique_ptr<Worker>> make_gateway_role(const Settings& settings, const RoleOptions& options);

/// @return processor time of this process, all threads, in nanoseconds.
uint64_t process_cpu_nanos();

/// How many messages of this payload size may be under way, so that Redis never cuts a subscriber off (its default is
/// 8 MiB for a minute, 32 MiB at once).
size_t window_messages(size_t payload_bytes);

/// The sender's end of flow control: waits until the receiver has taken enough. Blocking pipe of cumulative counts.
class SendWindow {
 public:
  SendWindow(int fd, size_t messages) : fd_(fd), messages_(messages) {}
  /// Waits for room for one more message. @return kTimeout after 10 s without an acknowledgement.
  Status acquire();

 private:
  Status read_acks();

  int fd_;
  uint64_t messages_;
  uint64_t sent_ = 0, acked_ = 0;
};

/// The receiver's end.
class AckWriter {
 public:
  AckWriter(int fd, size_t window) : fd_(fd), step_(window / 16 + 1) {}
  void arrived();

 private:
  int fd_;
  uint64_t step_;
  uint64_t total_ = 0;
};

}  // namespace mas::ctl
