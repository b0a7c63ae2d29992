// The metrics of healthd.
#pragma once

#include "daemons/common/metrics.h"

namespace mas::health {

struct Stats {
  explicit Stats(common::Metrics& metrics);

  common::Gauge& active;
  common::Gauge& agents_unknown;
  common::Gauge& agents_waiting;
  common::Gauge& agents_active;
  common::Gauge& agents_inactive;
  common::Gauge& agents_suppressed;
  common::Gauge& registryds;
  common::Gauge& gatewayds;
  common::Gauge& healthds;
  common::Counter& to_active;
  common::Counter& to_inactive;
  common::Counter& flapping;
  common::Counter& daemons_lost;
  common::Counter& lookups;
  common::Counter& scans;
  common::Counter& hints_event;
  common::Counter& hints_keyspace;
  common::Counter& dropped;
  common::Counter& late_looks;
  common::Counter& outages;
  Histogram& lateness;
};

}  // namespace mas::health
