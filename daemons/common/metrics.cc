// Metrics as Prometheus text.
#include "daemons/common/metrics.h"

#include <charconv>
#include <span>

namespace mas::common {
namespace {

constexpr uint64_t kSecondsBounds[] = {
    100'000,    250'000,     500'000,     1'000'000,   2'500'000,     5'000'000,     10'000'000,    25'000'000,
    50'000'000, 100'000'000, 250'000'000, 500'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000};
constexpr uint64_t kBytesBounds[] = {256, 1024, 4096, 16'384, 65'536, 262'144, 1'048'576, 4'194'304, 16'777'216};

void append_number(std::string& out, double value) {
  char text[400];  // of the largest double, in full
  out.append(text, std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr);
}

void append_number(std::string& out, uint64_t value) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

/// Escapes of the text format: backslash and line feed, in label values also the quote.
void append_escaped(std::string& out, std::string_view text, bool label) {
  for (char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '"' && label)
      out += "\\\"";
    else
      out.push_back(c);
  }
}

/// Appends `{a="x",le="0.1"}`; `le` is left out when empty.
void append_labels(std::string& out, const Labels& labels, std::string_view le = {}) {
  if (labels.empty() && le.empty()) return;
  out.push_back('{');
  bool comma = false;
  for (const auto& [name, value] : labels) {
    if (comma) out.push_back(',');
    comma = true;
    out += name;
    out += "=\"";
    append_escaped(out, value, true);
    out.push_back('"');
  }
  if (!le.empty()) {
    if (comma) out.push_back(',');
    out += "le=\"";
    out += le;
    out.push_back('"');
  }
  out.push_back('}');
}

template <typename Number>
void append_sample(std::string& out, std::string_view name, std::string_view suffix, const Labels& labels,
                   std::string_view le, Number value) {
  out += name;
  out += suffix;
  append_labels(out, labels, le);
  out.push_back(' ');
  append_number(out, value);
  out.push_back('\n');
}

}  // namespace

Metrics::Metrics(std::string_view daemon) : prefix_("mas_" + std::string(daemon) + "_") {}

Metrics::Series& Metrics::series(std::string_view name, std::string_view help, Kind kind, Labels labels) {
  std::string full = prefix_ + std::string(name);
  Family* family = nullptr;
  for (auto& known : families_)
    if (known.name == full) family = &known;
  if (family == nullptr) {
    families_.push_back(Family{std::move(full), help, kind, {}});
    family = &families_.back();
  }
  for (auto& known : family->series)
    if (known.labels == labels) return known;
  family->series.push_back(Series{std::move(labels), {}, {}, {}});
  if (kind == Kind::kSeconds || kind == Kind::kBytes) family->series.back().histogram.resize(1);
  return family->series.back();
}

Counter& Metrics::counter(std::string_view name, std::string_view help, Labels labels) {
  return series(name, help, Kind::kCounter, std::move(labels)).counter;
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, Labels labels) {
  return series(name, help, Kind::kGauge, std::move(labels)).gauge;
}

Histogram& Metrics::seconds(std::string_view name, std::string_view help, Labels labels) {
  return series(name, help, Kind::kSeconds, std::move(labels)).histogram.front();
}

Histogram& Metrics::bytes(std::string_view name, std::string_view help, Labels labels) {
  return series(name, help, Kind::kBytes, std::move(labels)).histogram.front();
}

void Metrics::render_histogram(std::string& out, const Family& family, const Series& series) {
  const Histogram& histogram = series.histogram.front();
  bool seconds = family.kind == Kind::kSeconds;
  std::span<const uint64_t> bounds = kBytesBounds;
  if (seconds) bounds = kSecondsBounds;
  double scale = seconds ? 1e9 : 1;
  for (uint64_t bound : bounds) {
    std::string le;
    append_number(le, static_cast<double>(bound) / scale);
    append_sample(out, family.name, "_bucket", series.labels, le, histogram.count_at_or_below(bound));
  }
  append_sample(out, family.name, "_bucket", series.labels, "+Inf", histogram.count());
  append_sample(out, family.name, "_sum", series.labels, {}, static_cast<double>(histogram.sum()) / scale);
  append_sample(out, family.name, "_count", series.labels, {}, histogram.count());
}

void Metrics::render(std::string& out) const {
  for (const auto& family : families_) {
    bool plain = family.kind == Kind::kCounter || family.kind == Kind::kGauge;
    out += "# HELP " + family.name + " ";
    append_escaped(out, family.help, false);
    out += "\n# TYPE " + family.name;
    out += !plain ? " histogram\n" : family.kind == Kind::kCounter ? " counter\n" : " gauge\n";
    for (const auto& series : family.series) {
      if (family.kind == Kind::kCounter)
        append_sample(out, family.name, {}, series.labels, {}, series.counter.value());
      else if (family.kind == Kind::kGauge)
        append_sample(out, family.name, {}, series.labels, {}, series.gauge.value());
      else
        render_histogram(out, family, series);
    }
  }
}

}  // namespace mas::common
