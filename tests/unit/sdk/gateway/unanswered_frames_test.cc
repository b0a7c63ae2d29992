// Frames without an answer, by number and by id.
#include "sdk/src/gateway/unanswered_frames.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::sdk;

namespace {

Id128 id_of(unsigned char n) {
  Id128 id;
  id.bytes[0] = n;
  return id;
}

}  // namespace

TEST_CASE("a frame is found by its number and by its id until it is answered") {
  UnansweredFrames frames;
  CHECK(frames.empty());
  CHECK(frames.add(id_of(7), 1, 10) == 1);
  CHECK(frames.add(id_of(8), 11, 5) == 2);
  CHECK(frames.size() == 2);
  auto found = frames.find(id_of(8));
  REQUIRE(found != frames.end());
  CHECK(found->first == 2);
  CHECK(found->second.first == 11);
  CHECK(found->second.past() == 16);
  CHECK(frames.begin()->first == 1);
  CHECK(frames.from(2) == found);
  CHECK(frames.erase(frames.begin()) == found);
  CHECK_FALSE(frames.holds(1));
  CHECK(frames.find(id_of(7)) == frames.end());
  CHECK(frames.holds(2));
}

TEST_CASE("numbers go on when all frames are given up") {
  UnansweredFrames frames;
  frames.add(id_of(7), 1, 10);
  frames.clear();
  CHECK(frames.empty());
  CHECK(frames.find(id_of(7)) == frames.end());
  CHECK(frames.add(id_of(7), 1, 10) == 2);
}

TEST_CASE("frames reach as far as the last message of any of them") {
  UnansweredFrames frames;
  CHECK_FALSE(frames.reach(1));
  frames.add(id_of(7), 1, 10);
  frames.add(id_of(8), 4, 1);  // again, alone
  CHECK(frames.reach(10));
  CHECK_FALSE(frames.reach(11));
  frames.erase(frames.begin());
  CHECK(frames.reach(4));
  CHECK_FALSE(frames.reach(5));
}
