// mas-registryd: keeps the index of agents and capabilities.
#include "daemons/registryd/registryd.h"

namespace {

std::unique_ptr<mas::common::Settings> make_settings() { return std::make_unique<mas::registry::Settings>(); }

std::unique_ptr<mas::common::Service> make_service(mas::common::Frame& frame, const mas::common::Settings& settings) {
  return std::make_unique<mas::registry::Registryd>(frame, static_cast<const mas::registry::Settings&>(settings));
}

}  // namespace

int main(int argc, char** argv) {
  mas::common::DaemonKind kind{"registryd", "Keeps the index of agents and capabilities that discovery uses.",
                               &make_settings, &make_service};
  return mas::common::daemon_main(kind, argc, argv);
}
