// The commit script against a real Redis: fenced, done, and refused at every place with nothing changed.
#include "daemons/gatewayd/turn/commit.h"
#include "tests/lib/loop_fixture.h"
#include "tests/lib/redis_server.h"
#include "tests/redis/client.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::test;

namespace {

struct ScriptCase {
  RedisServer server;
  LoopFixture loop;
  RecordingListener listener;
  redis::Connection connection{loop.loop(), quick_options(server.url()), &listener};
  Receiver receiver;
  Commit commit;
  Result<CommitResult> result = Error{Errc::kInvalidState, "none came"};
  bool answered = false;

  ScriptCase() {
    connection.start();
    REQUIRE(loop.run_until([&] { return connection.ready(); }));
    ask("SET", "epoch0", "7");
    ask("SET", "epoch1", "9");
    ask("RPUSH", "ingress0", "a", "b", "c");
    ask("HSET", "senders0", "old", "state");
  }

  template <typename... Args>
  std::string ask(const Args&... args) {
    size_t before = receiver.answers.size();
    REQUIRE(connection.send(redis::Command(args...), receiver.to()).ok());
    REQUIRE(loop.run_until([&] { return receiver.answers.size() > before; }));
    return receiver.answers.back();
  }

  void on_reply(uint64_t, const redis::Answer& answer) {
    result = answer.ok() ? commit_result(**answer) : Result<CommitResult>(answer.error());
    answered = true;
  }
  CommitResult::Kind run() {
    answered = false;
    redis::Rope whole;
    commit.append_to(whole);
    REQUIRE(connection.send(std::move(whole), redis::reply_to<&ScriptCase::on_reply>(this)).ok());
    REQUIRE(loop.run_until([&] { return answered; }));
    INFO((result.ok() ? std::string() : result.error().message));
    REQUIRE(result.ok());
    return result->kind;
  }
  std::vector<std::string> refused() const {
    std::vector<std::string> keys;
    for (const auto& refusal : result->refused) keys.emplace_back(commit.key(refusal.key));
    return keys;
  }
  /// A turn over two partitions: two inboxes, a dead letter, two audit blocks, states and trims.
  void turn() {
    commit.clear();
    commit.fence("epoch0", "7");
    commit.fence("epoch1", "9");
    commit.entry("inbox.a", {"b", "one"});
    commit.entry("inbox.b", {"b", "two"});
    commit.entry("inbox.a", {"b", "three"});
    commit.entry("dlq", {"payload", "p", "sender", "s", "target", "t", "reason", "r", "attempts", "0", "last", "1"});
    commit.entry("audit0", {"b", "block"});
    commit.entry("audit1", {"b", "block"});
    commit.change("HSET", "senders0", {"alice/0", "state", "alice", "limiter"});
    commit.change("HDEL", "senders0", {"old"});
    commit.change("LTRIM", "ingress0", {"2", "-1"});
    commit.change("HSET", "senders1", {"bob/0", "state"});
    commit.change("LTRIM", "ingress1", {"1", "-1"});
  }
  void check_unchanged() {
    for (const char* stream : {"inbox.a", "inbox.b", "dlq", "audit0", "audit1"}) {
      INFO(stream);
      if (ask("TYPE", stream) == "stream") CHECK(ask("XLEN", stream) == "0");
    }
    if (ask("TYPE", "senders0") == "hash") CHECK(ask("HLEN", "senders0") == "1");
    if (ask("TYPE", "senders1") == "hash") CHECK(ask("HLEN", "senders1") == "0");
    if (ask("TYPE", "ingress0") == "list") CHECK(ask("LLEN", "ingress0") == "3");
  }
};

}  // namespace

