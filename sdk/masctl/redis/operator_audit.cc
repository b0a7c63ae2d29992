// The record of a change, and who made it.
#include "sdk/masctl/redis/operator_audit.h"

#include <pwd.h>
#include <unistd.h>

#include "proto/base/ids.h"

namespace mas::ctl {

namespace {

constexpr size_t kMaxNameBytes = 256;

/// The user who runs this: its name, or its number where there is none.
std::string user_name() {
  char buffer[4096];
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr) return entry.pw_name;
  return std::to_string(geteuid());
}

std::string host_name() {
  char buffer[256] = {};
  if (gethostname(buffer, sizeof buffer - 1) != 0) return "localhost";
  return buffer;
}

}  // namespace

void append_operator_record(redis::Command& command, const Keys& keys, std::string_view who, std::string_view action,
                            std::string_view object, std::string_view detail, WallMicros now) {
  command.add("XADD", keys.operator_audit(), "*", "time", now, "who", who, "action", action, "object", object, "detail",
              detail);
}

std::string operator_name(const std::string& by) {
  return printable(by.empty() ? user_name() + "@" + host_name() : by, kMaxNameBytes);
}

}  // namespace mas::ctl
