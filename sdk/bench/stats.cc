// Counting, sorting, formatting.
#include "sdk/bench/stats.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace mas::ctl {

void Round::take_percentiles(const Histogram& histogram) {
  p50 = histogram.quantile(0.5);
  p90 = histogram.quantile(0.9);
  p99 = histogram.quantile(0.99);
  p999 = histogram.quantile(0.999);
  max = histogram.max();
}

double Round::per_second() const {
  return elapsed == 0 ? 0.0 : static_cast<double>(count) * 1e9 / static_cast<double>(elapsed);
}

namespace {
using Member = uint64_t Round::*;
constexpr Member kLineOrder[] = {&Round::count,     &Round::elapsed, &Round::lost, &Round::doubled,
                                 &Round::reordered, &Round::cpu,     &Round::p50,  &Round::p90,
                                 &Round::p99,       &Round::p999,    &Round::max};
}  // namespace

std::string Round::to_line() const {
  std::string line = "round";
  for (Member member : kLineOrder) line += " " + std::to_string(this->*member);
  return line;
}

Result<Round> Round::from_line(std::string_view line) {
  Error bad{Errc::kInternal, "a bench process answered '" + std::string(line.substr(0, 100)) + "'"};
  if (!line.starts_with("round ")) return bad;
  line.remove_prefix(5);
  Round round;
  for (Member member : kLineOrder) {
    if (line.empty() || line[0] != ' ') return bad;
    auto [end, failed] = std::from_chars(line.data() + 1, line.data() + line.size(), round.*member);
    if (failed != std::errc{}) return bad;
    line.remove_prefix(static_cast<size_t>(end - line.data()));
  }
  return line.empty() ? Result<Round>(round) : Result<Round>(bad);
}

void SequenceCheck::arrived(uint64_t number) {
  ++arrivals_;
  if (number == next_) {
    ++next_;
  } else if (number > next_) {
    for (uint64_t gap = next_; gap < number; ++gap) missing_.insert(gap);
    next_ = number + 1;
  } else if (missing_.erase(number) == 1) {
    ++reordered_;
  } else {
    ++doubled_;
  }
}

void SequenceCheck::finish(uint64_t sent) { lost_ = missing_.size() + (sent > next_ ? sent - next_ : 0); }

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

namespace {

double median_of(const std::vector<Round>& rounds, uint64_t Round::*member) {
  std::vector<double> values;
  for (const auto& round : rounds) values.push_back(static_cast<double>(round.*member));
  return median(std::move(values));
}

}  // namespace

Summary summarize(const std::vector<Round>& rounds) {
  Summary summary;
  std::vector<double> rates;
  for (const auto& round : rounds) {
    rates.push_back(round.per_second());
    summary.count += round.count;
    summary.lost += round.lost;
    summary.doubled += round.doubled;
    summary.reordered += round.reordered;
    summary.max = std::max(summary.max, static_cast<double>(round.max));
  }
  summary.throughput = median(std::move(rates));
  summary.p50 = median_of(rounds, &Round::p50);
  summary.p90 = median_of(rounds, &Round::p90);
  summary.p99 = median_of(rounds, &Round::p99);
  summary.p999 = median_of(rounds, &Round::p999);
  return summary;
}

namespace {
double micros(double nanos) { return std::round(nanos / 10) / 100; }
}  // namespace

void write_latency(JsonWriter& json, std::string_view key, const Summary& summary) {
  json.key(key).begin_object();
  json.key("p50").number(micros(summary.p50)).key("p90").number(micros(summary.p90));
  json.key("p99").number(micros(summary.p99)).key("p999").number(micros(summary.p999));
  json.key("max").number(micros(summary.max)).end_object();
}

std::string latency_line(const Summary& summary) {
  char text[160];
  std::snprintf(text, sizeof text, "p50 %.1f µs   p90 %.1f µs   p99 %.1f µs   p99.9 %.1f µs   max %.1f µs",
                summary.p50 / 1e3, summary.p90 / 1e3, summary.p99 / 1e3, summary.p999 / 1e3, summary.max / 1e3);
  return text;
}

}  // namespace mas::ctl
