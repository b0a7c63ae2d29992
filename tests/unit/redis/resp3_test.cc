// RESP3 as a reader of RESP2 gets it, however its bytes are cut.
#include "proto/redis/resp3.h"

#include "tests/unit/catch.h"
#include "tests/unit/redis/describe.h"

using namespace mas;
using namespace mas::redis;
using namespace mas::test;

namespace {

/// @return what is read of the bytes in pieces; "error: …" for what is refused.
std::string read(std::string bytes, size_t piece) {
  ReplyReader reader;
  Resp3Headers headers;
  std::string seen;
  for (std::span<char> left = bytes; !left.empty();) {
    auto next = left.first(std::min(piece, left.size()));
    left = left.subspan(next.size());
    if (auto status = headers.feed(next, reader); !status) return "error: " + status.error().message;
    auto reply = reader.next();
    for (; reply.ok() && *reply != nullptr; reply = reader.next()) seen += describe(**reply);
    if (!reply) return "error: " + reply.error().message;
  }
  return seen;
}

void check(const std::string& bytes, const std::string& wanted) {
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    INFO(bytes << " in pieces of " << piece);
    REQUIRE(read(bytes, piece) == wanted);
  }
}

}  // namespace

TEST_CASE("a push is an array") {
  check(">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$9\r\n>3\r\n%1\r\n_\r\n:1\r\n", "[message;c;>3\r\n%1\r\n_;];1;");
}

TEST_CASE("a map is an array of its keys and values") {
  check("%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nmodules\r\n%0\r\n+PONG\r\n", "[server;redis;modules;[];];PONG;");
  check(
      "%7\r\n" +
          [] {
            std::string members;
            for (int i = 0; i < 14; ++i) members += ":" + std::to_string(i) + "\r\n";
            return members;
          }(),
      "[0;1;2;3;4;5;6;7;8;9;10;11;12;13;];");
}

TEST_CASE("the other types of RESP3") {
  check("*2\r\n_\r\n~1\r\n#t\r\n", "[nil;[t;];];");
  check(",1.5\r\n(3492890328409238509324850943850943825024385\r\n=8\r\ntxt:a\r\nb\r\n",
        "1.5;3492890328409238509324850943850943825024385;txt:a\r\nb;");
}

TEST_CASE("RESP2 passes unchanged") {
  check("+OK\r\n:-7\r\n$5\r\na\r\nbc\r\n$-1\r\n*-1\r\n*2\r\n*1\r\n:1\r\n$0\r\n\r\n-ERR no\r\n*0\r\n",
        "OK;-7;a\r\nbc;nil;nil;[[1;];;];ERR no;[];");
}

TEST_CASE("what is no RESP is refused") {
  CHECK(read("%x\r\n", 8).starts_with("error: not a RESP3 reply"));
  CHECK(read("%-1\r\n", 8).starts_with("error: not a RESP3 reply"));
  CHECK(read("%99999999999999999999\r\n", 64).starts_with("error: "));
  CHECK(read("hello\r\n", 8).starts_with("error: "));
}
