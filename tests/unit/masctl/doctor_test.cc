// doctor's judgement, fact by fact.
#include <algorithm>

#include "sdk/masctl/doctor/findings.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::ctl;

namespace {

std::string info_with(const std::string& changed) {
  return changed +
         "redis_version:7.0.15\r\nredis_mode:standalone\r\nrole:master\r\naof_enabled:1\r\n"
         "rdb_last_bgsave_status:ok\r\naof_last_write_status:ok\r\nused_memory:1048576\r\nmaxmemory:0\r\n"
         "maxmemory_policy:noeviction\r\n";
}

/// A Redis that nothing is wrong with.
Facts healthy() {
  Facts facts;
  facts.address = "redis://localhost:6379/0";
  facts.round_trip = std::chrono::microseconds(90);
  facts.info = info_with("");
  facts.config = {
      {"appendfsync", "everysec"},
      {"save", ""},
      {"proto-max-bulk-len", "536870912"},
      {"client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"}};
  facts.daemons = {
      {"registryd", "1", "0.1.0", true}, {"healthd", "2", "0.1.0", true}, {"gatewayd", "3", "0.1.0", true}};
  facts.leases = {{"registryd", true}, {"healthd", true}};
  facts.index_ready = true;
  facts.servers = {{"redis://localhost:6379/0", false, {}, "", ServerFact::Library::kThere},
                   {"10.0.0.2:6379", true, {}, "", ServerFact::Library::kThere}};
  facts.protocol = "1";
  facts.partitions = PartitionsField{16, {}};
  return facts;
}

Finding find(const Facts& facts, const std::string& check) {
  for (const auto& finding : judge(facts)) {
    if (finding.check == check) return finding;
  }
  FAIL("no finding about " << check);
  return {};
}

void check_level(const Facts& facts, const std::string& check, Level level) {
  Finding finding = find(facts, check);
  INFO(check << ": " << finding.found);
  CHECK(finding.level == level);
  CHECK(finding.advice.empty() == (level == Level::kOk));
}

}  // namespace

TEST_CASE("nothing wrong: every finding is ok") {
  for (const auto& finding : judge(healthy())) {
    INFO(finding.check << ": " << finding.found);
    CHECK(finding.level == Level::kOk);
    CHECK(finding.advice.empty());
  }
  CHECK(worst_of(judge(healthy())) == Level::kOk);
}

TEST_CASE("an unreachable Redis is the only finding") {
  Facts facts;
  facts.unreachable = Error{Errc::kUnreachable, "connection refused"};
  auto findings = judge(facts);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].level == Level::kFail);
  CHECK(!findings[0].advice.empty());
}

TEST_CASE("each thing that is wrong with the server is found") {
  struct Case {
    const char* info;
    const char* check;
    Level level;
  };
  for (const Case& c :
       {Case{"redis_version:6.0.16\r\n", "version", Level::kFail},
        Case{"redis_version:6.2.0\r\n", "version", Level::kOk}, Case{"redis_version:8.0.2\r\n", "version", Level::kOk},
        Case{"redis_version:x\r\n", "version", Level::kWarn}, Case{"role:slave\r\n", "role", Level::kFail},
        Case{"redis_mode:cluster\r\n", "role", Level::kFail},
        Case{"rdb_last_bgsave_status:err\r\n", "persistence", Level::kFail},
        Case{"aof_last_write_status:err\r\n", "persistence", Level::kFail},
        Case{"aof_enabled:0\r\n", "persistence", Level::kWarn},
        Case{"maxmemory_policy:allkeys-lru\r\n", "memory", Level::kWarn},
        Case{"maxmemory_policy:allkeys-lru\r\nmaxmemory:1048576000\r\n", "memory", Level::kFail},
        Case{"maxmemory:1048577\r\n", "memory", Level::kWarn}}) {
    Facts facts = healthy();
    facts.info = info_with(c.info);
    check_level(facts, c.check, c.level);
  }
}

TEST_CASE("a slow or skewed Redis is found") {
  Facts facts = healthy();
  facts.round_trip = std::chrono::milliseconds(20);
  check_level(facts, "reachable", Level::kWarn);
  facts.clock_ahead = -std::chrono::seconds(2);
  check_level(facts, "clock", Level::kWarn);
  facts.clock_ahead = std::chrono::seconds(31);
  check_level(facts, "clock", Level::kFail);
}

TEST_CASE("limits that are too small, or unknown, are found") {
  Facts facts = healthy();
  facts.config[2].second = "1048576";
  check_level(facts, "message size", Level::kFail);
  facts.config[3].second = "normal 0 0 0 slave 0 0 0 pubsub 1048576 0 0";
  check_level(facts, "subscriber buffer", Level::kWarn);
  facts.config[3].second = "pubsub 0 0 0";
  check_level(facts, "subscriber buffer", Level::kOk);
  facts.config.clear();
  check_level(facts, "limits", Level::kWarn);
}

