// What a connection says first, and which answers end it.
#include "proto/redis/greeting.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;

namespace {

Reply ok() { return {.type = Reply::Type::kStatus, .text = "OK"}; }
Reply error(std::string_view text) { return {.type = Reply::Type::kError, .text = text}; }

Endpoint with_password() {
  Endpoint endpoint;
  endpoint.password = "sesame";
  return endpoint;
}

}  // namespace

TEST_CASE("a greeting names what the endpoint asks for, and ends with PING") {
  Greeting greeting;
  Endpoint endpoint;
  CHECK(greeting.begin(endpoint, {}) == "*1\r\n$4\r\nPING\r\n");
  endpoint = with_password();
  CHECK(greeting.begin(endpoint, {}) == "*2\r\n$4\r\nAUTH\r\n$6\r\nsesame\r\n*1\r\n$4\r\nPING\r\n");
  endpoint.user = "ann";
  endpoint.db = 3;
  CHECK(greeting.begin(endpoint, "probe") ==
        "*3\r\n$4\r\nAUTH\r\n$3\r\nann\r\n$6\r\nsesame\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"
        "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$5\r\nprobe\r\n*1\r\n$4\r\nPING\r\n");
}

TEST_CASE("a greeting is done with its last answer, and anew with every link") {
  Greeting greeting;
  for (int link = 0; link < 2; ++link) {
    greeting.begin(with_password(), "probe");
    for (int answers = 0; answers < 3; ++answers) {
      CHECK_FALSE(greeting.done());
      CHECK(greeting.take(ok()).ok());
    }
    CHECK(greeting.done());
    greeting.begin(with_password(), "probe");  // the link was lost before any answer
  }
}

TEST_CASE("a refused password is an authentication failure, whatever Redis calls it") {
  for (std::string_view text : {"WRONGPASS invalid username-password pair", "ERR AUTH called without any password"}) {
    Greeting greeting;
    greeting.begin(with_password(), {});
    auto status = greeting.take(error(text));
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == Errc::kAuthFailed);
    CHECK(status.error().message == "Redis: " + std::string(text));
  }
}

TEST_CASE("a refused name, and a PING without the right to it or after a failed snapshot, end nothing") {
  for (std::string_view text : {"NOPERM no permissions to run the 'ping' command", "MISCONF snapshots fail"}) {
    Greeting greeting;
    greeting.begin(Endpoint{}, "probe");
    CHECK(greeting.take(error("NOPERM no permissions to run the 'client' command")).ok());
    CHECK(greeting.take(error(text)).ok());
    CHECK(greeting.done());
  }
}

TEST_CASE("a Redis that would not serve us ends the link at any step") {
  for (std::string_view text :
       {"LOADING Redis is loading", "MASTERDOWN Link is down", "NOAUTH Authentication required"}) {
    Greeting greeting;
    greeting.begin(Endpoint{}, {});
    CHECK_FALSE(greeting.take(error(text)).ok());
  }
  Greeting full;
  full.begin(Endpoint{}, "probe");
  CHECK_FALSE(full.take(error("ERR max number of clients reached")).ok());  // even as the answer to the name
}

namespace {

/// The reply to HELLO.
struct HelloReply {
  explicit HelloReply(std::string_view role) {
    parts[0] = text("server");
    parts[1] = text("redis");
    parts[2] = text("proto");
    parts[3].type = Reply::Type::kInteger;
    parts[3].integer = 3;
    parts[4] = text("role");
    parts[5] = text(role);
    reply.type = Reply::Type::kArray;
    reply.first = parts;
    reply.count = 6;
  }
  HelloReply(const HelloReply&) = delete;
  HelloReply& operator=(const HelloReply&) = delete;
  static Reply text(std::string_view text) { return {.type = Reply::Type::kString, .text = text}; }

  Reply parts[6];
  Reply reply;
};

}  // namespace

TEST_CASE("where a primary is wanted, HELLO asks for the role") {
  Greeting greeting;
  CHECK(greeting.begin(Endpoint{}, {}, Hello::kResp2) == "*1\r\n$5\r\nHELLO\r\n*1\r\n$4\r\nPING\r\n");
  CHECK(greeting.begin(Endpoint{}, {}, Hello::kResp3) == "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n*1\r\n$4\r\nPING\r\n");
}

TEST_CASE("a server that is no primary ends the link, under whichever name") {
  for (std::string_view role : {"replica", "slave", "sentinel"}) {
    Greeting greeting;
    greeting.begin(Endpoint{}, {}, Hello::kResp2);
    const HelloReply hello(role);
    auto status = greeting.take(hello.reply);
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == Errc::kUnavailable);
    CHECK(status.error().message == "this Redis is a " + std::string(role) + "; expected the primary");
  }
  Greeting greeting;
  greeting.begin(Endpoint{}, {}, Hello::kResp2);
  const HelloReply hello("master");
  CHECK(greeting.take(hello.reply).ok());
  CHECK(greeting.tells_role());
  CHECK(greeting.take(ok()).ok());
  CHECK(greeting.done());
  greeting.begin(Endpoint{}, {}, Hello::kResp2);
  CHECK_FALSE(greeting.tells_role());
}

TEST_CASE("a server that knows no HELLO is taken as it is") {
  Greeting greeting;
  greeting.begin(Endpoint{}, {}, Hello::kResp3);
  CHECK(greeting.take(error("ERR unknown command 'HELLO'")).ok());
  CHECK_FALSE(greeting.tells_role());
  CHECK(greeting.take(ok()).ok());
  CHECK(greeting.done());
}

TEST_CASE("a replica tells what it replicates before it is refused") {
  Greeting greeting;
  CHECK(greeting.begin({}, {}, Hello::kResp2, AskRole::kYes) ==
        "*1\r\n$4\r\nROLE\r\n*1\r\n$5\r\nHELLO\r\n*1\r\n$4\r\nPING\r\n");
  Reply role[3] = {ok(), ok(), {}};
  role[0].text = "slave";
  role[1].text = "10.0.0.2";
  role[2].type = Reply::Type::kInteger;
  role[2].integer = 6379;
  Reply answer;
  answer.type = Reply::Type::kArray;
  answer.first = role;
  answer.count = 3;
  CHECK(greeting.take(answer).ok());
  CHECK(greeting.replicates() == Node{"10.0.0.2", 6379});
  greeting.begin({}, {}, Hello::kResp2, AskRole::kYes);
  CHECK_FALSE(greeting.replicates().has_value());
  CHECK(greeting.take(error("NOPERM no permissions to run the 'role' command")).ok());
}
