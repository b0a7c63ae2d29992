// The arithmetic of benchmarks.
#include "sdk/bench/cpu_meter.h"
#include "sdk/bench/gateway_counters.h"
#include "sdk/bench/gateway_tally.h"
#include "sdk/bench/stamp.h"
#include "sdk/bench/stats.h"
#include "sdk/masctl/cli/text.h"
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

TEST_CASE("processor time from INFO and from /proc") {
  auto cpu =
      redis_cpu_of_info("# CPU\r\nused_cpu_sys:1.500000\r\nused_cpu_user:2.250000\r\nused_cpu_sys_children:9\r\n");
  REQUIRE(cpu.ok());
  CHECK(*cpu == 3'750'000'000u);
  CHECK_FALSE(redis_cpu_of_info("used_cpu_sys:1.0\r\n").ok());

  // A program may be called anything.
  auto stat = cpu_nanos_of_stat("12 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0", 100);
  REQUIRE(stat);
  CHECK(*stat == 3'000'000'000u);
  CHECK_FALSE(cpu_nanos_of_stat("12 (a) S 1 2", 100));
}

TEST_CASE("calls of a command") {
  std::string info = "cmdstat_rpush:calls=12,usec=3\r\ncmdstat_exec:calls=7,usec=3\r\n";
  CHECK(calls_in_commandstats(info, "exec") == 7);
  CHECK(calls_in_commandstats(info, "rpush") == 12);
  CHECK(calls_in_commandstats(info, "xadd") == 0);
}

TEST_CASE("a metric") {
  std::string text =
      "HTTP/1.0 200 OK\r\n\r\n# TYPE a_total counter\na_total 1.5e+06\na_total_more 7\nb_total{x=\"y\"} 3\n";
  CHECK(metric_value(text, "a_total") == 1'500'000);
  CHECK(metric_value(text, "a_total_more") == 7);
  CHECK(metric_value(text, "b_total") == 0);
  CHECK(metric_value(text, "total") == 0);
}

TEST_CASE("tallies survive the way between processes") {
  SentTally sent;
  sent.sent = 10;
  sent.accepted = 7;
  sent.unknown = 1;
  sent.ids = UINT64_MAX - 5;
  sent.cpu = 99;
  sent.refused = {{Decision::kTargetNotFound, 2}};
  auto read = SentTally::from_line(sent.to_line());
  REQUIRE(read.ok());
  CHECK(read->to_line() == sent.to_line());
  CHECK(read->refusals() == 2);
  sent.add(*read);
  CHECK(sent.accepted == 14);
  CHECK(sent.refused[Decision::kTargetNotFound] == 4);

  ReceivedTally received;
  received.arrivals = 3;
  received.first = 5;
  received.last = 9;
  for (uint64_t value : {1u, 1000u, 123'456'789u}) received.latency.record(value);
  auto back = ReceivedTally::from_line(received.to_line());
  REQUIRE(back.ok());
  CHECK(back->to_line() == received.to_line());
  CHECK(back->latency.count() == 3);
  ReceivedTally earlier;
  earlier.first = 2;
  earlier.last = 3;
  received.add(earlier);
  CHECK(received.first == 2);
  CHECK(received.last == 9);

  for (const char* line : {"", "sent", "sent 1 2 3", "sent 1 2 3 4 5 x", "sent 1 2 3 4 5 6", "received 1 2 3"}) {
    CHECK_FALSE(SentTally::from_line(line).ok());
  }
}

TEST_CASE("pairs are checked one by one") {
  PairCheck check;
  for (uint64_t sender : {0u, 7u})
    for (uint64_t number : {0u, 2u, 1u}) CHECK(check.arrived(stamp_number(sender, number)));
  CHECK_FALSE(check.arrived(stamp_number(7, 2)));
  CHECK(check.reordered() == 2);
  CHECK(check.doubled() == 1);
}

TEST_CASE("the ledger") {
  SentTally sent;
  ReceivedTally received;
  sent.sent = 10;
  sent.accepted = 8;
  sent.refused = {{Decision::kExpired, 2}};
  for (const char* id : {"a", "b", "c", "d", "e", "f", "g", "h"}) sent.ids += id_weight(id);
  for (const char* id : {"h", "g", "f", "e", "d", "c", "b", "a"}) received.ids += id_weight(id);
  received.arrivals = 8;
  CHECK(ledger_of(sent, received).intact());

  SECTION("one is lost") {
    received.arrivals = 7;
    CHECK(ledger_of(sent, received).lost == 1);
  }
  SECTION("one was refused and came all the same") {
    received.arrivals = 9;
    CHECK(ledger_of(sent, received).stray == 1);
  }
  SECTION("one is lost, and another came that was refused") {
    received.ids += id_weight("refused") - id_weight("a");
    CHECK_FALSE(ledger_of(sent, received).intact());
  }
  SECTION("one came twice") {
    received.arrivals = 9;
    received.doubled = 1;
    auto ledger = ledger_of(sent, received);
    CHECK(ledger.lost + ledger.stray == 0);
    CHECK_FALSE(ledger.intact());
  }
  SECTION("one has no receipt: it may have come or not") {
    sent.unknown = 1;
    received.arrivals = 9;
    auto ledger = ledger_of(sent, received);
    CHECK(ledger.lost + ledger.stray == 0);
    CHECK_FALSE(ledger.intact());
  }
}
