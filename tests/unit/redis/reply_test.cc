// The RESP2 reader and the command formatter, without a server.
#include "proto/redis/reply.h"

#include "proto/redis/refusals.h"
#include "proto/redis/reply_values.h"

#include "proto/redis/command.h"
#include "tests/unit/catch.h"
#include "tests/unit/redis/describe.h"

using namespace mas;
using namespace mas::redis;
using namespace mas::test;
using namespace std::string_literals;

TEST_CASE("replies come out whole however the bytes are cut") {
  const std::string bytes =
      "+OK\r\n:-7\r\n$5\r\na\r\nbc\r\n$-1\r\n*-1\r\n*2\r\n*1\r\n:1\r\n$0\r\n\r\n-ERR no\r\n*0\r\n";
  for (size_t cut = 1; cut <= bytes.size(); ++cut) {
    ReplyReader reader;
    std::string seen;
    for (size_t at = 0; at < bytes.size(); at += cut) {
      REQUIRE(reader.feed(std::string_view(bytes).substr(at, cut)).ok());
      auto reply = reader.next();
      for (; reply.ok() && *reply != nullptr; reply = reader.next()) seen += describe(**reply);
      REQUIRE(reply.ok());
    }
    CHECK(seen == "OK;-7;a\r\nbc;nil;nil;[[1;];;];ERR no;[];");
  }
}

TEST_CASE("what is not RESP2, or too large, is a protocol error") {
  std::string deep;
  for (int i = 0; i < 12; ++i) deep += "*1\r\n";
  for (const std::string& bad :
       {std::string("hello\r\n"), std::string("*2000000000\r\n"), std::string("$-2\r\n"), std::string(":x\r\n"),
        std::string("%1\r\n+a\r\n+b\r\n"), std::string("#t\r\n"), std::string(",1.5\r\n"), deep + ":1\r\n"}) {
    INFO(bad);
    ReplyReader reader;
    REQUIRE(reader.feed(bad).ok());
    auto reply = reader.next();
    REQUIRE_FALSE(reply.ok());
    CHECK(reply.error().code == Errc::kProtocol);
  }
  ReplyReader small({.reply_bytes = 1000});
  REQUIRE(small.feed("$2000\r\n" + std::string(900, 'x')).ok());
  REQUIRE(small.next().ok());
  CHECK_FALSE(small.feed(std::string(900, 'x')).ok());
}

