// Redis URLs: what is accepted and what each refusal names.
#include "proto/redis/url.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;

TEST_CASE("URLs that are accepted") {
  auto plain = parse_url("redis://example.org");
  REQUIRE(plain.ok());
  CHECK(plain->host == "example.org");
  CHECK(plain->port == 6379);
  CHECK(plain->db == 0);

  auto full = parse_url("redis://al%40ice:p%3Aw@h-1.example:7000/15");
  REQUIRE(full.ok());
  CHECK(full->user == "al@ice");
  CHECK(full->password == "p:w");
  CHECK(full->port == 7000);
  CHECK(full->db == 15);
  CHECK(full->address() == "redis://h-1.example:7000/15");

  auto secret = parse_url("redis://:secret@h");
  REQUIRE(secret.ok());
  CHECK(secret->user.empty());
  CHECK(secret->password == "secret");

  auto v6 = parse_url("rediss://[::1]:6380/2?ca=/a%20b.pem&cert=c&key=k&server_name=n");
  REQUIRE(v6.ok());
  CHECK(v6->kind == Endpoint::Kind::kTls);
  CHECK(v6->host == "::1");
  CHECK(v6->tls.ca == "/a b.pem");
  CHECK(v6->tls.key == "k");
  CHECK(v6->tls.server_name == "n");
  CHECK(parse_url("rediss://h?cert=both.pem")->tls.key == "both.pem");
  CHECK(v6->address() == "rediss://[::1]:6380/2");

  auto socket = parse_url("unix:///run/redis.sock?db=4");
  REQUIRE(socket.ok());
  CHECK(socket->path == "/run/redis.sock");
  CHECK(socket->db == 4);
  CHECK(parse_url("unix://u:p@/run/redis.sock")->user == "u");
  CHECK(parse_url("redis://h/")->db == 0);
  CHECK(parse_url("redis://u@x:p@h")->password == "p");
  auto elsewhere = parse_url("redis://alice@h", PasswordIn::kElsewhere);
  REQUIRE(elsewhere.ok());
  CHECK(elsewhere->user == "alice");
  CHECK(elsewhere->password.empty());
}

TEST_CASE("URLs of Sentinel") {
  auto plain = parse_url("redis+sentinel://h1,h2:7000,[::1]:7001,[2001:db8::2]/mymaster");
  REQUIRE(plain.ok());
  CHECK(plain->topology == Topology::kSentinel);
  CHECK(plain->kind == Endpoint::Kind::kTcp);
  CHECK(plain->nodes == std::vector<Node>{{"h1", 26379}, {"h2", 7000}, {"::1", 7001}, {"2001:db8::2", 26379}});
  CHECK(plain->sentinel.master_name == "mymaster");
  CHECK(plain->db == 0);
  CHECK(plain->address() == "redis+sentinel://h1:26379,h2:7000,[::1]:7001,[2001:db8::2]:26379/mymaster/0");

  auto full = parse_url(
      "rediss+sentinel://al%40ice:p%2Cw@h1,h2/my-primary_1.a/3?ca=/ca.pem&sentinel_user=s%40r&sentinel_password=q%26w");
  REQUIRE(full.ok());
  CHECK(full->kind == Endpoint::Kind::kTls);
  CHECK(full->user == "al@ice");
  CHECK(full->password == "p,w");
  CHECK(full->sentinel.master_name == "my-primary_1.a");
  CHECK(full->db == 3);
  CHECK(full->tls.ca == "/ca.pem");
  CHECK(full->sentinel.user == "s@r");
  CHECK(full->sentinel.password == "q&w");
  CHECK(full->address() == "rediss+sentinel://h1:26379,h2:26379/my-primary_1.a/3");

  auto file = parse_url("redis+sentinel://h/m?sentinel_user=u&sentinel_password_file=/run/sentinel%20password");
  REQUIRE(file.ok());
  CHECK(file->sentinel.password.empty());
  CHECK(file->sentinel.password_file == "/run/sentinel password");
}

TEST_CASE("URLs of a cluster") {
  auto plain = parse_url("redis+cluster://:secret@h1,h2:7000");
  REQUIRE(plain.ok());
  CHECK(plain->topology == Topology::kCluster);
  CHECK(plain->nodes == std::vector<Node>{{"h1", 6379}, {"h2", 7000}});
  CHECK(plain->password == "secret");
  CHECK(plain->address() == "redis+cluster://h1:6379,h2:7000/0");

  auto tls = parse_url("rediss+cluster://[::1]/0?ca=/ca.pem&server_name=n");
  REQUIRE(tls.ok());
  CHECK(tls->kind == Endpoint::Kind::kTls);
  CHECK(tls->tls.server_name == "n");
}

TEST_CASE("a URL has a bound on its hosts") {
  std::string hosts = "h";
  for (size_t i = 1; i < kMaxUrlNodes; ++i) hosts += ",h";
  CHECK(parse_url("redis+sentinel://" + hosts + "/m")->nodes.size() == kMaxUrlNodes);
  auto result = parse_url("redis+sentinel://" + hosts + ",h/m");
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().message.find("more than 32 hosts") != std::string::npos);
}

