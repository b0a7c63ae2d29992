// Wake-ups: their text, and what is none.
#include "proto/wire/wake_up.h"

#include "proto/wire/partitions.h"
#include "tests/unit/catch.h"

using namespace mas;

namespace {

const std::string kInstance(32, 'a');

bool decodes(std::string_view text) {
  std::vector<WakeUp> inboxes{{1, Lane::kLow, {}}};
  const bool read = decode_wake_ups(text, inboxes).ok();
  CHECK(inboxes.empty() != read);
  return read;
}

std::string written(const std::vector<WakeUp>& inboxes) {
  std::string text;
  for (const WakeUp& one : inboxes) append_wake_up(text, one);
  return text;
}

}  // namespace

TEST_CASE("a wake-up names inboxes by partition, and lane or instance") {
  const std::vector<WakeUp> inboxes{{7, Lane::kNormal, {}}, {0, Lane::kCritical, {}}, {7, Lane::kNormal, kInstance}};
  const std::string text = written(inboxes);
  CHECK(text == "7 normal 0 critical 7 @" + kInstance);
  std::vector<WakeUp> read{{1, Lane::kBulk, {}}};
  REQUIRE(decode_wake_ups(text, read).ok());
  CHECK(read == inboxes);
}

TEST_CASE("only what a gateway writes is a wake-up") {
  CHECK(decodes("1023 bulk"));
  for (std::string_view bad :
       {"",           " ",          "7",         "7 ",        "7  normal", " 7 normal",   "7 normal ",
        "7 normal 8", "7 Normal",   "07 normal", "-1 normal", "+1 normal", "1024 normal", "4294967296 normal",
        "7\tnormal",  "7 normal\n", "normal 7",  "7 @",       "7 @x",      "seven high"})
    CHECK_FALSE(decodes(bad));
  CHECK_FALSE(decodes("7 @" + std::string(32, 'A')));
  CHECK_FALSE(decodes("7 @" + std::string(33, 'a')));
  CHECK_FALSE(decodes(std::string("7 nor\0mal", 10)));
}

TEST_CASE("the longest wake-up is read, and no longer one") {
  const WakeUp longest{kMaxPartitions - 1, Lane::kNormal, kInstance};
  std::vector<WakeUp> many(kMaxWakeUps, longest);
  CHECK(written(many).size() == kMaxWakeUpBytes);
  CHECK(decodes(written(many)));
  many.push_back({0, Lane::kLow, {}});
  CHECK_FALSE(decodes(written(many)));
  CHECK_FALSE(decodes(written(std::vector<WakeUp>(kMaxWakeUps + 1, {0, Lane::kLow, {}}))));
  CHECK_FALSE(decodes(std::string(1 << 20, '7')));
}
