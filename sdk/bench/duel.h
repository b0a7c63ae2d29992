// libmas against plain sockets, in alternating rounds of the same run.
//
// A machine's speed drifts while a benchmark runs. So the two sides take turns in short rounds, each pair of rounds
// gives a ratio, and the median of the ratios counts.
// Failure: of a worker or a round is the error of the call. Threading: none.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sdk/bench/progress.h"
#include "sdk/bench/stats.h"
#include "sdk/bench/worker_process.h"
#include "sdk/bench/worker_role.h"
#include "sdk/masctl/commands/bench_options.h"

namespace mas::ctl {

/// @return kInvalidArgument that names the option.
Status check(const BenchOptions& options);

/// One side: an active and a passive process.
class WorkerPair {
 public:
  struct Spec {
    std::string side;     ///< "agent" or "raw"
    std::string active;   ///< "sender"
    std::string passive;  ///< "receiver"
    bool acks = false;    ///< give them a pipe for flow control
  };
  struct Rounds {
    Round active, passive;
  };

  static Result<std::unique_ptr<WorkerPair>> start(const Settings& settings, const Spec& spec, size_t payload);
  Result<Rounds> run(const RoundOrder& order);
  /// @return the first envelope that the passive process was sent.
  Result<std::string> sample() { return passive_->ask("sample", std::chrono::seconds(10)); }
  Status use_envelope(const std::string& envelope);

 private:
  WorkerPair() = default;
  std::unique_ptr<AckPipe> acks_;
  std::unique_ptr<WorkerProcess> passive_;
  std::unique_ptr<WorkerProcess> active_;
};

class Duel {
 public:
  /// Starts all four processes and warms both sides up.
  static Result<std::unique_ptr<Duel>> start(const Settings& settings, const BenchOptions& options,
                                             const std::string& active, const std::string& passive, bool acks,
                                             const Progress& progress);

  /// What a pair of alternating rounds was.
  struct Exchange {
    WorkerPair::Rounds ours, raw;
  };
  /// Runs the measured rounds. @param rate messages per second; 0: as fast as it goes.
  Result<std::vector<Exchange>> fight(uint64_t rate, unsigned rounds, Duration time, const std::string& what);

 private:
  Duel(const BenchOptions& options, const Progress& progress) : options_(options), progress_(progress) {}
  RoundOrder next_order(Duration time, uint64_t count, uint64_t rate);

  const BenchOptions& options_;
  const Progress& progress_;
  std::unique_ptr<WorkerPair> ours_;
  std::unique_ptr<WorkerPair> raw_;
  uint32_t round_ = 0;
};

/// Picks rounds out of exchanges, for summarize().
using Pick = const Round& (*)(const Duel::Exchange&);
std::vector<Round> rounds_of(const std::vector<Duel::Exchange>& exchanges, Pick pick);

/// @return the median over the exchanges of `value(ours) / value(raw)`.
double median_ratio(const std::vector<Duel::Exchange>& exchanges, Pick ours, Pick raw, double (*value)(const Round&));

}  // namespace mas::ctl
