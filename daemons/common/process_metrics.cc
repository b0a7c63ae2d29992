// Metrics of this process, read from /proc when they are asked for.
#include <dirent.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <ctime>

#include "daemons/common/metrics.h"

namespace mas::common {
namespace {

struct ProcessTimes {
  double cpu_seconds = 0;
  double start_seconds = 0;  ///< since the epoch
  double resident_bytes = 0;
};

/// Not from /proc/stat, which a hardened unit (ProcSubset=pid) does not show.
double boot_time() {
  timespec wall{}, since_boot{};
  clock_gettime(CLOCK_REALTIME, &wall);
  clock_gettime(CLOCK_BOOTTIME, &since_boot);
  auto seconds = [](const timespec& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9; };
  return seconds(wall) - seconds(since_boot);
}

/// Fields as proc(5) numbers them: 14 utime, 15 stime, 22 starttime, 24 rss.
ProcessTimes process_times() {
  ProcessTimes times;
  char text[1024] = {};
  std::FILE* file = std::fopen("/proc/self/stat", "re");
  if (file == nullptr) return times;
  size_t size = std::fread(text, 1, sizeof text - 1, file);
  std::fclose(file);
  text[size] = '\0';
  const char* after_name = std::strrchr(text, ')');
  unsigned long user = 0, system = 0;
  unsigned long long start = 0;
  long resident = 0;
  if (after_name == nullptr ||
      std::sscanf(after_name + 1,
                  " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %llu %*u %ld", &user,
                  &system, &start, &resident) != 4)
    return times;
  auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  times.cpu_seconds = static_cast<double>(user + system) / ticks;
  times.start_seconds = boot_time() + static_cast<double>(start) / ticks;
  times.resident_bytes = static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
  return times;
}

/// Less the one that reads the directory.
double open_fds() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  int count = -3;  // ".", "..", the directory itself
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

void append(std::string& out, const char* name, const char* type, const char* help, double value) {
  char text[512];
  int size =
      std::snprintf(text, sizeof text, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", name, help, name, type, name, value);
  out.append(text, static_cast<size_t>(size));
}

}  // namespace

void render_process_metrics(std::string& out) {
  ProcessTimes times = process_times();
  append(out, "process_start_time_seconds", "gauge", "Start of the process, seconds since the epoch.",
         times.start_seconds);
  append(out, "process_cpu_seconds_total", "counter", "User and system CPU time.", times.cpu_seconds);
  append(out, "process_resident_memory_bytes", "gauge", "Resident memory.", times.resident_bytes);
  append(out, "process_open_fds", "gauge", "Open file descriptors.", open_fds());
}

}  // namespace mas::common
