// `bench discover`: what finding 10, 100 and 1,000 agents costs, in a small and in a large registry.
#include "proto/base/ids.h"
#include "sdk/bench/bench.h"
#include "sdk/bench/population.h"
#include "sdk/bench/raw_link.h"
#include "sdk/masctl/agent/agent_handle.h"
#include "sdk/masctl/cli/interrupt.h"

namespace mas::ctl {

namespace {

/// One kind of query and how it fared.
struct QueryResult {
  uint64_t agents = 0;  // in the registry
  std::string capability;
  uint64_t limit = 0;   // 0: none
  uint64_t answer = 0;  // agents found
  Summary ours;
  Summary raw;  // SMEMBERS and pipelined HMGET over a plain socket; empty for queries with a limit
};

class DiscoverBench {
 public:
  DiscoverBench(const Settings& settings, const DiscoverOptions& options) : settings_(settings), options_(options) {}

  Status start() {
    const std::string id = "bench-seeker-" + new_instance_id().hex().substr(0, 8);
    auto agent = AgentHandle::started(settings_, id);
    if (!agent.ok()) return agent.error();
    agent_ = std::make_unique<AgentHandle>(std::move(*agent));
    auto link = RawLink::open(settings_.endpoint);
    if (!link.ok()) return link.error();
    link_ = std::move(*link);
    return {};
  }

  Result<QueryResult> query(uint64_t agents, const std::string& capability, uint64_t limit, uint64_t expected) {
    QueryResult result{agents, capability, limit, expected, {}, {}};
    Histogram ours, raw;
    for (uint64_t i = 0; i < options_.count; ++i) {
      if (interrupted()) return Error{Errc::kCancelled, "interrupted"};
      Status asked = ask_ours(capability, limit, expected, ours);
      if (asked.ok() && limit == 0) asked = ask_raw(capability, expected, raw);
      if (!asked.ok()) return asked.error().in("query for " + capability);
    }
    result.ours = summary_of(ours);
    result.raw = summary_of(raw);
    return result;
  }

 private:
  static uint64_t nanos_since(MonoTime begin) { return static_cast<uint64_t>((mono_now() - begin).count()); }

  static Summary summary_of(const Histogram& histogram) {
    Round round;
    round.count = histogram.count();
    round.elapsed = histogram.sum();
    round.take_percentiles(histogram);
    return summarize({round});
  }

  Status ask_ours(const std::string& capability, uint64_t limit, uint64_t expected, Histogram& latency) {
    const char* wanted = capability.c_str();
    mas_agent_list* list = nullptr;
    MonoTime begin = mono_now();
    Status found = as_status(
        mas_agent_discover(agent_->get(), &wanted, 1, MAS_DISCOVER_ANY, limit, settings_.timeout_ms(), &list));
    latency.record(nanos_since(begin));
    if (!found.ok()) return found;
    size_t size = mas_agent_list_size(list);
    mas_agent_list_free(list);
    if (size == expected) return {};
    return Error{Errc::kInternal, "found " + std::to_string(size) + " agents, not " + std::to_string(expected)};
  }

  /// The same by hand: the members of the set, then all their entries in one pipeline.
  Status ask_raw(const std::string& capability, uint64_t expected, Histogram& latency) {
    MonoTime begin = mono_now();
    auto members = link_->call(redis::Command("SMEMBERS", settings_.keys.capability_index(capability)).bytes());
    if (!members.ok()) return members.error();
    redis::Command entries;
    for (const redis::Reply& id : **members) {
      entries.add("HMGET", settings_.keys.agent(id.text), "id", "capabilities", "metadata", "status", "registered_at");
    }
    Status written = link_->write(entries.bytes());
    for (size_t i = 0; written.ok() && i < entries.count(); ++i) {
      auto entry = link_->read();
      if (!entry.ok()) return entry.error();
    }
    latency.record(nanos_since(begin));
    if (!written.ok() || entries.count() == expected) return written;
    return Error{Errc::kInternal, "the index names " + std::to_string(entries.count()) + " agents"};
  }

