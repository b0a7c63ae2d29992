// Sequence numbers and remembered refusals: against a naive model, at the edges of the window, with hostile bytes.
#include "daemons/gatewayd/turn/sender_state.h"

#include <random>

#include "proto/base/bytes.h"
#include "proto/wire/limits.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;

namespace {

constexpr Decision kRefusals[] = {Decision::kTargetNotFound, Decision::kAuthzDenied, Decision::kRateLimited,
                                  Decision::kMalformed};

std::string encoded(const SenderState& state) {
  std::string bytes;
  state.append_to(bytes);
  return bytes;
}

struct Run {
  uint64_t first;
  uint32_t count;
  uint8_t decision;
};

std::string bytes_of(uint64_t last, const std::vector<Run>& runs, uint8_t version = 1) {
  std::string bytes;
  ByteWriter out(bytes);
  out.integer(version).integer(last).integer(uint64_t{7}).integer(static_cast<uint32_t>(runs.size()));
  for (const Run& run : runs) out.integer(run.first).integer(run.count).integer(run.decision);
  return bytes;
}

}  // namespace

TEST_CASE("a new instance starts at one; only the number after the last is decided") {
  SenderState state;
  CHECK(state.last() == 0);
  CHECK(state.standing(1) == Standing::kNext);
  CHECK(state.standing(2) == Standing::kGap);
  CHECK(state.standing(UINT64_MAX) == Standing::kGap);
  state.decide(Decision::kAllowed);
  CHECK(state.standing(1) == Standing::kDecided);
  CHECK(state.standing(2) == Standing::kNext);
  CHECK(state.standing(3) == Standing::kGap);
}

TEST_CASE("a number that was decided has its decision for good, refusals in runs") {
  SenderState state;
  for (Decision decision : {Decision::kAllowed, Decision::kMalformed, Decision::kMalformed, Decision::kAuthzDenied,
                            Decision::kQueuedOffline, Decision::kMalformed})
    state.decide(decision);
  CHECK(state.decision(1) == Decision::kAllowed);
  CHECK(state.decision(2) == Decision::kMalformed);
  CHECK(state.decision(3) == Decision::kMalformed);
  CHECK(state.decision(4) == Decision::kAuthzDenied);
  CHECK(state.decision(5) == Decision::kAllowed);  // accepted in whatever way: it is not delivered again
  CHECK(state.decision(6) == Decision::kMalformed);
  CHECK(encoded(state).size() == 21 + 4);  // of the three runs, the first has a count, in a second byte
}

TEST_CASE("random sequences decide as a list of all decisions does, also after being written and read") {
  std::mt19937_64 random(20261124);
  for (int round = 0; round < 20; ++round) {
    SenderState state;
    std::vector<Decision> all{Decision::kAllowed};  // number 0 is none
    unsigned refused_of_ten = static_cast<unsigned>(random() % 10);
    for (int step = 0; step < 3000; ++step) {
      bool refused = random() % 10 < refused_of_ten;
      bool again = refused && random() % 2 == 0 && !decision_accepted(all.back());
      Decision decision = again ? all.back() : refused ? kRefusals[random() % 4] : Decision::kAllowed;
      state.decide(decision);
      all.push_back(decision);
      if (step % 500 != 499) continue;
      state.touch(static_cast<WallMicros>(random() >> 1));
      auto read = SenderState::decode(encoded(state));
      REQUIRE(read.ok());
      REQUIRE(encoded(*read) == encoded(state));
      REQUIRE(read->active() == state.active());
      state = std::move(*read);
    }
    REQUIRE(state.last() == all.size() - 1);
    for (uint64_t number = 1; number < all.size(); ++number) REQUIRE(state.decision(number) == all[number]);
  }
}

TEST_CASE("refusals are remembered for the whole window and no longer, however they alternate") {
  SenderState state;
  constexpr uint64_t kMany = 2 * limits::kSenderWindow + 100;
  for (uint64_t number = 1; number <= kMany; ++number) state.decide(kRefusals[number % 2]);
  for (uint64_t number = kMany - limits::kSenderWindow + 1; number <= kMany; ++number)
    REQUIRE(state.decision(number) == kRefusals[number % 2]);
  CHECK(state.decision(kMany - limits::kSenderWindow) == Decision::kAllowed);
  // What is written can be read: a partition with such a sender can be taken over.
  auto read = SenderState::decode(encoded(state));
  REQUIRE(read.ok());
  CHECK(encoded(*read) == encoded(state));
}

