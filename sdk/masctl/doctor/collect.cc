// Asks Redis for everything that doctor judges. Reads only.
#include <algorithm>
#include <array>
#include <span>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"
#include "proto/redis/usable_tls.h"
#include "proto/wire/agent_entry.h"
#include "proto/wire/json.h"
#include "sdk/masctl/doctor/facts.h"
#include "sdk/masctl/redis/bounded_reads.h"

namespace mas::ctl {

namespace {

constexpr int kPings = 20;
constexpr size_t kMaxKeys = 20'000;  // doctor must not become the load it diagnoses
constexpr size_t kMaxOddKeys = 20;

constexpr std::string_view kDaemonNames[] = {"registryd", "healthd"};

void measure_round_trip(SyncRedis& redis, Facts& facts) {
  std::array<Duration, kPings> samples{};
  for (Duration& sample : samples) {
    MonoTime before = mono_now();
    if (!redis.ask(redis::Command("PING")).ok()) return;
    sample = mono_now() - before;
  }
  std::nth_element(samples.begin(), samples.begin() + kPings / 2, samples.end());
  facts.round_trip = samples[kPings / 2];
}

void measure_clock(SyncRedis& redis, Facts& facts) {
  WallMicros before = wall_now();
  auto time = redis.ask_one(redis::Command("TIME"));
  WallMicros after = wall_now();
  auto theirs = time.ok() ? time_of(*time) : std::nullopt;
  if (theirs) facts.clock_ahead = std::chrono::microseconds(*theirs - (before + after) / 2);
}

NodeFact read_node(SyncRedis& redis, const redis::Node& node) {
  NodeFact fact;
  fact.address = node.text();
  if (auto pong = redis.ask_node(node, redis::Command("PING")); !pong.ok()) {
    fact.unreachable = pong.error();
    return fact;
  }
  auto info = redis.ask_node(node, redis::Command("INFO"));
  if (info.ok()) fact.info = std::move(info->text);
  for (const char* name :
       {"maxmemory-policy", "appendfsync", "save", "proto-max-bulk-len", "client-output-buffer-limit",
        "min-replicas-to-write", "min-replicas-max-lag", "cluster-node-timeout", "cluster-require-full-coverage"}) {
    auto pair = redis.ask_node(node, redis::Command("CONFIG", "GET", name));
    if (pair.ok() && pair->elements.size() == 2) fact.config.emplace_back(name, std::move(pair->elements[1].text));
  }
  return fact;
}

/// The first primary stands for the server where a check is of one server.
void read_servers(SyncRedis& redis, Facts& facts) {
  auto primaries = redis.primaries();
  if (!primaries.ok()) return;
  for (const auto& node : *primaries) facts.nodes.push_back(read_node(redis, node));
  facts.info = facts.nodes.front().info;
  facts.config = facts.nodes.front().config;
  facts.uncovered_slots = redis.uncovered_slots();
  if (!redis.on_cluster()) facts.nodes.clear();
}

/// @return a member of a daemon's heartbeat, a JSON object, as it is there; empty when it has none.
std::string heartbeat_raw(std::string_view heartbeat, std::string_view name) {
  auto members = JsonReader::local().members(heartbeat);
  if (!members.ok()) return {};
  for (const auto& [key, raw] : *members) {
    if (key == name) return std::string(raw);
  }
  return {};
}

/// @return a text member likewise.
std::string heartbeat_text(std::string_view heartbeat, std::string_view name) {
  const std::string raw = heartbeat_raw(heartbeat, name);
  return raw.empty() ? raw : json_text(raw);
}

unsigned heartbeat_protocol(std::string_view heartbeat) {
  return parse_number<unsigned>(heartbeat_raw(heartbeat, "protocol")).value_or(kFirstProtocol);
}

void read_config(SyncRedis& redis, const Keys& keys, Facts& facts) {
  auto fields = redis.ask_one(redis::Command("HMGET", keys.config(), "partitions", "protocol"));
  if (!fields.ok() || fields->elements.size() != 2) return;
  facts.partitions = PartitionsField::parse(fields->elements[0].text);
  facts.protocol = std::move(fields->elements[1].text);
}

void read_daemons(SyncRedis& redis, const Keys& keys, Facts& facts) {
  auto members = read_members(redis, keys.daemons());
  if (!members.ok()) return;
  for (const auto& member : *members) {
    size_t colon = member.find(':');
    if (colon == std::string::npos) continue;
    DaemonFact daemon{member.substr(0, colon), member.substr(colon + 1), {}, false, {}};
    const std::string key = keys.daemon(daemon.name, daemon.instance);
    auto heartbeat = read_texts(redis, std::span(&key, 1), kSnapshotBytes);
    daemon.beats = heartbeat.ok() && !heartbeat->front().is_nil();
    if (daemon.beats) {
      daemon.version = heartbeat_text(heartbeat->front().text, "version");
      daemon.lost_data = heartbeat_text(heartbeat->front().text, "lost_data");
      daemon.receipts_withheld = heartbeat_text(heartbeat->front().text, "receipts_withheld");
      daemon.certificate = heartbeat_text(heartbeat->front().text, "certificate");
      daemon.certificate_expires =
          leading_number<int64_t>(heartbeat_raw(heartbeat->front().text, "certificate_expires"));
      daemon.protocol = heartbeat_protocol(heartbeat->front().text);
    }
    facts.daemons.push_back(std::move(daemon));
  }
}

void read_index(SyncRedis& redis, const Keys& keys, Facts& facts) {
  auto ready = redis.ask_one(redis::Command("EXISTS", keys.index_ready()));
  facts.index_ready = ready.ok() && ready->integer == 1;
  auto agents = redis.ask_one(redis::Command("SCARD", keys.agents_index()));
  if (agents.ok()) facts.indexed_agents = agents->integer;
  for (auto name : kDaemonNames) {
    auto owner = redis.ask_one(redis::Command("EXISTS", keys.lease(name)));
    facts.leases.push_back({std::string(name), owner.ok() && owner->integer == 1});
  }
}

void add_odd(Facts& facts, OddKey odd) {
  if (facts.odd_keys.size() < kMaxOddKeys) facts.odd_keys.push_back(std::move(odd));
}

/// Reads an entry that has the right type and looks whether it makes sense.
void check_entry(SyncRedis& redis, const Keys& keys, const std::string& key, Facts& facts) {
  const std::string id(keys.agent_id_of_key(key));
  auto entries = read_agent_entries(redis, keys, std::span(&id, 1));
  if (!entries.ok()) return;
  const auto& entry = entries->front();
  if (!entry.ok() && entry.error().code != Errc::kNotFound) add_odd(facts, {key, entry.error().message, {}});
}

void check_page(SyncRedis& redis, const Keys& keys, const std::vector<Value>& page, Facts& facts) {
  if (page.empty()) return;
  redis::Command types;
  for (const auto& key : page) types.add("TYPE", key.text);  // "" for a name that is too long
  auto answers = redis.ask(types);
  if (!answers.ok()) return;
  for (size_t i = 0; i < page.size(); ++i) {
    const std::string& key = page[i].text;
    if (!page[i].is_text()) {
      const auto bytes = static_cast<uint64_t>(page[i].integer);
      add_odd(facts, {"(a key)", redis::too_large("its name", bytes, kNameBytes).message, {}});
      continue;
    }
    const std::string& type = (*answers)[i].text;
    std::string_view expected = expected_type(keys, key);
    if (expected.empty() || type == "none") continue;  // not ours, or gone since
    if (type != expected) {
      add_odd(facts, {key, type, std::string(expected)});
    } else if (expected == "hash" && !keys.agent_id_of_key(key).empty()) {
      check_entry(redis, keys, key, facts);
    }
  }
}

void check_keys(SyncRedis& redis, const Keys& keys, Facts& facts) {
  bool stopped = false;
  auto take = [&](const std::vector<Value>& names) {
    facts.keys_looked_at += names.size();
    check_page(redis, keys, names, facts);
    stopped = facts.keys_looked_at >= kMaxKeys;
    return !stopped;
  };
  auto again = [&facts] {
    facts.keys_looked_at = 0;
    facts.odd_keys.clear();
  };
  auto status = each_key_page(redis, keys.prefix() + "*", {}, take, again);
  facts.looked_at_all = status.ok() && !stopped;
}

}  // namespace

Facts collect_facts(SyncRedis& redis, const Settings& settings) {
  Facts facts;
  facts.address = settings.endpoint.address();
  facts.now = wall_now() / 1'000'000;
  facts.certificates = read_certificates(settings);
  facts.sentinels = collect_sentinels(settings);
  auto opened = redis.open();
  for (const auto& server : redis::seen_servers())
    facts.certificates.push_back({"the server " + server.name, {}, server.ends});
  if (!opened.ok()) {
    facts.unreachable = opened.error();
    return facts;
  }
  measure_round_trip(redis, facts);
  measure_clock(redis, facts);
  read_servers(redis, facts);
  facts.servers = collect_servers(redis, settings);
  read_config(redis, settings.keys, facts);
  read_daemons(redis, settings.keys, facts);
  read_index(redis, settings.keys, facts);
  check_keys(redis, settings.keys, facts);
  return facts;
}

}  // namespace mas::ctl
