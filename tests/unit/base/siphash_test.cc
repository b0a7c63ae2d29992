// SipHash against the vectors of its reference implementation.
#include "proto/base/siphash.h"

#include <string>

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