TEST_CASE("a commit writes all of it") {
  ScriptCase at;
  at.turn();
  CHECK(at.run() == CommitResult::Kind::kDone);
  CHECK(at.ask("XLEN", "inbox.a") == "2");
  CHECK(at.ask("XLEN", "inbox.b") == "1");
  CHECK(at.ask("XLEN", "dlq") == "1");
  CHECK(at.ask("XLEN", "audit0") == "1");
  CHECK(at.ask("XLEN", "audit1") == "1");
  CHECK(at.ask("HGET", "senders0", "alice/0") == "state");
  CHECK(at.ask("HGET", "senders0", "alice") == "limiter");
  CHECK(at.ask("HEXISTS", "senders0", "old") == "0");
  CHECK(at.ask("HGET", "senders1", "bob/0") == "state");
  CHECK(at.ask("LLEN", "ingress0") == "1");
  CHECK(at.ask("LINDEX", "ingress0", "0") == "c");
}

TEST_CASE("an epoch that is not the owner's ends it before anything is written") {
  ScriptCase at;
  at.turn();
  SECTION("raised") { at.ask("INCR", "epoch1"); }
  SECTION("gone") { at.ask("DEL", "epoch1"); }
  SECTION("another text for the same number") { at.ask("SET", "epoch1", "09"); }
  CHECK(at.run() == CommitResult::Kind::kFenced);
  CHECK(at.result->epoch == 1);
  at.check_unchanged();
}

TEST_CASE("an entry that Redis refuses undoes those before it, wherever it stands") {
  ScriptCase at;
  const std::vector<std::pair<std::string, size_t>> entries{
      {"inbox.a", 0}, {"inbox.b", 1}, {"dlq", 3}, {"audit0", 4}, {"audit1", 5}};
  for (const auto& [key, index] : entries) {
    INFO(key);
    at.ask("SET", key, "another type");
    at.turn();
    CHECK(at.run() == CommitResult::Kind::kFailed);
    REQUIRE_FALSE(at.result->refused.empty());
    CHECK(at.commit.entry_of(at.result->refused[0].key) == index);
    for (const auto& refusal : at.result->refused) {
      CHECK(at.commit.key(refusal.key) == key);
      CHECK(refusal.error.find("WRONGTYPE") != std::string::npos);
    }
    at.check_unchanged();
    at.ask("DEL", key);
  }
  // A stream whose ids are used up, as its owner can make it.
  at.ask("XADD", "inbox.b", "18446744073709551615-18446744073709551615", "b", "last");
  at.turn();
  CHECK(at.run() == CommitResult::Kind::kFailed);
  CHECK(at.refused() == std::vector<std::string>{"inbox.b"});
  CHECK(at.ask("XLEN", "inbox.b") == "1");
  CHECK(at.ask("XLEN", "inbox.a") == "0");
}

TEST_CASE("every stream that takes nothing is named at once, and all others are as before") {
  ScriptCase at;
  at.ask("XADD", "inbox.a", "18446744073709551615-18446744073709551615", "b", "last");
  at.ask("SET", "dlq", "another type");
  at.ask("SET", "audit1", "another type");
  at.turn();
  CHECK(at.run() == CommitResult::Kind::kFailed);
  CHECK(at.refused() == std::vector<std::string>{"inbox.a", "inbox.a", "dlq", "audit1"});
  CHECK(at.ask("XLEN", "inbox.a") == "1");
  CHECK(at.ask("XLEN", "inbox.b") == "0");
  CHECK(at.ask("XLEN", "audit0") == "0");
  CHECK(at.ask("LLEN", "ingress0") == "3");
}

TEST_CASE("of very many that are refused, as many are named as are bounded") {
  ScriptCase at;
  at.ask("SET", "wrong", "another type");
  at.commit.fence("epoch0", "7");
  at.commit.entry("inbox.b", {"b", "one"});
  for (int i = 0; i < 1000; ++i) at.commit.entry("wrong", {"b", "x"});
  CHECK(at.run() == CommitResult::Kind::kFailed);
  CHECK(at.result->refused.size() == kMaxRefusals);
  at.check_unchanged();
}