TEST_CASE("absent daemons: those that P2P wants are a warning") {
  Facts facts = healthy();
  facts.daemons[0].beats = false;  // in the set, but its heartbeat is gone
  facts.daemons.pop_back();
  facts.leases[0].held = false;
  check_level(facts, "registryd", Level::kWarn);
  check_level(facts, "healthd", Level::kOk);
  check_level(facts, "gatewayd", Level::kOk);
}

TEST_CASE("what a gateway saw of a Redis that lost data is a failure") {
  Facts facts = healthy();
  facts.daemons[2].lost_data = "1 partitions went back in time: of partition 3 the epoch was 7 and is 1";
  check_level(facts, "data", Level::kFail);
  facts.daemons[2].beats = false;
  for (const auto& finding : judge(facts)) CHECK(finding.check != "data");
}

TEST_CASE("receipts that a gateway withholds for want of replicas are a failure") {
  Facts facts = healthy();
  facts.daemons[2].receipts_withheld = "0 of 1 replicas have the last commits";
  check_level(facts, "receipts", Level::kFail);
}

TEST_CASE("certificates: good, soon to expire, expired, unreadable; of masctl and of daemons") {
  constexpr int64_t kDay = 86'400;
  Facts facts = healthy();
  facts.now = 1'800'000'000;
  facts.certificates = {{"/ca.crt", {}, facts.now + 15 * kDay}};
  check_level(facts, "certificate", Level::kOk);
  facts.certificates[0].expires = facts.now + 14 * kDay;
  check_level(facts, "certificate", Level::kWarn);
  facts.certificates[0].expires = facts.now;
  check_level(facts, "certificate", Level::kFail);
  CHECK(find(facts, "certificate").found.find("/ca.crt") != std::string::npos);
  facts.unreachable = Error{Errc::kAuthFailed, "refused"};  // which the certificate may be the reason for
  check_level(facts, "certificate", Level::kFail);
  facts.unreachable.reset();
  facts.certificates[0].unreadable = Error{Errc::kNotFound, "/ca.crt: No such file"};
  check_level(facts, "certificate", Level::kFail);

  facts.certificates.clear();
  facts.daemons[2].certificate = "/gw.pem";
  facts.daemons[2].certificate_expires = facts.now + kDay;
  check_level(facts, "certificate", Level::kWarn);
  CHECK(find(facts, "certificate").found.find("/gw.pem of gatewayd 3") != std::string::npos);
  facts.daemons[2].beats = false;
  for (const auto& finding : judge(facts)) CHECK(finding.check != "certificate");
}

TEST_CASE("daemon, lease and index must agree") {
  Facts facts = healthy();
  facts.leases[1].held = false;
  check_level(facts, "healthd lease", Level::kWarn);
  facts.index_ready = false;
  check_level(facts, "index", Level::kWarn);
}

TEST_CASE("keys of the wrong type fail, entries of foreign writers warn") {
  Facts facts = healthy();
  facts.odd_keys = {{"mas.agents", "string", "set"}};
  check_level(facts, "keys", Level::kFail);
  facts.odd_keys = {{"agent:x\x1b", "capabilities: expected an array", ""}};
  Finding finding = find(facts, "keys");
  CHECK(finding.level == Level::kWarn);
  CHECK(finding.found.find('\x1b') == std::string::npos);
}

TEST_CASE("the type of every key of the protocol") {
  Keys keys("ns");
  CHECK(expected_type(keys, keys.agent("a")) == "hash");
  CHECK(expected_type(keys, keys.heartbeat("a")) == "string");
  CHECK(expected_type(keys, keys.instances("a")) == "hash");
  CHECK(expected_type(keys, keys.alive("a", "0123")) == "string");
  CHECK(expected_type(keys, keys.state("a")) == "hash");
  CHECK(expected_type(keys, keys.agents_index()) == "set");
  CHECK(expected_type(keys, keys.capability_index("x")) == "set");
  CHECK(expected_type(keys, keys.index_ready()) == "string");
  CHECK(expected_type(keys, keys.config()) == "hash");
  CHECK(expected_type(keys, keys.lease("registryd")) == "string");
  CHECK(expected_type(keys, keys.daemons()) == "set");
  CHECK(expected_type(keys, keys.daemon("healthd", "1")) == "string");
  CHECK(expected_type(keys, "agent:a").empty());  // another namespace
  CHECK(expected_type(keys, "ns/session:1").empty());
}