TEST_CASE("URLs that are refused name the wrong part, and no secret") {
  struct Case {
    std::string url;
    const char* named;
  };
  const Case cases[] = {
      {"", "redis://, rediss:// or unix://"},
      {"http://h", "redis://, rediss:// or unix://"},
      {"redis:/h", "redis://, rediss:// or unix://"},
      {"redis://", "no host"},
      {"rediss:///1", "no host"},
      {"redis://:6379", "no host"},
      {"redis://u:p@", "no host"},
      {"redis://[]", "no host"},
      {"redis://h:0", "port '0'"},
      {"redis://h:65536", "port '65536'"},
      {"redis://h:", "port ''"},
      {"redis://h:6379x", "port '6379x'"},
      {"redis://h:-1", "port '-1'"},
      {"redis://h/x", "database 'x'"},
      {"redis://h/65536", "database '65536'"},
      {"redis://h/1/2", "database '1/2'"},
      {"redis://[::1", "']'"},
      {"redis://[::1]x", "':port'"},
      {"redis://[g]", "IPv6"},
      {"redis://a b", "white space"},
      {"redis://h\n", "white space"},
      {"redis://h*", "host 'h*'"},
      {"redis://u:hunter2%zz@h", "'%'"},
      {"redis://u:hunter2%00@h", "'%'"},
      {"redis://hunter2@h", "no password"},
      {"redis://[fe80::1%25eth0]:6379", "zone"},
      {"redis://h?ca=x", "unknown option 'ca'"},
      {"rediss://h?color=red", "unknown option 'color'"},
      {"rediss://h?ca", "no value"},
      {"rediss://h?key=k", "without cert"},
      {"redis+sentinel://", "no host"},
      {"redis+sentinel:///m", "no host"},
      {"redis+sentinel://h,/m", "no host"},
      {"redis+sentinel://h,,i/m", "no host"},
      {"redis+sentinel://h", "name of a primary"},
      {"redis+sentinel://h/", "name of a primary"},
      {"redis+sentinel://h//1", "name of a primary"},
      {"redis+sentinel://h/a%20b", "'a%20b'"},
      {"redis+sentinel://h/" + std::string(129, 'm'), "name of a primary"},
      {"redis+sentinel://h/m/x", "database 'x'"},
      {"redis+sentinel://h:1,i:0/m", "port '0'"},
      {"redis+sentinel://h,i*/m", "host 'i*'"},
      {"redis+sentinel://h,[::1/m", "']'"},
      {"redis+sentinel://h/m?ca=x", "sentinel_user, sentinel_password, sentinel_password_file"},
      {"rediss+sentinel://h/m?color=red", "server_name, sentinel_user"},
      {"redis+sentinel://h/m?sentinel_user=u", "neither sentinel_password nor"},
      {"redis+sentinel://h/m?sentinel_password=hunter2&sentinel_password_file=f", "both given"},
      {"redis+sentinel://h/m?sentinel_password=hunter2%zz", "bad value"},
      {"redis+sentinel://h/m?sentinel_password=hunter2@x", "'@'"},
      {"redis+sentinel://h/m?sentinel_password=x&hunter2", "%26"},
      {"redis+sentinel://h/m?sentinel_password=x&hunter2=y", "%26"},
      {"redis+sentinel://h/m?sentinel_password=x&hunter2=%zz", "%26"},
      {"redis+sentinel://h/m?sentinel_password=x&hunter2=", "%26"},
      {"rediss+sentinel://h/m?sentinel_password_file=f&sentinel_password=x&hunter2=y&ca=c", "%26"},
      {"redis+sentinel://h/m?sentinel_passwort=hunter2", "unknown option 'sentinel_passwort'"},
      {"redis://h?sentinel_user=u", "unknown option 'sentinel_user'"},
      {"redis://h,i", "host 'h,i'"},
      {"redis+cluster://h/1", "database 0 only"},
      {"redis+cluster://h/m", "database 'm'"},
      {"redis+cluster://h?sentinel_user=u", "unknown option"},
      {"redis+other://h", "redis+sentinel://"},
      {"unix://", "absolute socket path"},
      {"unix://host/path", "no host"},
      {"unix:///" + std::string(110, 'x'), "107 bytes"},
      {"redis://" + std::string(300, 'h'), "253"},
      {std::string(5000, 'x'), "4096"},
  };
  for (const auto& [url, named] : cases) {
    INFO(url);
    auto result = parse_url(url);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code == Errc::kInvalidArgument);
    CHECK(result.error().message.find(named) != std::string::npos);
    CHECK(result.error().message.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("a password with a bare '/' or '?' is not shown as something else") {
  for (const char* url : {"redis://user:sec/ret@host", "redis://:sec?ret@host", "rediss://u:sec/ret?sec=ret@host/0",
                          "redis://u:a@sec/ret@host"}) {
    INFO(url);
    auto endpoint = parse_url(url);
    REQUIRE_FALSE(endpoint.ok());
    CHECK(endpoint.error().message.find("%2F") != std::string::npos);
    CHECK(endpoint.error().message.find("sec") == std::string::npos);
    CHECK(endpoint.error().message.find("ret@") == std::string::npos);
  }
}
