// When an absence of Redis is one that agents noticed.
#include "daemons/healthd/outage.h"

#include <array>

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::health;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("INFO server is read; what it does not say is not made up") {
  ServerInfo info = parse_server_info("# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\nuptime_in_seconds:42\r\n");
  CHECK(info.run_id == "abc");
  CHECK(info.uptime_seconds == 42);
  CHECK(parse_server_info("").run_id.empty());
  CHECK_FALSE(parse_server_info("uptime_in_seconds:4x\r\n").uptime_seconds.has_value());
  CHECK_FALSE(parse_server_info("uptime_in_seconds:-4").uptime_seconds.has_value());
  CHECK(parse_server_info("xrun_id:a\nrun_id:b").run_id == "b");
}

TEST_CASE("at the start agents have had as long as Redis is up") {
  MonoTime start(seconds(100'000));
  Outage outage(start);
  CHECK(outage.up({"a", 3600}, start + milliseconds(20)) == start + milliseconds(20) - seconds(3600));
}

TEST_CASE("at the start, if Redis had to be waited for or says nothing, the grace begins now") {
  MonoTime start(seconds(100'000));
  Outage waited(start);
  CHECK(waited.up({"a", 3600}, start + seconds(2)) == start + seconds(2));
  Outage silent(start);
  CHECK(silent.up({}, start) == start);
}

TEST_CASE("later, a short break of the connection to the same server is nothing") {
  MonoTime now(seconds(100'000));
  Outage outage(now);
  (void)outage.up({"a", 3600}, now);
  outage.down(now + seconds(10));
  CHECK_FALSE(outage.up({"a", 3610}, now + milliseconds(10'900)).has_value());
  outage.down(now + seconds(20));
  CHECK(outage.up({"a", 3621}, now + seconds(21)) == now + seconds(21));
}

TEST_CASE("another server, or a restarted one, is an absence however short") {
  MonoTime now(seconds(100'000));
  Outage outage(now);
  (void)outage.up({"a", 3600}, now);
  outage.down(now + seconds(10));
  CHECK(outage.up({"b", 0}, now + milliseconds(10'100)) == now + milliseconds(10'100));
  outage.down(now + seconds(20));
  CHECK(outage.up({}, now + milliseconds(20'100)).has_value());
}

TEST_CASE("the primaries of a cluster count as one server: another one when any of them is, as young as the youngest") {
  const ServerInfo a{"a", 100}, b{"b", 50}, c{"c", 70}, silent{"", {}};
  const auto one = all_of(std::array{a, b}), turned = all_of(std::array{b, a});
  CHECK(one.run_id == turned.run_id);
  CHECK(one.uptime_seconds == 50);
  CHECK(all_of(std::array{a, c}).run_id != one.run_id);
  CHECK(all_of(std::array{a}).run_id == "a");
  for (const auto& unknown : {all_of(std::array{a, silent}), all_of(std::array{silent, a, b})}) {
    CHECK(unknown.run_id.empty());
    CHECK_FALSE(unknown.uptime_seconds.has_value());
  }
}
