// mas-gatewayd.
#include "daemons/gatewayd/gateway_service.h"

int main(int argc, char** argv) {
  using namespace mas;
  static constexpr common::DaemonKind kKind{
      "gatewayd", "The MAS gateway: the policy path of messages: authenticates, authorises, limits, audits, delivers.",
      []() -> std::unique_ptr<common::Settings> { return std::make_unique<gateway::Settings>(); },
      [](common::Frame& frame, const common::Settings& settings) -> std::unique_ptr<common::Service> {
        return std::make_unique<gateway::GatewayService>(frame, static_cast<const gateway::Settings&>(settings));
      }};
  return common::daemon_main(kKind, argc, argv);
}
