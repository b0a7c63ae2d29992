// Metrics as Prometheus reads them.
#include "daemons/common/metrics.h"

#include "tests/unit/catch.h"

using namespace mas::common;

TEST_CASE("counters and gauges: HELP and TYPE once per family") {
  Metrics metrics("registryd");
  metrics.counter("scans_total", "Walks.", {{"result", "ok"}}).add(3);
  metrics.counter("scans_total", "Walks.", {{"result", "failed"}}).add();
  metrics.gauge("agents", "Agents \\ known\nhere.").set(2.5);
  metrics.counter("scans_total", "Walks.", {{"result", "ok"}}).add(1);
  std::string out;
  metrics.render(out);
  CHECK(out ==
        "# HELP mas_registryd_scans_total Walks.\n"
        "# TYPE mas_registryd_scans_total counter\n"
        "mas_registryd_scans_total{result=\"ok\"} 4\n"
        "mas_registryd_scans_total{result=\"failed\"} 1\n"
        "# HELP mas_registryd_agents Agents \\\\ known\\nhere.\n"
        "# TYPE mas_registryd_agents gauge\n"
        "mas_registryd_agents 2.5\n");
}

TEST_CASE("references stay valid while others are registered") {
  Metrics metrics("x");
  Counter& first = metrics.counter("a_total", "A.");
  for (int i = 0; i < 100; ++i) metrics.counter("a_total", "A.", {{"n", std::to_string(i)}});
  first.add(7);
  CHECK(metrics.counter("a_total", "A.").value() == 7);
}

TEST_CASE("label values are escaped") {
  Metrics metrics("x");
  metrics.gauge("g", "G.", {{"v", "a\"b\\c\nd"}}).set(1);
  std::string out;
  metrics.render(out);
  CHECK(out.ends_with("mas_x_g{v=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST_CASE("histograms: cumulative buckets, sum and count in seconds") {
  Metrics metrics("x");
  auto& h = metrics.seconds("scan_seconds", "Duration.", {{"kind", "full"}});
  h.record(90'000);          // 0.09 ms
  h.record(2'000'000);       // 2 ms
  h.record(60'000'000'000);  // a minute
  std::string out;
  metrics.render(out);
  CHECK(out.find("# TYPE mas_x_scan_seconds histogram\n") != std::string::npos);
  CHECK(out.find("mas_x_scan_seconds_bucket{kind=\"full\",le=\"0.0001\"} 1\n") != std::string::npos);
  CHECK(out.find("mas_x_scan_seconds_bucket{kind=\"full\",le=\"0.0025\"} 2\n") != std::string::npos);
  CHECK(out.find("mas_x_scan_seconds_bucket{kind=\"full\",le=\"10\"} 2\n") != std::string::npos);
  CHECK(out.find("mas_x_scan_seconds_bucket{kind=\"full\",le=\"+Inf\"} 3\n") != std::string::npos);
  CHECK(out.find("mas_x_scan_seconds_sum{kind=\"full\"} 60.00209\n") != std::string::npos);
  CHECK(out.find("mas_x_scan_seconds_count{kind=\"full\"} 3\n") != std::string::npos);
}

TEST_CASE("process metrics are those of a live process") {
  std::string out;
  render_process_metrics(out);
  for (const char* name :
       {"process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"})
    CHECK(out.find("\n" + std::string(name) + " ") != std::string::npos);
  auto value = [&](const std::string& name) {
    return std::stod(out.substr(out.find("\n" + name + " ") + name.size() + 2));
  };
  CHECK(value("process_start_time_seconds") > 1.6e9);
  CHECK(value("process_resident_memory_bytes") > 1e5);
  CHECK(value("process_open_fds") >= 3);
}
