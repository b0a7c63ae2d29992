// Words in groups, looked up by their bytes.
#include "daemons/gatewayd/dlp/detect/word_table.h"

#include "tests/unit/catch.h"

using mas::dlp::WordTable;

TEST_CASE("a word has the bits of every group that it is in, whatever its case") {
  WordTable table({{1, "is|was|für"}, {2, "the|was"}, {4, "abcdefghijklmnopqrstuvw"}});
  CHECK(table.of("is") == 1);
  CHECK(table.of("WAS") == 3);
  CHECK(table.of("The") == 2);
  CHECK(table.of("für") == 1);
  CHECK(table.of("abcdefghijklmnopqrstuvw") == 4);
}

TEST_CASE("what is no word of the table has no bits") {
  WordTable table({{1, "is|was"}, {4, "abcdefghijklmnopqrstuvw"}});
  for (std::string_view word : {"", "i", "iss", "wa", "fÜr", "abcdefghijklmnopqrstuv", "abcdefghijklmnopqrstuvwx"})
    CHECK(table.of(word) == 0);
  CHECK(table.of(std::string_view("is\0", 3)) == 0);
}
