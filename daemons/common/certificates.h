// The files of certificates that a daemon uses: taken anew when they change, and reported before they expire.
//
// Happy path: watch() names files and who takes them; start() looks at them now, then every minute; look() at SIGHUP.
//   event                      when
//   certificate_read           a file has another certificate than before
//   certificate_expires_soon   within 14 days; again each day
//   certificate_expired        again each day
//   certificate_unusable       files cannot be used; what was read before is used on. At each SIGHUP, and hourly
// Metrics: the end of each file as seconds since 1970 (0 while it was never read), and how many sets are unusable.
// Threading: loop thread. Ownership: the daemon's; log and metrics must outlive it.
#pragma once

#include <uv.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemons/common/log.h"
#include "daemons/common/metrics.h"
#include "proto/redis/loop.h"
#include "proto/redis/url.h"

namespace mas::common {

class Certificates {
 public:
  Certificates(uv_loop_t* loop, Log& log, Metrics& metrics);

  /// @param files those of empty name are left out: the system's authorities are the system's business.
  /// @param take takes the files as they are now; its error says why what was read before is kept.
  void watch(const redis::TlsFiles& files, std::function<Status()> take);
  void start();
  /// @param asked somebody waits for the answer in the log.
  void look(bool asked);

  struct End {
    std::string file;
    int64_t at = 0;  ///< seconds since 1970
  };
  /// @return the file that ends first; nullopt when nothing was read.
  std::optional<End> first_to_end() const;

 private:
  enum class Age : uint8_t { kGood, kEndsSoon, kEnded };
  struct File {
    std::string path;
    bool authority;
    size_t set;  // whose file it is
    Gauge& end;
    std::string serial;  // empty: never read
    int64_t at = 0;
    RepeatFilter told;
  };
  struct Set {
    std::function<Status()> take;
    bool usable = true;
    RepeatFilter told;
  };

  void add(const std::string& path, bool authority);
  void take(Set& set, bool asked);
  void read(File& file);
  void report_age(File& file);

  Log& log_;
  Metrics& metrics_;
  Gauge& unusable_;
  redis::Timer timer_;
  std::deque<File> files_;
  std::deque<Set> sets_;
};

}  // namespace mas::common
