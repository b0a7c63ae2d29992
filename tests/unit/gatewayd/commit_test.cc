// The commit's command, argument by argument, and every reply that may come back.
#include "daemons/gatewayd/turn/commit.h"

#include <algorithm>
#include <charconv>

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;

namespace {

/// The arguments of the RESP command.
std::vector<std::string> words_of(const Commit& commit) {
  redis::Rope rope;
  commit.append_to(rope);
  const std::string command = rope.take_bytes();
  std::string_view rest = command;
  auto length = [&rest](char mark) {
    REQUIRE(rest.front() == mark);
    size_t value = 0;
    auto end = rest.find("\r\n");
    std::from_chars(rest.data() + 1, rest.data() + end, value);
    rest.remove_prefix(end + 2);
    return value;
  };
  std::vector<std::string> words(length('*'));
  for (auto& word : words) {
    size_t size = length('$');
    word = rest.substr(0, size);
    rest.remove_prefix(size + 2);
  }
  REQUIRE(rest.empty());
  return words;
}

std::vector<std::string> without_script(const Commit& commit) {
  auto words = words_of(commit);
  REQUIRE(words.size() > 3);
  CHECK(words[0] == "EVAL");
  words.erase(words.begin(), words.begin() + 2);
  return words;
}

/// Parses RESP and hands the reply on while it lives.
Result<CommitResult> result_of(std::string_view resp) {
  redis::ReplyReader reader;
  REQUIRE(reader.feed(resp).ok());
  auto reply = reader.next();
  REQUIRE(reply.ok());
  REQUIRE(*reply != nullptr);
  return commit_result(**reply);
}

}  // namespace

TEST_CASE("keys come in the order of epochs, changes, entries; arguments say how many there are") {
  Commit commit;
  CHECK(commit.empty());
  // In any order of the calls.
  commit.change("HSET", "senders", {"f", "v", "g", "w"});
  const std::vector<std::string_view> pieces{"bl", "", "ob"};
  commit.entry("stream", {"b", redis::Argument(pieces, 4)});
  commit.fence("epoch0", "7");
  commit.entry("audit", {"b", std::string_view("\0\r\n", 3)});
  commit.fence("epoch1", "9");
  commit.change("LTRIM", "ingress", {"3", "-1"});
  CHECK_FALSE(commit.empty());
  auto words = without_script(commit);
  std::vector<std::string> keys{"6", "epoch0", "epoch1", "senders", "ingress", "stream", "audit"};
  REQUIRE(words.size() > keys.size());
  CHECK(std::vector<std::string>(words.begin(), words.begin() + 7) == keys);
  auto has = [&words](std::vector<std::string> part) {
    return std::search(words.begin() + 7, words.end(), part.begin(), part.end()) != words.end();
  };
  CHECK(has({"2", "7", "9"}));
  CHECK(has({"2", "2", "b", "blob", "2", "b", std::string("\0\r\n", 3)}));
  CHECK(has({"2", "HSET", "4", "f", "v", "g", "w", "LTRIM", "2", "3", "-1"}));
  CHECK(words.size() == 7 + 3 + 7 + 11);
  commit.clear();
  CHECK(commit.empty());
  CHECK(without_script(commit) == std::vector<std::string>{"0", "0", "0", "0"});
}

TEST_CASE("many entries and the longest change") {
  Commit commit;
  for (int i = 0; i < 20'000; ++i) commit.entry("k", {"b", "x"});
  std::vector<std::string_view> arguments(4000, "y");
  commit.change("HSET", "senders", arguments);
  CHECK(without_script(commit).size() == 1 + 20'001 + 1 + 1 + 3 * 20'000 + 1 + 2 + 4000);
}

TEST_CASE("the script's three answers") {
  auto done = result_of("*1\r\n$4\r\nDONE\r\n");
  REQUIRE(done.ok());
  CHECK(done->kind == CommitResult::Kind::kDone);
  auto fenced = result_of("*2\r\n$6\r\nFENCED\r\n:3\r\n");
  REQUIRE(fenced.ok());
  CHECK(fenced->kind == CommitResult::Kind::kFenced);
  CHECK(fenced->epoch == 3);
  auto failed = result_of("*5\r\n$6\r\nFAILED\r\n:12\r\n$9\r\nWRONGTYPE\r\n:14\r\n$3\r\nERR\r\n");
  REQUIRE(failed.ok());
  CHECK(failed->kind == CommitResult::Kind::kFailed);
  REQUIRE(failed->refused.size() == 2);
  CHECK(failed->refused[0].key == 12);
  CHECK(failed->refused[0].error == "WRONGTYPE");
  CHECK(failed->refused[1].key == 14);
}

TEST_CASE("what was refused is found by its number") {
  Commit commit;
  commit.entry("stream", {"b", "blob"});
  commit.fence("epoch", "7");
  commit.entry("audit", {"b", "block"});
  commit.change("LTRIM", "ingress", {"3", "-1"});
  const std::vector<std::string_view> keys{"epoch", "ingress", "stream", "audit", ""};
  for (size_t number = 0; number < keys.size(); ++number) CHECK(commit.key(number) == keys[number]);
  CHECK_FALSE(commit.entry_of(0).has_value());
  CHECK_FALSE(commit.entry_of(1).has_value());
  CHECK(commit.entry_of(2) == 0);
  CHECK(commit.entry_of(3) == 1);
  CHECK_FALSE(commit.entry_of(4).has_value());
  CHECK_FALSE(commit.entry_of(SIZE_MAX).has_value());
}

TEST_CASE("nothing else is taken for a commit that was done") {
  for (std::string_view resp :
       {"*0\r\n", "*-1\r\n", "$-1\r\n", "+OK\r\n", "$4\r\nDONE\r\n", ":1\r\n", "*1\r\n:1\r\n", "*1\r\n$4\r\nDON3\r\n",
        "*2\r\n$4\r\nDONE\r\n:0\r\n", "*1\r\n$6\r\nFENCED\r\n", "*2\r\n$6\r\nFENCED\r\n:-1\r\n",
        "*2\r\n$6\r\nFENCED\r\n$1\r\n1\r\n", "*3\r\n$6\r\nFENCED\r\n:1\r\n:1\r\n", "*2\r\n$6\r\nFAILED\r\n:1\r\n",
        "*4\r\n$6\r\nFAILED\r\n:1\r\n$1\r\nx\r\n$1\r\nx\r\n", "*1\r\n*1\r\n$4\r\nDONE\r\n", "*2\r\n*0\r\n:1\r\n",
        "*5\r\n$6\r\nFAILED\r\n:1\r\n$1\r\nx\r\n$1\r\ny\r\n$1\r\nx\r\n", "*3\r\n$6\r\nFAILED\r\n:1\r\n:2\r\n"}) {
    auto result = result_of(resp);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code == Errc::kProtocol);
  }
  auto error = result_of("-OOM command not allowed when used memory > 'maxmemory'.\r\n");
  REQUIRE_FALSE(error.ok());
  CHECK(error.error().code == Errc::kUnavailable);
}
