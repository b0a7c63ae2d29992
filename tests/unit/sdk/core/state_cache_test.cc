// The local copy of the state: how large it would be.
#include "sdk/src/core/state_cache.h"

#include "tests/unit/catch.h"

using namespace mas::sdk;

namespace {

void check_size(const StateSize& size, size_t fields, size_t bytes) {
  CHECK(size.fields == fields);
  CHECK(size.bytes == bytes);
}

}  // namespace

TEST_CASE("the size after changes is what it is when they are made") {
  StateCache cache;
  cache.replace({{"a", "12345"}, {"bb", ""}});
  check_size(cache.size_after({}), 2, 8);
  const std::vector<StateChange> all_changes[] = {
      {{"c", "1"}},                                  // a new field
      {{"a", "1"}, {"c", ""}},                       // shorter, empty
      {{"a", std::nullopt}, {"none", std::nullopt}}  // gone, never there
  };
  for (const auto& changes : all_changes) {
    const StateSize expected = cache.size_after(changes);
    cache.apply(changes);
    check_size(cache.size_after({}), expected.fields, expected.bytes);
  }
  check_size(cache.size_after({}), 2, 3);  // "bb" and "c", both empty
}

TEST_CASE("a field that is changed twice at once counts with its last value") {
  StateCache cache;
  const std::vector<StateChange> changes = {{"a", "long value"}, {"a", "1"}, {"b", "1"}, {"b", std::nullopt}};
  check_size(cache.size_after(changes), 1, 2);
  cache.apply(changes);
  check_size(cache.size_after({}), 1, 2);
}
