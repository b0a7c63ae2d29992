// Texts in chunks: they stay where they are, and chunks are used again.
#include "daemons/gatewayd/turn/text_store.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/catch.h"

using namespace mas::gateway;

TEST_CASE("kept texts stay what and where they are, whatever their sizes") {
  ChunkPool pool(100);
  TextStore store(pool);
  std::vector<std::string> texts;
  std::vector<std::string_view> kept;
  for (size_t i = 0; i < 300; ++i) texts.emplace_back(i % 120, static_cast<char>('a' + i % 26));
  for (const auto& text : texts) kept.push_back(store.keep(text));
  for (size_t i = 0; i < texts.size(); ++i) CHECK(kept[i] == texts[i]);
}

TEST_CASE("a store gives its chunks back, and another one takes them") {
  ChunkPool pool(100);
  TextStore one(pool), other(pool);
  for (int i = 0; i < 40; ++i) one.keep("0123456789");
  CHECK(one.chunks() == 4);
  one.keep(std::string(1000, 'x'));  // a text that is large for a chunk takes none
  CHECK(one.chunks() == 4);
  std::swap(one, other);
  other.clear();
  CHECK(pool.spare() == 4);
  for (int i = 0; i < 30; ++i) one.keep("0123456789");
  CHECK(pool.spare() == 1);
  CHECK(one.keep("") == "");
}

TEST_CASE("spare chunks beyond what is enough go one by one") {
  ChunkPool pool(100);
  TextStore store(pool);
  for (int i = 0; i < 40; ++i) store.keep("0123456789");
  store.clear();
  for (size_t left : {3, 2, 2}) {
    pool.shrink(2);
    CHECK(pool.spare() == left);
  }
}

TEST_CASE("the places of a store hold its texts and nothing else, by rising address") {
  ChunkPool pool(100);
  TextStore store(pool);
  std::vector<std::string_view> kept;
  for (size_t i = 0; i < 50; ++i) kept.push_back(store.keep(std::string(1 + i, 'x')));
  const auto places = store.places();
  CHECK(std::is_sorted(places.begin(), places.end(), [](auto a, auto b) { return a.data() < b.data(); }));
  auto holds = [&places](std::string_view text) {
    return std::any_of(places.begin(), places.end(), [text](std::string_view place) {
      return place.data() <= text.data() && text.data() + text.size() <= place.data() + place.size();
    });
  };
  for (const auto text : kept) CHECK(holds(text));
  const std::string other("x");
  CHECK_FALSE(holds(other));
}
