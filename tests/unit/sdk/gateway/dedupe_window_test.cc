// The dedupe window by itself.
#include "sdk/src/gateway/dedupe_window.h"

#include "tests/unit/catch.h"

using mas::sdk::DedupeWindow;

TEST_CASE("a message is seen while it is among the last") {
  DedupeWindow window(2);
  CHECK_FALSE(window.seen("a", "1"));
  CHECK(window.seen("a", "1"));
  CHECK_FALSE(window.seen("b", "1"));  // another sender's
  CHECK_FALSE(window.seen("a", "2"));  // pushes the first out
  CHECK_FALSE(window.seen("a", "1"));
  CHECK(window.seen("a", "2"));
}

TEST_CASE("a window of none, and messages without an id, remember nothing") {
  DedupeWindow none(0), window(5);
  CHECK_FALSE(none.seen("a", "1"));
  CHECK_FALSE(none.seen("a", "1"));
  CHECK_FALSE(window.seen("a", ""));
  CHECK_FALSE(window.seen("a", ""));
}

TEST_CASE("a full window stays correct as its table grows") {
  DedupeWindow window(1000);
  for (int i = 0; i < 5000; ++i) CHECK_FALSE(window.seen("a", std::to_string(i)));
  CHECK(window.seen("a", "4000"));
  CHECK_FALSE(window.seen("a", "3999"));
}

TEST_CASE("what is forgotten is welcome once more") {
  DedupeWindow window(2);
  CHECK_FALSE(window.seen("a", "1"));
  window.forget(window.key_of("a", "1"));
  CHECK_FALSE(window.seen("a", "1"));
  CHECK(window.seen("a", "1"));
  window.forget(window.key_of("a", "2"));  // never seen
  CHECK_FALSE(window.seen("a", "2"));
  CHECK(window.key_of("a", "").empty());
  CHECK(DedupeWindow(0).key_of("a", "1").empty());
}

TEST_CASE("an empty window knows nothing of before") {
  DedupeWindow window(2);
  for (const char* id : {"1", "2", "3"}) CHECK_FALSE(window.seen("a", id));
  window.clear();
  for (const char* id : {"1", "2", "3"}) CHECK_FALSE(window.seen("a", id));
  CHECK(window.seen("a", "3"));
}