TEST_CASE("a text past its limit is refused before its bytes have come") {
  const std::string head(5000, 'h');
  for (size_t cut : {1, 7, 1000, 9000}) {
    ReplyReader reader({.text_bytes = 20'000});
    const std::string bytes = "*3\r\n$20000\r\n" + std::string(20'000, 'x') + "\r\n$536870912\r\n" + head;
    Status failed;
    size_t fed = 0;
    for (; fed < bytes.size() && failed.ok(); fed += cut) {
      REQUIRE(reader.feed(std::string_view(bytes).substr(fed, cut)).ok());
      auto reply = reader.next();
      if (!reply) failed = reply.error();
      if (failed.ok()) CHECK(reader.in_reply());
    }
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().code == Errc::kTooLarge);
    CHECK(reader.oversized().bytes == 536'870'912);
    CHECK(reader.oversized().head == head.substr(0, OversizedText::kHeadBytes));
  }
}

TEST_CASE("a text past a bound is left out, its length stands in its place, and what follows is read") {
  const std::string large(100'000, 'x'),
      bytes =
          "*3\r\n$3\r\nabc\r\n$100000\r\n" + large +
          "\r\n*2\r\n$11\r\n01234567890\r\n$-1\r\n$2\r\n\r\n\r\n$12\r\n012345678901\r\n+a long status line\r\n:5\r\n";
  for (size_t cut : {1, 2, 3, 7, 64, 1000, 8192, 200'000}) {
    INFO(cut);
    ReplyReader reader({.reply_bytes = 8192 + 1024 + (cut > 8192 ? cut : 0)});
    reader.bound_texts(10);
    std::string seen;
    for (size_t at = 0; at < bytes.size(); at += cut) {
      REQUIRE(reader.feed(std::string_view(bytes).substr(at, cut)).ok());
      auto reply = reader.next();
      for (; reply.ok() && *reply != nullptr; reply = reader.next()) seen += describe(**reply);
      REQUIRE(reply.ok());
    }
    CHECK(seen == "[abc;100000;[11;nil;];];\r\n;12;a long status line;5;");
  }
}

TEST_CASE("wiping leaves the reply alone of which a part has come") {
  ReplyReader reader;
  REQUIRE(reader.feed("$6\r\nsecret\r\n*3\r\n$3\r\nabc\r\n*2\r\n:1\r\n").ok());
  REQUIRE(describe(**reader.next()) == "secret;");
  auto part = reader.next();
  REQUIRE((part.ok() && *part == nullptr));
  reader.wipe();
  REQUIRE(reader.feed(":2\r\n+end\r\n").ok());
  auto whole = reader.next();
  REQUIRE((whole.ok() && *whole != nullptr));
  CHECK(describe(**whole) == "[abc;[1;2;];end;];");
}

TEST_CASE("a text that is being dropped is a part of a reply, and a bound ends where the next one begins") {
  ReplyReader reader;
  reader.bound_texts(10);
  REQUIRE(reader.feed("$300000000\r\nxyz").ok());
  auto reply = reader.next();
  REQUIRE(reply.ok());
  REQUIRE(*reply != nullptr);
  CHECK(describe(**reply) == "300000000;");
  CHECK(reader.in_reply());
  reader.bound_texts(0);
  const std::string piece(1'000'000, 'x');
  for (int i = 0; i < 299; ++i) REQUIRE(reader.feed(piece).ok());
  REQUIRE(reader.feed(std::string(999'997, 'x') + "\r\n$11\r\n01234567890\r\n").ok());
  reply = reader.next();
  REQUIRE(reply.ok());
  REQUIRE(*reply != nullptr);
  CHECK(describe(**reply) == "01234567890;");
  CHECK_FALSE(reader.in_reply());
}

TEST_CASE("error replies are sorted by what a caller can do") {
  auto code = [](const char* text) { return error_of(Reply{Reply::Type::kError, 0, text, nullptr, 0}).code; };
  CHECK(code("LOADING Redis is loading") == Errc::kUnavailable);
  CHECK(code("READONLY You can't") == Errc::kUnavailable);
  CHECK(code("OOM command not allowed") == Errc::kUnavailable);
  CHECK(code("NOAUTH Authentication required.") == Errc::kAuthFailed);
  CHECK(code("NOPERM this user") == Errc::kAuthFailed);
  CHECK(code("WRONGTYPE Operation") == Errc::kRefused);
  CHECK(Reply{Reply::Type::kError, 0, "ERR x", nullptr, 0}.error_code() == "ERR");
  CHECK(Reply{Reply::Type::kString, 0, "ERR x", nullptr, 0}.error_code().empty());
}

TEST_CASE("a Redis that takes no writes from anybody is told from one that refuses this one") {
  auto refuses = [](const char* text) { return refuses_all_writes(Reply{Reply::Type::kError, 0, text, nullptr, 0}); };
  CHECK(refuses("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk."));
  CHECK(refuses("NOREPLICAS Not enough good replicas to write."));
  CHECK(refuses(
      "ERR Error running script (call to f_0): @user_script:1: -NOREPLICAS Not enough good replicas to write."));
  CHECK_FALSE(refuses("OOM command not allowed when used memory > 'maxmemory'."));
  CHECK_FALSE(refuses("NOPERM this user has no permissions"));
  CHECK_FALSE(refuses_all_writes(Reply{Reply::Type::kString, 0, "MISCONF x", nullptr, 0}));
}

TEST_CASE("commands are RESP arrays of bulk strings") {
  std::string out;
  append_command(out, "SET", std::string("k"), -5, std::string_view("a\0b", 3), uint64_t{18446744073709551615u});
  CHECK(out == "*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n-5\r\n$3\r\na\0b\r\n$20\r\n18446744073709551615\r\n"s);
  std::string_view args[] = {"DEL", "a", ""};
  CHECK(Command::of(args).bytes() == "*3\r\n$3\r\nDEL\r\n$1\r\na\r\n$0\r\n\r\n");
  CHECK(Command("A").add("B").add(Command("C").add("D")).count() == 4);
}

TEST_CASE("values, fields of entries and times come out of whole replies") {
  auto with = [](std::string_view bytes, auto check) {
    ReplyReader reader;
    REQUIRE(reader.feed(bytes).ok());
    auto reply = reader.next();
    REQUIRE((reply.ok() && *reply != nullptr));
    check(**reply);
  };
  with("*3\r\n$1\r\na\r\n$-1\r\n$0\r\n\r\n", [](const Reply& reply) {
    auto values = values_of(reply);
    REQUIRE(values.size() == 3);
    CHECK(values[0] == "a");
    CHECK_FALSE(values[1].has_value());
    CHECK(values[2] == "");
    CHECK_FALSE(time_of(reply));
  });
  with("-ERR no\r\n", [](const Reply& reply) {
    CHECK(values_of(reply).empty());
    CHECK_FALSE(time_of(reply));
  });
  with("*2\r\n$3\r\n1-0\r\n*4\r\n$1\r\na\r\n$1\r\nx\r\n$1\r\nb\r\n$1\r\ny\r\n", [](const Reply& entry) {
    REQUIRE(entry_field(entry, "b") != nullptr);
    CHECK(entry_field(entry, "b")->text == "y");
    CHECK(entry_field(entry, "x") == nullptr);
  });
  with("*2\r\n$3\r\n1-0\r\n*-1\r\n", [](const Reply& deleted) { CHECK(entry_field(deleted, "b") == nullptr); });
  with("*2\r\n$2\r\n17\r\n$3\r\n250\r\n", [](const Reply& time) { CHECK(time_of(time) == 17'000'250); });
  for (auto [seconds, micros] : {std::pair("9300000000000", "0"),
                                 {"1000000000001", "0"},
                                 {"0", "0"},
                                 {"-5", "0"},
                                 {"17", "1000000"},
                                 {"17", "-1"},
                                 {"17", ""},
                                 {"x", "1"}})
    CHECK_FALSE(time_of(seconds, micros));
}

TEST_CASE("fields of INFO") {
  std::string info = "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\nrole:master";
  CHECK(info_value(info, "redis_version") == "7.0.15");
  CHECK(info_value(info, "redis_mode") == "standalone");
  CHECK(info_value(info, "role") == "master");
  CHECK(info_value(info, "redis").empty());
  CHECK(info_value("", "role").empty());
}
