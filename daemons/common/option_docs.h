// An option table as text: the effective configuration, the commented default file, the reference page. Pure.
#pragma once

#include <string>
#include <string_view>

#include "daemons/common/options.h"

namespace mas::common {

/// --print-config: TOML with each value's source as a comment; secrets and passwords in URLs are "***".
std::string effective_toml(const OptionTable& table, std::string_view daemon);

/// config/<daemon>.toml: every option commented out at its default, with help, range and reload behaviour.
std::string default_toml(const OptionTable& table, std::string_view daemon);

/// This daemon's chapter of docs/CONFIGURATION.md.
std::string reference_markdown(const OptionTable& table, std::string_view daemon);

}  // namespace mas::common
