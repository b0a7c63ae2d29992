// Metrics: counters, gauges and histograms, rendered as Prometheus text format 0.0.4. Pure; one thread.
//
// A daemon registers what it counts once and keeps the references, which stay valid as long as the registry:
//
//   Counter& scans = metrics.counter("scans_total", "Walks over the registry.");
//   Histogram& time = metrics.seconds("scan_seconds", "Duration of a walk.");   // record nanoseconds
//
// Names get the prefix `mas_<daemon>_` and end in _total (counters), _seconds or _bytes. Label values are
// words of this program (a result, a state), never an agent's id: what agents choose would grow the series
// without bound.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/histogram.h"

namespace mas::common {

using Labels = std::vector<std::pair<std::string_view, std::string>>;

class Counter {
 public:
  void add(uint64_t n = 1) { value_ += n; }
  /// For a count that is kept elsewhere (a connection's counters), set before each rendering.
  void set(uint64_t value) { value_ = value; }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0;
};

class Gauge {
 public:
  void set(double value) { value_ = value; }
  double value() const { return value_; }

 private:
  double value_ = 0;
};

class Metrics {
 public:
  /// @param daemon "registryd": names become mas_registryd_….
  explicit Metrics(std::string_view daemon);

  /// Asking again for the same name and labels gives the same object. Names and help must be literals.
  Counter& counter(std::string_view name, std::string_view help, Labels labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {});
  /// A histogram of durations: record nanoseconds, shown in seconds, buckets 100 µs to 10 s.
  Histogram& seconds(std::string_view name, std::string_view help, Labels labels = {});
  /// A histogram of sizes: record bytes, buckets 256 B to 16 MiB.
  Histogram& bytes(std::string_view name, std::string_view help, Labels labels = {});

  /// Appends every metric: HELP, TYPE and samples, families in order of registration.
  void render(std::string& out) const;

 private:
  enum class Kind : uint8_t { kCounter, kGauge, kSeconds, kBytes };
  struct Series {
    Labels labels;
    Counter counter;
    Gauge gauge;
    std::vector<Histogram> histogram;  // one for histograms, else none: it is 30 KiB
  };
  struct Family {
    std::string name;
    std::string_view help;
    Kind kind;
    std::deque<Series> series;
  };
  Series& series(std::string_view name, std::string_view help, Kind kind, Labels labels);
  static void render_histogram(std::string& out, const Family& family, const Series& series);

  std::string prefix_;
  std::deque<Family> families_;
};

/// Appends what the kernel knows of this process, under the names Prometheus's own clients use: start time,
/// CPU seconds, resident bytes, open file descriptors.
void render_process_metrics(std::string& out);

}  // namespace mas::common
