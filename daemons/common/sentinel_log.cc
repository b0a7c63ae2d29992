// Log lines about sentinels.
#include "daemons/common/sentinel_log.h"

namespace mas::common {

void SentinelLog::on_switch(const redis::Naming& from, const redis::Naming& to, const redis::Node& by) {
  log_.warn("primary_switched", {{"from", from.server.text()},
                                 {"to", to.server.text()},
                                 {"epoch", static_cast<int64_t>(to.epoch)},
                                 {"sentinel", by.text()}});
}

void SentinelLog::on_sentinels_lost(const Error& why) {
  log_.warn("sentinels_lost", {{"why", why.message}, {"consequence", "connections to Redis are kept as they are"}});
}

void SentinelLog::on_sentinels_heard(const redis::Node& sentinel) {
  log_.info("sentinels_heard", {{"sentinel", sentinel.text()}});
}

}  // namespace mas::common