  const Settings& settings_;
  const DiscoverOptions& options_;
  std::unique_ptr<AgentHandle> agent_;
  std::unique_ptr<RawLink> link_;
};

/// Every kind of query, in a registry of this size.
Status run_queries(DiscoverBench& bench, uint64_t agents, std::vector<QueryResult>& out) {
  for (uint64_t answers : {10, 100, 1000}) {
    if (answers > agents) continue;
    auto result = bench.query(agents, capability_with(answers), 0, answers);
    if (!result.ok()) return result.error();
    out.push_back(*result);
  }
  auto limited = bench.query(agents, kCommonCapability, 10, 10);
  if (!limited.ok()) return limited.error();
  out.push_back(*limited);
  return {};
}

Result<std::vector<QueryResult>> measure(DiscoverBench& bench, Population& population, const DiscoverOptions& options) {
  Progress progress;
  std::vector<QueryResult> results;
  for (uint64_t agents : {std::max<uint64_t>(options.agents / 100, 10), options.agents}) {
    progress.show("loading " + grouped(static_cast<double>(agents)) + " agents");
    Status status = population.grow_to(agents);
    progress.show("querying " + grouped(static_cast<double>(agents)) + " agents");
    if (status.ok()) status = run_queries(bench, agents, results);
    if (!status.ok()) return status.error();
  }
  progress.show("removing the agents");
  Status cleared = population.clear();
  if (!cleared.ok()) return cleared.error();
  return results;
}

struct Discovered {
  bool registryd_active = false;
  std::vector<QueryResult> results;
};

const char* index_owner(const Discovered& found) { return found.registryd_active ? "registryd" : "bench"; }

void write_found(JsonWriter& json, const Discovered& found) {
  json.begin_object().key("bench").string("discover").key("index_by").string(index_owner(found));
  json.key("results").begin_array();
  for (const auto& result : found.results) {
    json.begin_object().key("agents").unsigned_integer(result.agents).key("capability").string(result.capability);
    json.key("limit").unsigned_integer(result.limit).key("answer").unsigned_integer(result.answer);
    json.key("throughput").number(result.ours.throughput);
    write_latency(json, "latency_us", result.ours);
    if (result.raw.count > 0) write_latency(json, "raw_latency_us", result.raw);
    json.end_object();
  }
  json.end_array().end_object();
}

void print_found(Output& out, const Discovered& found) {
  out.line(std::string("discovery by capability, index kept by ") + index_owner(found) +
           (found.registryd_active ? "" : " (no registryd is active)"));
  for (const auto& result : found.results) {
    std::string what = grouped(static_cast<double>(result.answer)) + " of " +
                       grouped(static_cast<double>(result.agents)) +
                       (result.limit > 0 ? ", by limit, all match" : ", all that match");
    out.line(what);
    out.line("  libmas      " + latency_line(result.ours));
    if (result.raw.count > 0) out.line("  raw Redis   " + latency_line(result.raw));
  }
}

Result<std::vector<QueryResult>> prepared_and_measured(Context& context, const DiscoverOptions& options,
                                                       Population& population) {
  Status ready = population.prepare(options.force);
  if (!ready.ok()) return ready.error();
  DiscoverBench bench(context.settings, options);
  ready = bench.start();
  if (!ready.ok()) return ready.error();
  return measure(bench, population, options);
}

}  // namespace

Result<Document> bench_discover(Context& context, const DiscoverOptions& options) {
  if (options.agents < 10 || options.agents > 10'000'000 || options.count < 1)
    return Error{Errc::kInvalidArgument, "--agents: expected 10 to 10000000; --count: at least 1"};
  remember_interrupts();
  Population population(context.redis, context.keys());
  auto results = prepared_and_measured(context, options, population);
  if (!results.ok()) return results.error();
  return Document::of(Discovered{population.registryd_active(), std::move(*results)}, write_found, print_found);
}

}  // namespace mas::ctl
