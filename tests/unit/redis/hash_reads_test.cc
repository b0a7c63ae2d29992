// Reads of hashes: how many scripts, and what their replies say.
#include "proto/redis/hash_reads.h"

#include "tests/unit/catch.h"

using namespace mas::redis;

namespace {

Reply text(std::string_view value) { return Reply{Reply::Type::kString, 0, value, nullptr, 0}; }
Reply number(int64_t value) { return Reply{Reply::Type::kInteger, value, {}, nullptr, 0}; }

}  // namespace

TEST_CASE("keys are spread over scripts of a bounded size") {
  constexpr std::string_view kFields[] = {"id", "status"};
  constexpr size_t kBounds[] = {512, 64};
  for (size_t per_script : {kHashesPerScript, kHashesPerScriptOnCluster})
    for (size_t count : {0u, 1u, 31u, 32u, 33u, 256u}) {
      std::vector<std::string> keys;
      for (size_t i = 0; i < count; ++i) keys.push_back("agent:" + std::to_string(i));
      Command batch;
      add_hash_reads(batch, keys, kFields, kBounds, per_script);
      CHECK(batch.count() == hash_scripts(count, per_script));
    }
}

TEST_CASE("values, sizes and what is no hash are told apart") {
  const Reply values[] = {text("alice"), Reply{}};
  HashSeen seen = hash_seen(Reply{Reply::Type::kArray, 0, {}, values, 2});
  REQUIRE(seen.values.size() == 2);
  CHECK(seen.values[0] == "alice");
  CHECK_FALSE(seen.values[1].has_value());
  CHECK(seen.sizes.empty());

  const Reply sizes[] = {number(5), number(300 << 20)};
  seen = hash_seen(Reply{Reply::Type::kArray, 0, {}, sizes, 2});
  CHECK(seen.values.empty());
  CHECK(seen.sizes == std::vector<int64_t>{5, 300 << 20});

  seen = hash_seen(Reply{});
  CHECK(seen.values.empty());
  CHECK(seen.sizes.empty());
}