TEST_CASE("what is written is bounded, whatever alternates with what") {
  std::mt19937_64 random(20261125);
  auto fill = [](auto decide_next) {
    SenderState state;
    for (size_t i = 0; i < 100'000; ++i) state.decide(decide_next(i));  // so that the first run begins far away
    for (size_t i = 0; i < 2 * limits::kSenderWindow; ++i) state.decide(decide_next(i));
    std::string bytes = encoded(state);
    auto read = SenderState::decode(bytes);
    REQUIRE(read.ok());
    REQUIRE(encoded(*read) == bytes);
    for (uint64_t number = state.last() - limits::kSenderWindow + 1; number <= state.last(); ++number)
      REQUIRE(read->decision(number) == state.decision(number));
    return bytes.size();
  };
  CHECK(fill([](size_t i) { return i % 2 == 0 ? Decision::kAllowed : Decision::kRateLimited; }) <=
        64 + limits::kSenderWindow / 2);
  CHECK(fill([](size_t i) { return kRefusals[i % 2]; }) <= SenderState::kMaxBytes);
  for (size_t most_gap : {1, 2, 3, 4, 130, 20'000})
    for (size_t most_count : {1, 2, 3, 127, 128, 129, 130, 20'000}) {
      INFO(most_gap << " " << most_count);
      size_t gap = 0, count = 0, kind = 0;
      CHECK(fill([&](size_t) {
              if (gap == 0 && count == 0) {
                gap = random() % (most_gap + 1);
                count = 1 + random() % most_count;
                ++kind;
              }
              if (gap > 0) return --gap, Decision::kAllowed;
              return --count, kRefusals[kind % 4];
            }) <= SenderState::kMaxBytes);
    }
}

TEST_CASE("what the version before wrote is read, and written anew") {
  constexpr auto kNo = static_cast<uint8_t>(Decision::kMalformed),
                 kNever = static_cast<uint8_t>(Decision::kAuthzDenied);
  auto read = SenderState::decode(bytes_of(100'000, {{1, 2, kNo}, {5, 6, kNever}, {20'000, 70'000, kNo}}));
  REQUIRE(read.ok());
  CHECK(read->last() == 100'000);
  CHECK(read->active() == 7);
  CHECK(read->decision(2) == Decision::kMalformed);
  CHECK(read->decision(3) == Decision::kAllowed);
  CHECK(read->decision(10) == Decision::kAuthzDenied);
  CHECK(read->decision(89'999) == Decision::kMalformed);
  auto again = SenderState::decode(encoded(*read));
  REQUIRE(again.ok());
  CHECK(encoded(*again)[0] == 2);
  for (uint64_t number = 1; number <= 100'000; ++number) REQUIRE(again->decision(number) == read->decision(number));
}

TEST_CASE("a long run is one run, and is forgotten as a whole once all of it is old") {
  SenderState state;
  for (int i = 0; i < 1000; ++i) state.decide(Decision::kRateLimited);
  CHECK(encoded(state).size() == 21 + 3);
  for (size_t i = 0; i < limits::kSenderWindow; ++i) state.decide(Decision::kAllowed);
  CHECK(state.decision(1000) == Decision::kRateLimited);
  state.decide(Decision::kMalformed);
  CHECK(encoded(state).size() == 21 + 1 + 3);  // a far gap
  CHECK(state.decision(state.last()) == Decision::kMalformed);
}

TEST_CASE("bytes that no state was written as are refused") {
  auto refused = [](const std::string& bytes) { return !SenderState::decode(bytes).ok(); };
  constexpr auto kNo = static_cast<uint8_t>(Decision::kMalformed);
  REQUIRE_FALSE(refused(bytes_of(10, {{1, 2, kNo}, {5, 6, kNo}})));
  CHECK(refused(bytes_of(10, {}, 0)));
  CHECK(refused(bytes_of(10, {}, 3)));
  CHECK(refused(bytes_of(10, {{0, 1, kNo}})));   // there is no number 0
  CHECK(refused(bytes_of(10, {{1, 0, kNo}})));   // an empty run
  CHECK(refused(bytes_of(10, {{11, 1, kNo}})));  // past the last
  CHECK(refused(bytes_of(10, {{5, 7, kNo}})));   // reaches past the last
  CHECK(refused(bytes_of(10, {{5, UINT32_MAX, kNo}})));
  CHECK(refused(bytes_of(10, {{5, 2, kNo}, {6, 1, kNo}})));  // overlap
  CHECK(refused(bytes_of(10, {{5, 2, kNo}, {1, 1, kNo}})));  // falling
  CHECK(refused(bytes_of(10, {{1, 1, 0}})));                 // no decision
  CHECK(refused(bytes_of(10, {{1, 1, 200}})));
  CHECK(refused(bytes_of(10, {{1, 1, 1}})));                                  // acceptance is what is not written
  CHECK(refused(bytes_of(UINT64_MAX, {{UINT64_MAX, 1, kNo}, {1, 1, kNo}})));  // the end of the first wraps
  std::string whole = bytes_of(10, {{1, 2, kNo}});
  for (size_t size = 0; size < whole.size(); ++size) CHECK(refused(whole.substr(0, size)));
  CHECK(refused(whole + '\0'));
  auto packed = [](uint64_t last, std::initializer_list<int> runs_bytes, uint32_t runs = 1) {
    std::string bytes;
    ByteWriter(bytes).integer(uint8_t{2}).integer(last).integer(uint64_t{7}).integer(runs);
    for (int byte : runs_bytes) bytes.push_back(static_cast<char>(byte));
    return bytes;
  };
  constexpr int kKind = static_cast<int>(Decision::kMalformed) - 16;
  REQUIRE_FALSE(refused(packed(10, {32 + kKind})));
  CHECK(refused(packed(10, {kKind})));                           // there is no number 0
  CHECK(refused(packed(10, {32 + 31})));                         // no decision
  CHECK(refused(packed(10, {32 + kKind, 0})));                   // more than was said
  CHECK(refused(packed(10, {32 + kKind, 0x80}, 2)));             // cut short
  CHECK(refused(packed(10, {0x80 | (32 + kKind), 0})));          // needless byte
  REQUIRE_FALSE(refused(packed(10, {96 + kKind, 7})));           // number 10
  CHECK(refused(packed(10, {96 + kKind, 8})));                   // past the last
  REQUIRE_FALSE(refused(packed(10, {0x80 | (32 + kKind), 9})));  // ten of them
  CHECK(refused(packed(10, {0x80 | (32 + kKind), 10})));         // reaches past the last
  CHECK(refused(packed(10, {96 + kKind, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})));  // wraps
  CHECK(refused(packed(10, {96 + kKind, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02})));  // 65 bits
  std::string many = bytes_of(10, {});
  many[17] = many[18] = many[19] = many[20] = '\xff';  // four billion runs, none of them there
  CHECK(refused(many));
}
