// The arithmetic of benchmarks: what a round yields, lost and reordered messages, medians. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/histogram.h"
#include "proto/base/json_writer.h"
#include "proto/base/result.h"

namespace mas::ctl {

/// One measured round. Times in nanoseconds.
struct Round {
  uint64_t count = 0;
  uint64_t elapsed = 0;
  uint64_t lost = 0;
  uint64_t doubled = 0;
  uint64_t reordered = 0;
  uint64_t cpu = 0;  ///< processor time of the process that reports
  uint64_t p50 = 0, p90 = 0, p99 = 0, p999 = 0, max = 0;

  void take_percentiles(const Histogram& histogram);
  double per_second() const;
  /// One line of text for the pipe between processes, and back.
  std::string to_line() const;
  static Result<Round> from_line(std::string_view line);
};

/// Follows the numbers 0, 1, 2, … of a sequence of messages as they arrive.
class SequenceCheck {
 public:
  void arrived(uint64_t number);
  /// @param sent how many were sent: what is missing at the end is lost.
  void finish(uint64_t sent);
  uint64_t arrivals() const { return arrivals_; }
  uint64_t lost() const { return lost_; }
  uint64_t reordered() const { return reordered_; }  ///< came after a later one
  uint64_t doubled() const { return doubled_; }

 private:
  std::set<uint64_t> missing_;
  uint64_t next_ = 0;
  uint64_t arrivals_ = 0, lost_ = 0, reordered_ = 0, doubled_ = 0;
};

/// @return the middle value; the mean of the middle two for an even number; 0 for none.
double median(std::vector<double> values);

/// The rounds of one side ("ours" or "raw") together: sums of counts, medians of rates and percentiles.
struct Summary {
  double throughput = 0;
  uint64_t count = 0, lost = 0, doubled = 0, reordered = 0;
  double p50 = 0, p90 = 0, p99 = 0, p999 = 0, max = 0;  ///< nanoseconds; max is the largest of all
};
Summary summarize(const std::vector<Round>& rounds);

/// Writes "latency_us":{"p50":…,"p90":…,"p99":…,"p999":…,"max":…} under `key`.
void write_latency(JsonWriter& json, std::string_view key, const Summary& summary);

/// @return "p50 41.2 µs   p90 …   p99 …   p99.9 …   max …".
std::string latency_line(const Summary& summary);

}  // namespace mas::ctl
