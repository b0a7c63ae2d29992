// SipHash against the vectors of its reference implementation.
#include "proto/base/siphash.h"

#include <algorithm>
#include <string>

#include "proto/base/keyed_map.h"

#include "tests/unit/catch.h"

using namespace mas;

TEST_CASE("siphash-2-4: the reference vectors") {
  // Key 00 01 … 0f, messages 00 01 02 … of growing length (github.com/veorq/SipHash, vectors.h).
  const SipKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  std::string message;
  auto hash = [&] { return SipHash(key).add(message).finish(); };
  CHECK(hash() == 0x726fdb47dd0e0e31);
  message.push_back('\0');
  CHECK(hash() == 0x74f839c593dc67fd);
  for (char c = 1; c < 15; ++c) message.push_back(c);
  CHECK(hash() == 0xa129ca6149be45e5);  // the example of the paper's appendix
  CHECK(SipHash(key).add(message.substr(0, 4)).add_byte(4).add(message.substr(5)).finish() == hash());
  CHECK(SipHash({1, 2}).add(message).finish() != hash());
}

TEST_CASE("siphash: however a text is cut, its hash is the same") {
  const SipKey key{3, 4};
  const std::string text = "0123456789abcdefghijklmnopqrstuvwxyz";
  const uint64_t whole = SipHash(key).add(text).finish();
  for (size_t i = 0; i <= text.size(); ++i)
    for (size_t j = i; j <= text.size(); ++j)
      REQUIRE(SipHash(key).add(text.substr(0, i)).add(text.substr(i, j - i)).add(text.substr(j)).finish() == whole);
}

TEST_CASE("siphash-1-3: the vectors of CPython, which hashes its texts by it") {
  // PYTHONHASHSEED=0: the key is zero.
  CHECK(siphash13({0, 0}, "a") == 4644417185603328019u);
  CHECK(siphash13({0, 0}, "abcdefgh") == 4574395652268504554u);
  CHECK(siphash13({0, 0}, "abcdefghijklmnopqrstuvwxyz") == 3619993805786647007u);
}

TEST_CASE("texts that share a slot under the standard hash do not share one here") {
  // What a stranger would send: ids whose standard hash ends alike.
  KeyedMap<int> map;
  map.reserve(4096);
  const size_t slots = map.bucket_count();
  size_t found = 0;
  for (uint64_t i = 0; found < 200; ++i) {
    std::string id = "a" + std::to_string(i);
    if (std::hash<std::string>()(id) % slots != 7) continue;
    ++found;
    map.try_emplace(id, 0);
  }
  REQUIRE(map.bucket_count() == slots);
  size_t longest = 0;
  for (size_t i = 0; i < slots; ++i) longest = std::max(longest, map.bucket_size(i));
  CHECK(longest <= 8);
  CHECK(map.contains(std::string_view("no such id")) == false);
}
