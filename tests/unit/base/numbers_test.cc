// Numbers from texts: the whole of it, or what it begins with.
#include "proto/base/numbers.h"

#include <cstdint>

#include "tests/unit/catch.h"

using namespace mas;

TEST_CASE("parse_number takes a text that is a number and nothing else") {
  CHECK(parse_number<uint32_t>("0") == 0u);
  CHECK(parse_number<uint32_t>("4294967295") == 4294967295u);
  CHECK(parse_number<int64_t>("-12") == -12);
  CHECK(parse_number<double>("1.5e3") == 1500.0);
  for (const char* bad : {"", " 1", "1 ", "+1", "-1", "1x", "0x1", "1.0", "4294967296"})
    CHECK_FALSE(parse_number<uint32_t>(bad));
}

TEST_CASE("leading_number takes what the text begins with") {
  CHECK(leading_number<uint64_t>("17") == 17);
  CHECK(leading_number<uint64_t>("17,18") == 17);
  CHECK(leading_number<uint64_t>("") == 0);
  CHECK(leading_number<uint64_t>("x17") == 0);
}
