// A daemon that has the settings of every daemon, and no others.
#pragma once

#include <memory>

#include "daemons/common/configuration.h"
#include "daemons/common/settings.h"

namespace mas::test {

inline constexpr common::DaemonKind kTestd{
    "testd", "For tests.",
    []() -> std::unique_ptr<common::Settings> { return std::make_unique<common::Settings>(uint16_t{9000}); }, nullptr};

}  // namespace mas::test
