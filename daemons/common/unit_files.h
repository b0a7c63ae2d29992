// What systemd gives to a unit, found without being named in the configuration: credentials by name
// ($CREDENTIALS_DIRECTORY, of LoadCredential=) and files in the state directory ($STATE_DIRECTORY, of StateDirectory=).
// Outside a unit both answers are empty. Threading: any thread.
#pragma once

#include <string>
#include <string_view>

namespace mas::common {

/// @return `configured`; where that is empty, the name of the credential if the unit has it.
std::string or_credential(const std::string& configured, std::string_view credential);

/// @return `configured`; where that is empty, the path of `name` in the unit's state directory if it has one.
std::string or_in_state_directory(const std::string& configured, std::string_view name);

}  // namespace mas::common
