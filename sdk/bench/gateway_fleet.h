// The processes of `bench gateway`: senders, receivers, and the rounds that they run together.
//
// `processes` of each kind share the agents evenly. Sender i talks to receivers i, i + 1, … i + fan_out - 1 in turn, so
// each has as many receivers as the plan says whatever the number of agents.
//
// A round: the receivers are told to count, the senders to send; when these have their receipts, the receivers are
// given time for what is still on its way, and everybody's tally is added up.
// Failure: of a worker or a round is the error of the call. Threading: none.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sdk/bench/gateway_flow.h"
#include "sdk/bench/gateway_tally.h"
#include "sdk/bench/progress.h"
#include "sdk/bench/worker_process.h"
#include "sdk/bench/worker_role.h"

namespace mas::ctl {

struct FleetPlan {
  std::string prefix;  ///< of the agents' ids: prefix + "s" + number, prefix + "r" + number
  size_t senders = 8, receivers = 8;
  size_t processes = 8;  ///< of each kind, at most
  size_t fan_out = 8;
  size_t payload = 256;
  size_t in_flight = 0;
  std::string credentials;  ///< directory of credentials files; empty: none

  std::string sender_prefix() const { return prefix + "s"; }
  std::string receiver_prefix() const { return prefix + "r"; }
};

class Fleet {
 public:
  struct RoundTallies {
    SentTally sent;
    ReceivedTally received;
  };

  static Result<std::unique_ptr<Fleet>> start(const Settings& settings, const FleetPlan& plan,
                                              const Progress& progress);
  /// @param order its rate is that of all senders together. @param title what progress says.
  Result<RoundTallies> run(const RoundOrder& order, const std::string& title);

 private:
  using Workers = std::vector<std::unique_ptr<WorkerProcess>>;

  Fleet(const FleetPlan& plan, const Progress& progress) : plan_(plan), progress_(progress) {}
  Status start_side(const Settings& settings, bool senders);
  void show(const std::string& title) const;
  Result<SentTally> send(const RoundOrder& order, const std::string& title);
  void wait_for_arrivals(uint64_t expected, const std::string& title);

  FleetPlan plan_;
  const Progress& progress_;
  std::unique_ptr<FlowPage> flow_;
  Workers receivers_, senders_;
};

}  // namespace mas::ctl
