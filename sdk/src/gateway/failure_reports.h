// Tells the gateway of handlers that failed, so that it delivers the messages again, and of no message twice while this
// instance lives.
//
//     Deliveries ──take_failed()──▶ waiting ──outbox──▶ under way ──accepted──▶ Deliveries::reported()
//                                      ▲                    │ refused, unknown
//                                      └──── again, later ◀─┘
//
// Failure: one that the gateway calls malformed or too large would be so again: it is counted and not made again, its
// entry stays unacknowledged. Any other report that is not accepted, or finds no room in the outbox, is made again,
// each after a wait of its own, for as long as the instance lives; its entry is not acknowledged until then. So what is
// never reported is handled again, by whoever claims the entry.
// Bounded: what waits here counts as not handled (Deliveries::full), so no more is read past the inbound bound.
// Threading: the I/O thread. Ownership: the mode's.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "proto/base/ids.h"
#include "proto/redis/loop.h"
#include "sdk/src/core/mode_host.h"
#include "sdk/src/gateway/dedupe_window.h"
#include "sdk/src/gateway/deliveries.h"
#include "sdk/src/gateway/outbox.h"

namespace mas::sdk {

class FailureReports {
 public:
  FailureReports(ModeHost& host, GatewayOutbox& outbox, Deliveries& deliveries, DedupeWindow& dedupe);

  /// The mode is open: handlers' time is watched from now on.
  void open();
  /// Reports what has failed.
  void send();
  void on_outcome(const Id128& id, const SendOutcome& outcome);
  /// The handlers' time is watched no more.
  void close();

 private:
  void on_time();
  void plan(MonoTime earliest);

  ModeHost& host_;
  GatewayOutbox& outbox_;
  Deliveries& deliveries_;
  DedupeWindow& dedupe_;
  redis::Timer time_, again_;
  std::vector<Failure> taken_;
  std::multimap<MonoTime, Failure> waiting_;            // by when they are reported
  std::unordered_map<std::string, Failure> under_way_;  // by the report's id
};

}  // namespace mas::sdk
