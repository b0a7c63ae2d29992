// FCALL, or EVAL.
#include "sdk/src/core/server_functions.h"

#include <utility>
#include <vector>

namespace mas::sdk {
namespace {

/// @return whether the user may not run the command at all; what a function does is refused in other words.
bool command_forbidden(const redis::Reply& error) {
  return error.error_code() == "NOPERM" && error.text.find(" to run the ") != std::string_view::npos;
}

bool function_missing(const redis::Reply& error) {
  return error.text.starts_with("ERR Function not found") || error.text.starts_with("ERR unknown command");
}

}  // namespace

redis::Command ServerFunctions::call(const AgentFunction& function, std::span<const std::string> keys,
                                     std::span<const std::string> arguments) const {
  std::vector<std::string> words{by_script_ ? "EVAL" : "FCALL", std::string(by_script_ ? function.body : function.name),
                                 std::to_string(keys.size())};
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  return redis::Command::of(words);
}

ServerFunctions::After ServerFunctions::on_error(const redis::Reply& error) {
  const bool forbidden = command_forbidden(error);
  if (by_script_) {
    if (!forbidden) return After::kRefused;
    by_script_ = false;
    return may_call_ ? After::kMissing : After::kRefused;
  }
  may_call_ = !forbidden;
  by_script_ = forbidden || function_missing(error);
  return by_script_ ? After::kAgain : After::kRefused;
}

Error ServerFunctions::missing() {
  return {Errc::kUnavailable,
          "the function library " + std::string(kAgentLibrary) +
              " is not loaded, and this user may not EVAL: start a MAS daemon of this version, which "
              "loads it"};
}

}  // namespace mas::sdk
