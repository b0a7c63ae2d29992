// INFO's lines and /proc/PID/stat.
#include "sdk/bench/cpu_meter.h"

#include <unistd.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace mas::ctl {

namespace {

/// @return the seconds of a line `name:12.345678`; a negative number when there is none.
double seconds_in(std::string_view info, std::string_view name) {
  size_t at = info.find(name);
  if (at == std::string_view::npos) return -1;
  return std::strtod(std::string(info.substr(at + name.size(), 32)).c_str(), nullptr);
}

}  // namespace

Result<uint64_t> redis_cpu_of_info(std::string_view info) {
  double system = seconds_in(info, "used_cpu_sys:");
  double user = seconds_in(info, "used_cpu_user:");
  if (system < 0 || user < 0) return Error{Errc::kProtocol, "INFO CPU without used_cpu_sys and used_cpu_user"};
  return static_cast<uint64_t>(std::llround((system + user) * 1e9));
}

uint64_t calls_in_commandstats(std::string_view info, std::string_view command) {
  std::string mark = "cmdstat_" + std::string(command) + ":calls=";
  size_t at = info.find(mark);
  if (at == std::string_view::npos) return 0;
  uint64_t calls = 0;
  std::from_chars(info.data() + at + mark.size(), info.data() + info.size(), calls);
  return calls;
}

std::optional<uint64_t> cpu_nanos_of_stat(std::string_view stat, long ticks_per_second) {
  // The second field is the program's name in parentheses, which may hold anything. utime is the 14th, stime the 15th.
  size_t at = stat.rfind(')');
  if (at == std::string_view::npos || ticks_per_second <= 0) return std::nullopt;
  std::istringstream fields{std::string(stat.substr(at + 1))};
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  uint64_t user = 0, system = 0;
  if (!(fields >> user >> system)) return std::nullopt;
  return (user + system) * (1'000'000'000 / static_cast<uint64_t>(ticks_per_second));
}

std::optional<uint64_t> cpu_nanos_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  if (!std::getline(file, stat)) return std::nullopt;
  return cpu_nanos_of_stat(stat, sysconf(_SC_CLK_TCK));
}

}  // namespace mas::ctl
