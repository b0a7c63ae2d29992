// The arithmetic of benchmarks.
#include "sdk/masctl/bench/stamp.h"
#include "sdk/masctl/bench/stats.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::ctl;

TEST_CASE("a sequence in order has nothing lost, doubled or reordered") {
  SequenceCheck check;
  for (uint64_t n = 0; n < 100; ++n) check.arrived(n);
  check.finish(100);
  CHECK(check.arrivals() == 100);
  CHECK(check.lost() + check.reordered() + check.doubled() == 0);
}

TEST_CASE("gaps are lost, late ones reordered, repeated ones doubled") {
  SequenceCheck check;
  for (uint64_t n : {0u, 3u, 1u, 3u, 0u, 4u}) check.arrived(n);  // 2 never comes, 1 comes late
  check.finish(7);                                               // 5 and 6 do not come either
  CHECK(check.lost() == 3);
  CHECK(check.reordered() == 1);
  CHECK(check.doubled() == 2);
}

TEST_CASE("nothing arrived: all is lost") {
  SequenceCheck check;
  check.finish(5);
  CHECK(check.lost() == 5);
}

TEST_CASE("median") {
  CHECK(median({}) == 0);
  CHECK(median({3}) == 3);
  CHECK(median({9, 1, 5}) == 5);
  CHECK(median({4, 1, 3, 2}) == 2.5);
}

TEST_CASE("a round survives the pipe between processes") {
  Histogram histogram;
  for (uint64_t value = 1; value <= 1000; ++value) histogram.record(value * 1000);
  Round round;
  round.count = 1000;
  round.elapsed = 2'000'000'000;
  round.lost = 1;
  round.doubled = 2;
  round.reordered = 3;
  round.cpu = 4;
  round.take_percentiles(histogram);
  auto back = Round::from_line(round.to_line());
  REQUIRE(back.ok());
  CHECK(back->to_line() == round.to_line());
  CHECK(back->per_second() == Approx(500));
  CHECK(back->max == 1'000'000);
  CHECK(back->p50 >= 500'000);
  CHECK(back->p50 < 510'000);
  for (const char* wrong : {"", "round", "round 1 2 3", "error x", "round 1 2 3 4 5 6 7 8 9 10 x"}) {
    INFO(wrong);
    CHECK(!Round::from_line(wrong).ok());
  }
  CHECK(!Round::from_line(round.to_line() + " 7").ok());
}

TEST_CASE("rounds are summed where they count and medianed where they measure") {
  Round slow, fast, middle;
  slow.count = fast.count = middle.count = 100;
  slow.elapsed = 4'000'000'000;
  fast.elapsed = 1'000'000'000;
  middle.elapsed = 2'000'000'000;
  slow.p50 = 30;
  fast.p50 = 10;
  middle.p50 = 20;
  slow.max = 7;
  slow.lost = 1;
  Summary summary = summarize({slow, fast, middle});
  CHECK(summary.throughput == Approx(50));
  CHECK(summary.count == 300);
  CHECK(summary.lost == 1);
  CHECK(summary.p50 == 20);
  CHECK(summary.max == 7);
  CHECK(summarize({}).throughput == 0);
}

TEST_CASE("numbers are grouped by thousands") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999.6) == "1,000");
  CHECK(grouped(1234567) == "1,234,567");
}

TEST_CASE("a stamp is read as it was written, inside a payload of any size") {
  for (size_t size : {kStampBytes, kStampBytes + 1, size_t{256}, size_t{65536}}) {
    std::string payload = stamped_payload(size);
    REQUIRE(payload.size() == size);
    write_stamp(payload.data(), {0xbeef, kEndOfRound, 0x123456789abcdef0});
    bool ok = false;
    Stamp stamp = read_stamp(payload, ok);
    REQUIRE(ok);
    CHECK(stamp.round == 0xbeef);
    CHECK(stamp.number == kEndOfRound);
    CHECK(stamp.time == 0x123456789abcdef0);
    CHECK(find_payload("{\"sender_id\":\"a\",\"data\":" + payload + "}") == 24);
  }
  CHECK(stamped_payload(1).size() == kStampBytes);
}

TEST_CASE("what is no stamp is not read as one") {
  bool ok = true;
  read_stamp("{}", ok);
  CHECK(!ok);
  std::string payload = stamped_payload(kStampBytes);
  payload[20] = 'G';
  read_stamp(payload, ok);
  CHECK(!ok);
  CHECK(find_payload("{}") == std::string::npos);
}