TEST_CASE("a change that Redis would refuse changes nothing, and delivers nothing") {
  ScriptCase at;
  std::vector<std::string> keys;
  SECTION("the states of the first partition") { keys = {"senders0"}; }
  SECTION("the list of the first partition") { keys = {"ingress0"}; }
  SECTION("the states of the second partition") { keys = {"senders1"}; }
  SECTION("the list of the second partition") { keys = {"ingress1"}; }
  SECTION("an epoch") { keys = {"epoch1"}; }
  SECTION("several at once") { keys = {"epoch0", "senders0", "ingress1"}; }
  for (const auto& key : keys) at.ask("DEL", key);
  for (const auto& key : keys) at.ask("SADD", key, "another type");
  at.turn();
  CHECK(at.run() == CommitResult::Kind::kFailed);
  CHECK(at.refused() == keys);
  for (const auto& refusal : at.result->refused) CHECK(refusal.error.find("WRONGTYPE") != std::string::npos);
  at.check_unchanged();
}

TEST_CASE("a time to live is given to a stream that has none, and no other is changed") {
  ScriptCase at;
  at.ask("XADD", "renewed", "1-1", "b", "x");
  at.ask("PEXPIRE", "renewed", "5000000");
  at.ask("XADD", "short", "1-1", "b", "x");
  at.ask("PEXPIRE", "short", "10000");
  at.commit.fence("epoch0", "7");
  for (const char* key : {"renewed", "short", "made"}) {
    at.commit.entry(key, {"b", "x"});
    at.commit.change("PEXPIRE", key, {"60000"});
  }
  at.commit.entry("made", {"b", "y"});
  at.commit.change("PEXPIRE", "made", {"60000"});
  at.commit.change("PEXPIRE", "wrong", {"60000"});
  SECTION("done") {
    CHECK(at.run() == CommitResult::Kind::kDone);
    CHECK(std::stol(at.ask("PTTL", "made")) > 50'000);
    CHECK(std::stol(at.ask("PTTL", "made")) <= 60'000);
  }
  SECTION("refused: by the entry, whatever type the key has") {
    at.ask("SET", "wrong", "another type");
    at.commit.entry("wrong", {"b", "x"});
    CHECK(at.run() == CommitResult::Kind::kFailed);
    CHECK(at.refused() == std::vector<std::string>{"wrong"});
    CHECK(at.ask("PTTL", "made") == "-1");
  }
  CHECK(std::stol(at.ask("PTTL", "renewed")) > 4'000'000);
  CHECK(std::stol(at.ask("PTTL", "short")) <= 10'000);
}

TEST_CASE("more fields and entries than Lua unpacks at once") {
  ScriptCase at;
  at.commit.fence("epoch0", "7");
  for (int i = 0; i < 9000; ++i) at.commit.entry("inbox.a", {"b", "x"});
  std::vector<std::string> fields;
  for (int i = 0; i < 4000; ++i) fields.push_back("f" + std::to_string(i));
  at.commit.change("HSET", "senders0", {fields.begin(), fields.end()});
  CHECK(at.run() == CommitResult::Kind::kDone);
  CHECK(at.ask("XLEN", "inbox.a") == "9000");
  CHECK(at.ask("HLEN", "senders0") == "2001");
}

TEST_CASE("out of memory, deliveries are refused with nothing changed, and a trim alone is done") {
  ScriptCase at;
  at.ask("CONFIG", "SET", "maxmemory", "1");
  at.turn();
  CHECK(at.run() == CommitResult::Kind::kFailed);
  REQUIRE_FALSE(at.result->refused.empty());
  CHECK(at.refused()[0] == "inbox.a");
  CHECK(at.result->refused[0].error.find("OOM") != std::string::npos);
  at.check_unchanged();

  at.commit.clear();
  at.commit.fence("epoch0", "7");
  at.commit.change("LTRIM", "ingress0", {"2", "-1"});
  CHECK(at.run() == CommitResult::Kind::kDone);
  CHECK(at.ask("LLEN", "ingress0") == "1");
}
