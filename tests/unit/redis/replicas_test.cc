// Replicas by INFO, and the way to one.
#include "proto/redis/replicas.h"

#include "tests/unit/catch.h"

using namespace mas::redis;

TEST_CASE("a primary names its replicas, and those that follow it are counted") {
  const std::string info =
      "# Replication\r\nrole:master\r\nconnected_slaves:2\r\n"
      "slave0:ip=10.0.0.2,port=6379,state=online,offset=14,lag=0\r\n"
      "slave1:ip=fd00::3,port=6380,state=wait_bgsave,offset=0,lag=0\r\nmaster_replid:abc\r\n";
  CHECK(online_replicas(info) == 1);
  CHECK(online_replicas("slave_repl_offset:state=online") == 0);
  auto replicas = replicas_of(info);
  REQUIRE(replicas.size() == 2);
  CHECK(replicas[0] == Node{"10.0.0.2", 6379});
  CHECK(replicas[1] == Node{"fd00::3", 6380});
}

TEST_CASE("what names no replica is left out") {
  for (const char* line : {"", "slave_repl_offset:14", "slave0:", "slave0:ip=,port=1", "slave0:ip=h,port=0",
                           "slave0:ip=h", "slave0:ip=h,port=70000", "slave0:ip=a b,port=1", "slavex:ip=h,port=1"})
    CHECK(replicas_of(line).empty());
  std::string many;
  for (int i = 0; i < 300; ++i) many += "slave" + std::to_string(i) + ":ip=h,port=" + std::to_string(i + 1) + "\n";
  CHECK(replicas_of(many).size() == 100);
}

TEST_CASE("a replica is reached as its primary is") {
  auto endpoint = parse_url("rediss+sentinel://u:p@s1,s2/main/2?ca=/ca.pem");
  REQUIRE(endpoint.ok());
  const Endpoint one = endpoint_of(*endpoint, {"10.0.0.2", 6380});
  CHECK(one.address() == "rediss://10.0.0.2:6380/2");
  CHECK(one.user == "u");
  CHECK(one.password == "p");
  CHECK(one.tls.ca == "/ca.pem");
  CHECK(endpoint_of(*parse_url("unix:///run/redis.sock"), {"10.0.0.2", 1}).address() == "redis://10.0.0.2:1/0");
}
