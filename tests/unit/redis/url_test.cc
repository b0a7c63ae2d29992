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
  CHECK(v6->tls.server_name == "n");
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
      {"rediss://h?cert=c", "cert and key"},
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
