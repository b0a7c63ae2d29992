// Delegation chains: what is one, how it grows, and that it stays bounded.
#include "proto/wire/chain.h"

#include <vector>

#include "proto/wire/limits.h"
#include "tests/unit/catch.h"

using namespace mas;

namespace {

std::vector<std::string> ids(std::string_view array) {
  std::vector<std::string> all;
  std::string_view id;
  for (ChainReader reader(array); reader.next(id);) all.emplace_back(id);
  return all;
}

std::string array_of(size_t n) {
  std::string array = "[";
  for (size_t i = 0; i < n; ++i) array += (i == 0 ? "\"a" : ",\"a") + std::to_string(i) + "\"";
  return array + "]";
}

}  // namespace

TEST_CASE("a chain is an array of agent ids, with white space or without") {
  CHECK(is_chain("[]"));
  CHECK(is_chain("[ ]"));
  CHECK(is_chain(R"(["alice"])"));
  CHECK(is_chain("[ \"alice\" ,\n\t\"bob.7\"\r]"));
  CHECK(ids("[ \"alice\" , \"bob.7\" ]") == std::vector<std::string>{"alice", "bob.7"});
  CHECK(ids("[]").empty());
  CHECK(ids("").empty());
}

TEST_CASE("nothing else is a chain") {
  for (const char* text : {"", "[", "]", "null", "\"alice\"", "{}", "[1]", "[null]", "[\"\"]", "[\"alice\"",
                           "[\"alice\",]", "[,\"alice\"]", "[\"alice\" \"bob\"]", "[[\"alice\"]]", "[\"alice\"]x",
                           "[\"no id!\"]", "[\"a\\u006cice\"]", "[\"alice]", "[]]"}) {
    INFO(text);
    CHECK_FALSE(is_chain(text));
  }
}

TEST_CASE("a chain has a limit, and leaves out the oldest when it grows past it") {
  CHECK(is_chain(array_of(limits::kChainAgents)));
  CHECK_FALSE(is_chain(array_of(limits::kChainAgents + 1)));
  CHECK(chain_length(array_of(limits::kChainAgents)) == limits::kChainAgents);
  std::string chain;
  for (size_t i = 0; i < 100; ++i) {
    std::string longer;
    extend_chain(longer, chain, "a" + std::to_string(i));
    chain = longer;
    REQUIRE(is_chain(chain));
    CHECK(chain_length(chain) == std::min<size_t>(i + 1, limits::kChainAgents));
    CHECK(ids(chain).back() == "a" + std::to_string(i));
  }
  CHECK(ids(chain).front() == "a68");
}
