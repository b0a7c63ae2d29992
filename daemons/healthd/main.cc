// mas-healthd: says who is alive.
#include "daemons/healthd/healthd.h"

namespace {

std::unique_ptr<mas::common::Settings> make_settings() { return std::make_unique<mas::health::Settings>(); }

std::unique_ptr<mas::common::Service> make_service(mas::common::Frame& frame, const mas::common::Settings& settings) {
  return std::make_unique<mas::health::Healthd>(frame, static_cast<const mas::health::Settings&>(settings));
}

}  // namespace

int main(int argc, char** argv) {
  mas::common::DaemonKind kind{"healthd", "Watches the heartbeats of agents and daemons, and records which are alive.",
                               &make_settings, &make_service};
  return mas::common::daemon_main(kind, argc, argv);
}
