// Registry entries as different writers leave them.
#include "proto/wire/agent_entry.h"

#include "proto/wire/limits.h"
#include "tests/unit/catch.h"

using namespace mas;

namespace {

using Values = std::vector<std::optional<std::string_view>>;

Errc refusal(std::string_view key_id, const Values& values, const std::string& expected_in_message) {
  auto entry = agent_entry_from_values(key_id, values);
  REQUIRE_FALSE(entry.ok());
  INFO(entry.error().message);
  CHECK(entry.error().message.find(expected_in_message) != std::string::npos);
  return entry.error().code;
}

}  // namespace

TEST_CASE("an entry as the Python framework writes it") {
  std::string metadata = R"({"lang": "py", "v": 1.5, "name": "J\u00fcrgen", "tags": ["a", null, true]})";
  auto entry =
      agent_entry_from_values("alice", {"alice", R"(["chat", "ma\u00dfe"])", metadata, "ACTIVE", "1795350096.7316658"});
  REQUIRE(entry.ok());
  CHECK(entry->id == "alice");
  CHECK(entry->capabilities == std::vector<std::string>{"chat", "maße"});
  CHECK(entry->metadata == metadata);
  CHECK(entry->active);
  CHECK(entry->registered_at == 1795350096.7316658);
}

TEST_CASE("an entry of a foreign writer may have as little as an id") {
  auto entry = agent_entry_from_values("maße:1 x", {"maße:1 x", {}, {}, {}, {}});
  REQUIRE(entry.ok());
  CHECK(entry->capabilities.empty());
  CHECK(entry->metadata == "{}");
  CHECK_FALSE(entry->active);
  CHECK(entry->registered_at == 0);

  entry = agent_entry_from_values("a", {"a", "[]", "", "INACTIVE", "yesterday"});
  REQUIRE(entry.ok());
  CHECK(entry->capabilities.empty());
  CHECK(entry->metadata == "{}");
  CHECK_FALSE(entry->active);
  CHECK(entry->registered_at == 0);
  CHECK(agent_entry_from_values("a", {"a", "", " {} ", "ACTIVE", "inf"})->registered_at == 0);
}

TEST_CASE("a field over its bound is named, and nothing is read") {
  using Sizes = std::vector<int64_t>;
  CHECK(check_agent_entry_sizes(Sizes{512, 256 * 1024, 64 * 1024, 64, 64}).ok());
  CHECK(check_agent_entry_sizes(Sizes{0, 0, 0, 0, 0}).ok());
  const Sizes within = {5, 2, 2, 6, 10};
  for (size_t field = 0; field < within.size(); ++field) {
    Sizes sizes = within;
    sizes[field] = 300 << 20;
    Status status = check_agent_entry_sizes(sizes);
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == Errc::kTooLarge);
    CHECK(status.error().message.find(std::string(kAgentEntryFields[field]) + ": expected at most ") !=
          std::string::npos);
    CHECK(status.error().message.find("has 314572800") != std::string::npos);
  }
}

TEST_CASE("what is not an entry, and entries that are wrong") {
  CHECK(refusal("a:instances", {{}, {}, {}, {}, {}}, "a:instances") == Errc::kNotFound);
  CHECK(refusal("a", {"b", {}, {}, {}, {}}, "id: ") == Errc::kMalformed);
  CHECK(refusal("", {"", {}, {}, {}, {}}, "id: ") == Errc::kMalformed);
  CHECK(refusal("a\n", {"a\n", {}, {}, {}, {}}, "id: ") == Errc::kMalformed);
  CHECK(refusal("a", {"a", "chat", {}, {}, {}}, "capabilities: ") == Errc::kMalformed);
  CHECK(refusal("a", {"a", "[1]", {}, {}, {}}, "capabilities: ") == Errc::kMalformed);
  CHECK(refusal("a", {"a", "[\"\"]", {}, {}, {}}, "capabilities: ") == Errc::kMalformed);
  CHECK(refusal("a", {"a", "[\"x\\u0000\"]", {}, {}, {}}, "capabilities: ") == Errc::kMalformed);
  CHECK(refusal("a", {"a", {}, "[]", {}, {}}, "metadata: ") == Errc::kMalformed);
  CHECK(refusal("a", {"a", {}, "{\"k\":tru}", {}, {}}, "metadata: ") == Errc::kMalformed);
  CHECK(refusal("a", {"a"}, "5 fields") == Errc::kInvalidArgument);
  std::string large = "{\"k\":\"" + std::string(limits::kMetadataBytes, 'x') + "\"}";
  CHECK(refusal("a", {"a", {}, large, {}, {}}, "metadata: ") == Errc::kTooLarge);
}

TEST_CASE("capabilities: what is allowed, and as JSON") {
  for (const char* good : {"a", "maße", "translate:en/de", "with space"}) CHECK(check_capability(good).ok());
  CHECK(check_capability(std::string(128, 'c')).ok());
  for (const std::string& bad : {std::string(), std::string(129, 'c'), std::string("a\n"), std::string("\xff"),
                                 std::string(1, '\0'), std::string("\x7f")}) {
    auto status = check_capability(bad);
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == Errc::kInvalidArgument);
  }
  CHECK(capabilities_json({}) == "[]");
  CHECK(capabilities_json({"chat", "ma\"ße"}) == "[\"chat\",\"ma\\\"ße\"]");
}
