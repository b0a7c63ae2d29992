// What registryd counts.
#pragma once

#include "daemons/common/metrics.h"
#include "proto/wire/events.h"

namespace mas::registry {

struct Stats {
  explicit Stats(common::Metrics& metrics);

  /// The counter for an event of this type; of kUnknown: a type that this version does not know.
  common::Counter& event(EventType type);

  common::Gauge& active;
  common::Gauge& complete;
  common::Gauge& agents;
  common::Gauge& capabilities;
  common::Gauge& invalid_entries;
  common::Gauge& users;
  common::Counter& users_written;
  common::Counter& users_removed;
  common::Counter& not_indexed;
  common::Counter& events_malformed;
  common::Counter& events_overflow;
  common::Counter& lookups;
  common::Counter& index_writes;
  common::Counter& reconciles;
  common::Counter& reconcile_failures;
  Histogram& reconcile_seconds;

 private:
  common::Metrics& metrics_;
};

}  // namespace mas::registry