namespace {

SentinelFact sentinel(const std::string& address) {
  return {.address = address,
          .unreachable = {},
          .primary = "10.0.0.1:6379",
          .has_quorum = true,
          .quorum = "OK 3 usable Sentinels. Quorum and failover authorization can be reached",
          .down_after_ms = 5000,
          .others = 2};
}

/// A primary with two replicas, and three sentinels.
Facts with_sentinels() {
  Facts facts = healthy();
  facts.info +=
      "connected_slaves:2\r\nslave0:ip=a,port=1,state=online,offset=90,lag=0\r\n"
      "slave1:ip=b,port=1,state=online,offset=80,lag=1\r\nmaster_repl_offset:100\r\n";
  facts.config.emplace_back("min-replicas-to-write", "1");
  facts.config.emplace_back("min-replicas-max-lag", "3");
  facts.sentinels = {sentinel("s1:26379"), sentinel("s2:26379"), sentinel("s3:26379")};
  return facts;
}

}  // namespace

TEST_CASE("Sentinel: what is in order says what a fail-over costs") {
  const Facts facts = with_sentinels();
  CHECK(worst_of(judge(facts)) == Level::kOk);
  CHECK(find(facts, "sentinels").found == "3 of 3 sentinels answer, primary 10.0.0.1:6379");
  CHECK(find(facts, "replicas").found == "2 replicas online, at most 20 bytes and 1 s behind");
  CHECK(find(facts, "fail-over").found == "begins 5000 ms after the primary fell silent");
  CHECK(find(facts, "loss window").found.find("in 3 s (min-replicas-max-lag)") != std::string::npos);
}

TEST_CASE("Sentinel: each thing that is wrong is found") {
  Facts facts = with_sentinels();
  auto& first = facts.sentinels[0];
  SECTION("a sentinel is down") {
    first.unreachable = Error{Errc::kUnreachable, "connection refused"};
    check_level(facts, "sentinels", Level::kWarn);
    CHECK(find(facts, "sentinels").found.find("s1:26379: connection refused") != std::string::npos);
  }
  SECTION("they disagree") {
    first.primary = "10.0.0.2:6379";
    check_level(facts, "sentinels", Level::kFail);
  }
  SECTION("one does not know the name") {
    first.primary.clear();
    check_level(facts, "sentinels", Level::kFail);
  }
  SECTION("there are two") {
    for (auto& each : facts.sentinels) each.others = 1;
    check_level(facts, "sentinels", Level::kWarn);
  }
  SECTION("no quorum") {
    first.has_quorum = false;
    first.quorum = "NOQUORUM 1 usable Sentinels.";
    check_level(facts, "quorum", Level::kFail);
  }
  SECTION("a user who may not ask for the quorum") {
    first.has_quorum = std::nullopt;
    first.quorum = "NOPERM this user has no permissions to run the 'sentinel|ckquorum' command";
    check_level(facts, "quorum", Level::kWarn);
    CHECK(find(facts, "quorum").found.find("unknown: s1:26379: NOPERM") == 0);
  }
  SECTION("a user who may not run INFO") {
    facts.info.clear();
    check_level(facts, "replicas", Level::kWarn);
    CHECK(find(facts, "replicas").found == "unknown");
  }
  SECTION("in a hurry") {
    first.down_after_ms = 500;
    check_level(facts, "fail-over", Level::kWarn);
  }
  SECTION("slow") {
    first.down_after_ms = 30'000;
    check_level(facts, "fail-over", Level::kWarn);
  }
  SECTION("no replica") {
    facts.info = info_with("connected_slaves:0\r\n");
    check_level(facts, "replicas", Level::kFail);
  }
  SECTION("a replica that is behind") {
    facts.info = info_with("connected_slaves:1\r\nslave0:ip=a,port=1,state=online,offset=9,lag=8\r\n");
    check_level(facts, "replicas", Level::kWarn);
  }
  SECTION("a replica that loads") {
    facts.info = info_with(
        "connected_slaves:2\r\nslave0:ip=a,port=1,state=online,offset=9,lag=0\r\n"
        "slave1:ip=b,port=1,state=wait_bgsave,offset=0,lag=0\r\n");
    check_level(facts, "replicas", Level::kWarn);
  }
  SECTION("writes go on without replicas") {
    facts.config = {};
    facts.config.emplace_back("min-replicas-to-write", "0");
    facts.config.emplace_back("min-replicas-max-lag", "10");
    check_level(facts, "loss window", Level::kWarn);
  }
}

TEST_CASE("Sentinel: of an unreachable primary the sentinels are judged") {
  Facts facts = with_sentinels();
  facts.unreachable = Error{Errc::kUnreachable, "connection refused"};
  CHECK(find(facts, "sentinels").level == Level::kOk);
}

