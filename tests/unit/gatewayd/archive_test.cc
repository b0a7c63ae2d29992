// Entries of the archive and requests for their replay.
#include "daemons/gatewayd/archive/entry.h"
#include "daemons/gatewayd/archive/request.h"
#include "tests/unit/catch.h"
#include "tests/unit/wire/vector_file.h"

using namespace mas;
using namespace mas::gateway::archive;
using namespace mas::test;

namespace {

constexpr std::string_view kStream = "mas.archive:{3}";

Key key_of(std::string_view id = "k1", std::string bytes = "0123456789abcdef0123456789ABCDEF") {
  auto key = Key::of(id, bytes);
  REQUIRE(key.ok());
  return *key;
}

std::string two_records(const Key& key) {
  EntryBuilder builder;
  builder.add({"alice", "bob", "note", "m1", R"({"secret":"one"})"});
  builder.add({"alice", "carol", "", "", R"({"two":2})"});
  CHECK(builder.records() == 2);
  std::string bytes = builder.finish(key, kStream, 1'795'350'096'000'001);
  CHECK(builder.records() == 0);
  return bytes;
}

}  // namespace

TEST_CASE("archive: an entry has its index in clear and its envelopes under the key") {
  Key key = key_of();
  std::string bytes = two_records(key);
  CHECK(bytes.find("secret") == std::string::npos);
  Entry entry;
  REQUIRE(decode(bytes, entry).ok());
  CHECK(entry.key_id == "k1");
  CHECK(entry.time == 1'795'350'096'000'001);
  REQUIRE(entry.records.size() == 2);
  CHECK(entry.records[0].sender == "alice");
  CHECK(entry.records[1].target == "carol");
  CHECK(entry.records[0].type == "note");
  CHECK(entry.records[0].message_id == "m1");
  auto plain = open(entry, key, kStream);
  REQUIRE(plain.ok());
  CHECK(plain->substr(entry.records[0].begin, entry.records[0].size) == R"({"secret":"one"})");
  CHECK(plain->substr(entry.records[1].begin, entry.records[1].size) == R"({"two":2})");
  CHECK(two_records(key) != bytes);
}

TEST_CASE("archive: the test vectors open") {
  for (const auto& [name, json] : vector_file("archive.json")) {
    INFO(name);
    VectorObject vector = vector_object(json);
    auto key = Key::of(vector.at("key_id"), unhex(vector.at("archive_key")));
    REQUIRE(key.ok());
    const std::string bytes = unhex(vector.at("entry"));
    Entry entry;
    REQUIRE(decode(bytes, entry).ok());
    CHECK(entry.key_id == vector.at("key_id"));
    CHECK(key->of_entry(entry.salt).text() == MasterKey::of(unhex(vector.at("entry_key")))->text());
    auto plain = open(entry, *key, vector.at("stream"));
    REQUIRE(plain.ok());
    CHECK(*plain == vector.at("envelopes"));
  }
}

TEST_CASE("archive: what was changed, moved or sealed under another key does not open") {
  Key key = key_of();
  const std::string bytes = two_records(key);
  Entry entry;
  REQUIRE(decode(bytes, entry).ok());
  CHECK(open(entry, key, "mas.archive:{4}").error().code == Errc::kAuthFailed);
  auto other = open(entry, key_of("k2", std::string(31, 'x') + "y"), kStream);
  REQUIRE_FALSE(other.ok());
  CHECK(other.error().message.find("'k1'") != std::string::npos);
  CHECK(other.error().message.find("'k2'") != std::string::npos);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    Entry read;
    if (decode(changed, read).ok()) CHECK_FALSE(open(read, key, kStream).ok());
  }
  for (size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(decode(bytes.substr(0, size), entry).ok());
  CHECK_FALSE(decode(bytes + "x", entry).ok());
}

TEST_CASE("archive: a key is told by an id and read from a file") {
  CHECK_FALSE(Key::of("no id", std::string(31, 'x') + "y").ok());
  CHECK_FALSE(Key::of("", std::string(31, 'x') + "y").ok());
  CHECK_FALSE(Key::of("k1", "short").ok());
  CHECK_FALSE(Key::read("k1", "/no/such/file").ok());
}

TEST_CASE("archive: requests are written as they are read") {
  Request request{3, "1795350096000-0", {0, 1, 2, 3, 7, 9, 10}};
  CHECK(request_text(request) == "archive:3:1795350096000-0:0-3,7,9-10");
  auto read = parse_request(request_text(request));
  REQUIRE(read.ok());
  CHECK(read->partition == 3);
  CHECK(read->entry == request.entry);
  CHECK(read->records == request.records);
  for (std::string_view bad :
       {"", "1795350096000-0", "archive:", "archive:3", "archive:3:1-0", "archive:3:1-0:", "archive:3:1:0",
        "archive:1024:1-0:0", "archive:-1:1-0:0", "archive:3:1-0:3-1", "archive:3:1-0:1,1", "archive:3:1-0:1,x",
        "archive:3:1-0:65536", "archive:3:1-0:0-4294967295"}) {
    INFO(bad);
    CHECK_FALSE(parse_request(bad).ok());
  }
}
