// Looking for what systemd gave.
#include "daemons/common/unit_files.h"

#include <unistd.h>

#include <cstdlib>

namespace mas::common {
namespace {

/// @return "" where the variable is not set; of several directories, as StateDirectory= may name, the first.
std::string directory_in(const char* variable) {
  const char* text = std::getenv(variable);
  std::string_view directories = text == nullptr ? "" : text;
  return std::string(directories.substr(0, directories.find(':')));
}

}  // namespace

std::string or_credential(const std::string& configured, std::string_view credential) {
  if (!configured.empty()) return configured;
  std::string directory = directory_in("CREDENTIALS_DIRECTORY");
  if (directory.empty()) return "";
  std::string path = directory.append("/").append(credential);
  return access(path.c_str(), F_OK) == 0 ? std::string(credential) : "";
}

std::string or_in_state_directory(const std::string& configured, std::string_view name) {
  if (!configured.empty()) return configured;
  std::string directory = directory_in("STATE_DIRECTORY");
  return directory.empty() ? "" : directory.append("/").append(name);
}

}  // namespace mas::common
