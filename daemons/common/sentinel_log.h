// What the sentinels tell, for the log.
//
// Threading: loop thread. Ownership: outlives the Sentinels that it listens to.
#pragma once

#include "daemons/common/log.h"
#include "proto/redis/sentinel/sentinels.h"

namespace mas::common {

class SentinelLog final : public redis::SentinelsListener {
 public:
  explicit SentinelLog(Log& log) : log_(log) {}

  void on_switch(const redis::Naming& from, const redis::Naming& to, const redis::Node& by) override;
  void on_sentinels_lost(const Error& why) override;
  void on_sentinels_heard(const redis::Node& sentinel) override;

 private:
  Log& log_;
};

}  // namespace mas::common
