// What is read from a sentinel's answers, and what is not.
#include "proto/redis/sentinel/statement.h"

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;

namespace {

/// A reply made of RESP; it lives as long as this.
class Read {
 public:
  explicit Read(const std::string& resp) {
    REQUIRE(reader_.feed(resp).ok());
    auto next = reader_.next();
    REQUIRE(next.ok());
    REQUIRE(*next != nullptr);
    reply_ = *next;
  }
  const Reply& operator*() const { return *reply_; }

 private:
  ReplyReader reader_;
  const Reply* reply_ = nullptr;
};

std::string texts(std::initializer_list<std::string_view> items) {
  std::string resp = "*" + std::to_string(items.size()) + "\r\n";
  for (auto item : items) resp += "$" + std::to_string(item.size()) + "\r\n" + std::string(item) + "\r\n";
  return resp;
}

}  // namespace

TEST_CASE("a statement has the address, the epoch, the sentinel's id and the other sentinels") {
  StatementReader reader("mymaster");
  CHECK(reader.take(0, *Read(texts({"10.0.0.1", "6379"}))).ok());
  CHECK(reader.take(1, *Read(texts({"name", "mymaster", "config-epoch", "7", "num-other-sentinels", "2"}))).ok());
  CHECK(reader
            .take(2, *Read("*3\r\n" + texts({"ip", "10.0.0.8", "port", "26379"}) +
                           texts({"name", "x", "ip", "sentinel-2.example", "port", "26380"}) +
                           texts({"ip", "10.0.0.9", "port", "0"})))
            .ok());
  CHECK(reader.take(3, *Read("$3\r\nabc\r\n")).ok());
  const Statement& said = reader.statement();
  CHECK(said.primary == Node{"10.0.0.1", 6379});
  CHECK(said.epoch == 7);
  CHECK(said.others == 2);
  CHECK(said.id == "abc");
  CHECK(said.sentinels == std::vector<Node>{{"10.0.0.8", 26379}, {"sentinel-2.example", 26380}});
}

TEST_CASE("a sentinel that may not tell more than the address tells that") {
  StatementReader reader("m");
  CHECK(reader.take(0, *Read(texts({"::1", "6379"}))).ok());
  for (size_t i = 1; i < kStatementCommands; ++i) CHECK(reader.take(i, *Read("-NOPERM no permissions\r\n")).ok());
  CHECK(reader.statement().primary == Node{"::1", 6379});
  CHECK(reader.statement().epoch == 0);
  CHECK(reader.statement().sentinels.empty());
}

TEST_CASE("a sentinel without a valid address is an error that says why") {
  struct Case {
    std::string resp;
    Errc code;
    const char* why;
  };
  const Case cases[] = {
      {"*-1\r\n", Errc::kNotFound, "does not know 'm'"},
      {"-NOPERM no permissions\r\n", Errc::kAuthFailed, "NOPERM"},
      {"-ERR unknown command 'SENTINEL'\r\n", Errc::kRefused, "unknown command"},
      {"+OK\r\n", Errc::kProtocol, "no valid address"},
      {texts({"10.0.0.1"}), Errc::kProtocol, "no valid address"},
      {texts({"10.0.0.1", "0"}), Errc::kProtocol, "no valid address"},
      {texts({"10.0.0.1", "65536"}), Errc::kProtocol, "no valid address"},
      {texts({"", "6379"}), Errc::kProtocol, "no valid address"},
      {texts({"a b", "6379"}), Errc::kProtocol, "no valid address"},
      {texts({std::string(254, 'h'), "6379"}), Errc::kProtocol, "no valid address"},
  };
  for (const auto& [resp, code, why] : cases) {
    INFO(resp);
    StatementReader reader("m");
    auto status = reader.take(0, *Read(resp));
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == code);
    CHECK(status.error().message.find(why) != std::string::npos);
  }
}

TEST_CASE("a statement has a bound on the sentinels that it names") {
  std::string resp = "*40\r\n";
  for (int i = 0; i < 40; ++i) resp += texts({"ip", "10.0.0.1", "port", "26379"});
  StatementReader reader("m");
  CHECK(reader.take(2, *Read(resp)).ok());
  CHECK(reader.statement().sentinels.size() == kMaxUrlNodes);
}

TEST_CASE("a replica tells what it replicates") {
  CHECK(replicated_server(*Read("*5\r\n$5\r\nslave\r\n$8\r\n10.0.0.2\r\n:6380\r\n$9\r\nconnected\r\n:9\r\n")) ==
        Node{"10.0.0.2", 6380});
  for (const char* other :
       {"*3\r\n$6\r\nmaster\r\n:9\r\n*0\r\n", "-NOPERM no permissions\r\n", "*3\r\n$5\r\nslave\r\n$1\r\nh\r\n:0\r\n",
        "*3\r\n$5\r\nslave\r\n$1\r\nh\r\n:65536\r\n", "*3\r\n$5\r\nslave\r\n$1\r\nh\r\n:-1\r\n",
        "*1\r\n$5\r\nslave\r\n", "*2\r\n$8\r\nsentinel\r\n*0\r\n"}) {
    INFO(other);
    CHECK_FALSE(replicated_server(*Read(other)).has_value());
  }
}

TEST_CASE("a switch is one of the primary that is followed, or of another") {
  CHECK(is_switch_of("mymaster 10.0.0.1 6379 10.0.0.2 6379", "mymaster"));
  CHECK_FALSE(is_switch_of("mymaster2 10.0.0.1 6379 10.0.0.2 6379", "mymaster"));
  CHECK_FALSE(is_switch_of("mymaster", "mymaster"));
  CHECK_FALSE(is_switch_of("", "mymaster"));
}