TEST_CASE("of a single server nothing is said about sentinels") {
  for (const auto& finding : judge(healthy())) CHECK(finding.check != "sentinels");
}

TEST_CASE("doctor judges a cluster as a whole, and each of its primaries") {
  Facts facts = healthy();
  for (const char* address : {"10.0.0.1:6379", "10.0.0.2:6379"}) {
    NodeFact node;
    node.address = address;
    node.info = info_with("connected_slaves:1\r\nslave0:ip=10.0.0.9,port=6379,state=online,offset=0,lag=0\r\n");
    node.config = facts.config;
    node.config.insert(node.config.end(), {{"min-replicas-to-write", "1"},
                                           {"min-replicas-max-lag", "3"},
                                           {"cluster-node-timeout", "5000"},
                                           {"cluster-require-full-coverage", "no"}});
    facts.nodes.push_back(node);
  }
  CHECK(worst_of(judge(facts)) == Level::kOk);
  CHECK(find(facts, "loss window").found.starts_with("10.0.0.1:6379: "));

  SECTION("slots without a primary") {
    facts.uncovered_slots = 7;
    CHECK(find(facts, "slots").level == Level::kFail);
  }
  SECTION("a primary that does not answer") {
    facts.nodes[1].unreachable = Error{Errc::kUnreachable, "connection refused"};
    CHECK(find(facts, "node").level == Level::kFail);
  }
  SECTION("time-outs that differ") {
    facts.nodes[1].config[6].second = "500";
    CHECK(find(facts, "fail-over").level == Level::kWarn);
  }
  SECTION("versions that differ") {
    facts.nodes[1].info = "redis_version:7.2.0\r\n" + facts.nodes[1].info;
    CHECK(find(facts, "versions").level == Level::kWarn);
  }
}

TEST_CASE("keyspace events are all on or all off, on replicas, too") {
  Facts facts = healthy();
  CHECK(find(facts, "keyspace events").found.starts_with("off: "));
  facts.servers[0].events = "xE";
  check_level(facts, "keyspace events", Level::kWarn);
  CHECK(find(facts, "keyspace events").found == "off at replica 10.0.0.2:6379, on at redis://localhost:6379/0");
  facts.servers[1].events = "xK";  // on channels that nobody listens to
  check_level(facts, "keyspace events", Level::kWarn);
  facts.servers[1].events = "AKE";
  check_level(facts, "keyspace events", Level::kOk);
  facts.servers[1].events.reset();
  facts.servers[0].events.reset();
  for (const auto& finding : judge(facts)) CHECK(finding.check != "keyspace events");
}

TEST_CASE("a server without the agents' functions is named, once a daemon is there to load them") {
  using Library = ServerFact::Library;
  Facts facts = healthy();
  check_level(facts, "functions", Level::kOk);
  facts.servers[1].library = Library::kMissing;
  check_level(facts, "functions", Level::kWarn);
  CHECK(find(facts, "functions").found == "mas_agent_3 is missing at replica 10.0.0.2:6379");
  facts.daemons.clear();
  check_level(facts, "functions", Level::kOk);
  facts = healthy();
  facts.servers[0].library = Library::kForbidden;
  check_level(facts, "functions", Level::kWarn);
  facts.servers[1].unreachable = Error{Errc::kUnreachable, "connection refused"};
  check_level(facts, "server", Level::kWarn);
  CHECK(find(facts, "server").found == "replica 10.0.0.2:6379 was not checked: connection refused");
  for (auto& server : facts.servers) server = {"a", false, {}, "", Library::kUnsupported};
  for (const auto& finding : judge(facts)) CHECK(finding.check != "functions");
}

TEST_CASE("mas.config: daemons that do not work by the protocol, and a number of partitions that is none") {
  Facts facts = healthy();
  check_level(facts, "protocol", Level::kOk);
  check_level(facts, "partitions", Level::kOk);
  facts.daemons[2].protocol = 3;
  check_level(facts, "protocol", Level::kFail);
  CHECK(find(facts, "protocol").found == "mas.config has 1, by which these do not work: gatewayd 3 (3)");
  facts.daemons[2].beats = false;
  check_level(facts, "protocol", Level::kOk);
  facts.protocol = "x";
  check_level(facts, "protocol", Level::kFail);
  facts.partitions = PartitionsField::parse("changing:5:48");
  check_level(facts, "partitions", Level::kWarn);
  facts.partitions = PartitionsField::parse("many");
  check_level(facts, "partitions", Level::kFail);
}

TEST_CASE("doctor says what it could not check without the right to INFO") {
  Facts facts = healthy();
  facts.info.clear();
  CHECK(find(facts, "version").found.find("persistence, memory") != std::string::npos);
  for (const auto& finding : judge(facts)) CHECK(finding.check != "persistence");
}
