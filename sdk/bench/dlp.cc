// Rounds of both sides that alternate, and the medians of what they yield.
//
// Throughput counts processor time of either side, so that what else runs on the machine does not decide it. A
// payload's time is the shortest of its scans, timed in passes of their own, and the quantiles are those of the
// payloads: a timer's interrupt takes several times as long as a scan, and would be the p99 of whatever is measured.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "proto/base/histogram.h"
#include "proto/wire/json.h"
#include "sdk/bench/bench.h"
#include "sdk/bench/payloads.h"
#include "sdk/bench/python_re.h"
#include "sdk/bench/stats.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/dlp/findings.h"
#include "sdk/masctl/dlp/rules_file.h"

namespace mas::ctl {

namespace {

constexpr size_t kSizes[] = {256, 1024, 16 * 1024};
constexpr size_t kSmallest = 64, kLargest = 1024 * 1024;
constexpr size_t kFewest = 64, kMax = 256, kBytesOfAll = 4 * 1024 * 1024;  // payloads
constexpr int kRounds = 3;
constexpr double kTimed = 0.25;  // of the engine's measuring time

double nanos(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

struct Measured {
  size_t bytes = 0;
  double engine = 0;          ///< MB/s
  uint64_t p50 = 0, p99 = 0;  ///< ns
  std::optional<double> python, ratio;
};

/// What a message costs the gateway's stage: its JSON, which the envelope's decoder has checked, is taken apart and
/// scanned. Nothing is timed between, since reading a clock costs a fiftieth of a small scan.
Result<ScanRate> measure_rate(Inspection& inspection, const std::vector<std::string>& payloads, double seconds) {
  ScanRate rate;
  double start = nanos(CLOCK_PROCESS_CPUTIME_ID), spent = 0;
  while (spent < seconds * 1e9) {
    for (const auto& payload : payloads) {
      if (auto status = inspection.json(payload); !status.ok()) return status.error();
      rate.bytes += static_cast<double>(payload.size());
    }
    spent = nanos(CLOCK_PROCESS_CPUTIME_ID) - start;
  }
  rate.seconds = spent / 1e9;
  return rate;
}

/// @param shortest of the scans of each payload, in ns.
Status measure_times(Inspection& inspection, const std::vector<std::string>& payloads, double seconds,
                     std::vector<double>& shortest) {
  const double start = nanos(CLOCK_PROCESS_CPUTIME_ID);
  do {
    for (size_t i = 0; i < payloads.size(); ++i) {
      double before = nanos(CLOCK_MONOTONIC);
      if (auto status = inspection.json(payloads[i]); !status.ok()) return status;
      shortest[i] = std::min(shortest[i], nanos(CLOCK_MONOTONIC) - before);
    }
  } while (nanos(CLOCK_PROCESS_CPUTIME_ID) - start < seconds * 1e9);
  return {};
}

Result<Measured> measure(Context& context, Inspection& inspection, size_t bytes, double seconds, bool& python) {
  auto payloads = bench_payloads(bytes, std::clamp(kBytesOfAll / bytes, kFewest, kMax));
  std::vector<double> shortest(payloads.size(), 1e18);
  for (const auto& payload : payloads)
    if (auto value = JsonReader::local().check_value(payload); !value.ok()) return value.error();
  std::vector<double> engine, theirs, ratios;
  for (int round = 0; round < kRounds; ++round) {
    if (auto status = measure_times(inspection, payloads, seconds * kTimed / kRounds, shortest); !status.ok())
      return status.error();
    auto ours = measure_rate(inspection, payloads, seconds * (1 - kTimed) / kRounds);
    if (!ours.ok()) return ours.error();
    engine.push_back(ours->megabytes_per_second());
    if (!python) continue;
    auto rate = measure_python(payloads, seconds / kRounds);
    if (!rate.ok()) {
      context.out.note("without comparison: " + rate.error().message);
      python = false;
      continue;
    }
    theirs.push_back(rate->megabytes_per_second());
    ratios.push_back(engine.back() / theirs.back());
  }
  Histogram times;
  for (double nanoseconds : shortest) times.record(static_cast<uint64_t>(nanoseconds));
  Measured measured{bytes, median(engine), times.quantile(0.5), times.quantile(0.99), {}, {}};
  if (!ratios.empty()) {
    measured.python = median(theirs);
    measured.ratio = median(ratios);
  }
  return measured;
}

std::string fixed(double number, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, number);
  return text;
}

void write_all(JsonWriter& json, const std::vector<Measured>& all) {
  json.begin_object();
  json_list(json, "sizes", all, [](JsonWriter& each, const Measured& one) {
    each.begin_object().key("bytes").unsigned_integer(one.bytes);
    each.key("engine_mb_per_s").raw(fixed(one.engine, 1));
    each.key("p50_us").raw(fixed(static_cast<double>(one.p50) / 1e3, 2));
    each.key("p99_us").raw(fixed(static_cast<double>(one.p99) / 1e3, 2)).key("python_mb_per_s");
    if (one.python)
      each.raw(fixed(*one.python, 2)).key("ratio").raw(fixed(*one.ratio, 1));
    else
      each.null().key("ratio").null();
    each.end_object();
  });
  json.end_object();
}

void print_all(Output& out, const std::vector<Measured>& all) {
  Table table({"PAYLOAD", "MB/S", "P50 US", "P99 US", "PYTHON RE MB/S", "RATIO"});
  for (const auto& one : all)
    table.add({std::to_string(one.bytes), fixed(one.engine, 1), fixed(static_cast<double>(one.p50) / 1e3, 2),
               fixed(static_cast<double>(one.p99) / 1e3, 2), one.python ? fixed(*one.python, 2) : "-",
               one.ratio ? fixed(*one.ratio, 1) : "-"});
  out.table(table);
}

}  // namespace

Result<Document> bench_dlp(Context& context, const DlpBenchOptions& options) {
  if (options.size != 0 && (options.size < kSmallest || options.size > kLargest))
    return Error{Errc::kInvalidArgument, "--size: expected 64 to 1048576 bytes"};
  if (!(options.seconds > 0 && options.seconds <= 600))
    return Error{Errc::kInvalidArgument, "--seconds: expected more than 0 and at most 600"};
  auto rules = rules_of(context, options.rules);
  if (rules == nullptr) return Document::printed(ExitCode::kUsage);
  auto inspection = Inspection::make(rules);
  if (!inspection.ok()) return inspection.error();
  std::vector<size_t> sizes(std::begin(kSizes), std::end(kSizes));
  if (options.size != 0) sizes = {options.size};
  std::vector<Measured> all;
  bool python = true;
  for (size_t bytes : sizes) {
    auto measured = measure(context, **inspection, bytes, options.seconds, python);
    if (!measured.ok()) return measured.error();
    all.push_back(*measured);
  }
  return Document::of(std::move(all), write_all, print_all);
}

}  // namespace mas::ctl
