// The default rules.
#include "daemons/gatewayd/dlp/rules.h"

namespace mas::dlp {

Result<std::shared_ptr<const Rules>> Rules::standard() {
  // The literals are the same for all rules: their database is made once.
  static const Result<std::shared_ptr<const Rules>> kStandard = []() -> Result<std::shared_ptr<const Rules>> {
    auto literals = Matcher::make();
    if (!literals) return literals.error();
    auto rules = std::make_shared<Rules>();
    rules->matcher = std::make_shared<const Matcher>(std::move(*literals));
    for (const TypeInfo& type : kTypes) {
      rules->enabled[rules->types.size()] = type.action != Action::kOff;
      rules->types.push_back({std::string(type.name), type.action, type.severity, type.mask});
    }
    return std::shared_ptr<const Rules>(std::move(rules));
  }();
  return kStandard;
}

}  // namespace mas::dlp
