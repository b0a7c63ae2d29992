// Reading: what is asked of small and large lists, and what the answers lead to.
#include "daemons/gatewayd/turn/read_op.h"

#include "tests/unit/gatewayd/turn/turn_fixture.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

namespace {

using Hand = TurnPipeline::Hand;
using Read = TurnPipeline::Read;

struct Reading : TurnFixture {
  ReadOp op{parts, *this};
  explicit Reading(TurnOptions options = {}, KeyLayout layout = KeyLayout::kOneServer)
      : TurnFixture(std::move(options), layout) {
    fence_all();
    on_failure = [this] {
      op.reset();
      parts.pipeline.drop();
      parts.trials.turn_dropped();
    };
  }
  std::string list_of(unsigned number) { return partition(number).ingress_key; }
  /// The elements of the turn that was read.
  std::vector<std::string> elements() {
    parts.batch.decode(1000, 1024 * 1024);
    std::vector<std::string> texts;
    for (const auto& one : parts.batch.frames()) texts.emplace_back(one.element);
    return texts;
  }
  /// A turn of one element of partition 0 is in hand.
  void take_in_hand() {
    parts.pipeline.ask();
    parts.pipeline.arrive();
    parts.batch.append(0, "in hand");
    parts.pipeline.begin();
    parts.batch.decode(1000, 1024 * 1024);
    parts.pipeline.move_hand(Hand::kFetching);
  }
  /// Its list is larger than what is read at once.
  void make_large(unsigned number) {
    partition(number).list_bytes = TurnOptions::kWholeReads * parts.options.bytes + 1;
  }
};

/// The commands of one name, each as one text without the first words.
std::vector<std::string> arguments_of(const FakeRedis& redis, std::string_view name) {
  std::vector<std::string> found;
  for (const Words& words : redis.sent) {
    if (words[0] != name) continue;
    std::string& text = found.emplace_back();
    for (size_t i = 1; i < words.size(); ++i) text += (i == 1 ? "" : " ") + words[i];
  }
  return found;
}

TurnOptions small_turns() {
  TurnOptions options;
  options.bytes = 64 * 1024;
  return options;
}

}  // namespace

TEST_CASE("what is in the lists is read in one round trip") {
  Reading at;
  at.redis.says["LRANGE " + at.list_of(0)] = list({text("one"), text("two")});
  at.op.read();
  CHECK(at.parts.pipeline.read() == Read::kAsked);
  at.redis.answer_all();
  CHECK(at.told == Told{"read"});
  CHECK(at.parts.pipeline.read() == Read::kHere);
  CHECK(at.parts.clock.last() == 1'795'350'096'000'000);
  CHECK(at.elements() == std::vector<std::string>{"one", "two"});
  CHECK(at.parts.stats.round_trips.value() == 1);
  CHECK(at.redis.count("MEMORY") == 0);  // of lists that were empty

  at.parts.pipeline.leave();
  at.redis.sent.clear();
  at.op.read();
  CHECK(arguments_of(at.redis, "MEMORY") == std::vector<std::string>{"USAGE " + at.list_of(0) + " SAMPLES 512"});
}

TEST_CASE("a read ahead passes over the elements in hand, and asks for nothing that is due") {
  Reading at;
  at.take_in_hand();
  REQUIRE(at.op.may_read_ahead());
  at.op.read_ahead();
  const auto ranges = arguments_of(at.redis, "LRANGE");
  CHECK(std::count_if(ranges.begin(), ranges.end(),
                      [&](const std::string& range) { return range.starts_with(at.list_of(0) + " 1 "); }) == 1);
  CHECK(std::count_if(ranges.begin(), ranges.end(),
                      [&](const std::string& range) { return range.starts_with(at.list_of(1) + " 0 "); }) == 1);
  CHECK(at.parts.stats.read_ahead.value() == 1);
  at.redis.answer_all();
  CHECK(at.told == Told{"read"});
}

TEST_CASE("it is not read ahead while something is due, weighed or tried, or a read is there") {
  Reading at;
  at.take_in_hand();
  at.partition(1).next_retry = 0;
  CHECK(at.op.may_read_along());
  CHECK_FALSE(at.op.may_read_ahead());
  at.partition(1).next_retry = Partition::kNoRetry;
  CHECK(at.op.may_read_ahead());
  at.oversized(1).emplace();
  CHECK_FALSE(at.op.may_read_along());
  at.oversized(1).reset();
  redis::Command command;
  at.parts.trials.begin(at.partition(1), command);
  CHECK_FALSE(at.op.may_read_along());
  at.parts.trials.end(false);
  at.op.read_ahead();
  CHECK_FALSE(at.op.may_read_along());
}

TEST_CASE("what is due comes with the read, and says when the next is") {
  Reading at;
  at.partition(0).next_retry = 0;
  at.redis.says["EVAL"] = list({text("no retry, but due")});
  at.redis.says["ZRANGEBYSCORE"] = list({text("member"), text("1795350097000000")});
  at.redis.says["ZCARD"] = integer(2);
  at.op.read();
  at.redis.answer_all();
  CHECK(at.told == Told{"read"});
  CHECK(at.partition(0).retries == 2);
  CHECK(at.partition(0).next_retry == at.parts.clock.last());  // there may be more of it
  at.elements();
  REQUIRE(at.parts.batch.due().size() == 1);
  CHECK(at.parts.batch.due()[0].member == "no retry, but due");
}

TEST_CASE("retries that cannot be read put the partition to rest, or drop all") {
  for (const char* command : {"EVAL", "ZRANGEBYSCORE", "ZCARD"}) {
    CAPTURE(command);
    Reading at;
    at.partition(0).next_retry = 0;
    at.redis.says[command] = wrong_type();
    at.op.read();
    at.redis.answer_all();
    CHECK(at.told == Told{"read"});
    CHECK(at.rests(0));

    Reading refused;
    refused.partition(0).next_retry = 0;
    refused.redis.says[command] = error("LOADING Redis is loading the dataset in memory");
    refused.op.read();
    refused.redis.answer_all();
    CHECK(refused.told == Told{"failed retries_unreadable"});
    CHECK_FALSE(refused.rests(0));
  }
}

TEST_CASE("retries follow a clock that was set") {
  Reading at;
  at.op.read();
  at.redis.answer_all();
  at.parts.pipeline.leave();
  at.partition(0).retries = 1;
  at.partition(0).next_retry = at.parts.clock.last() + 5'000'000;
  at.redis.says["TIME"] = list({text("1795340096"), text("0")});  // ten thousand seconds back
  at.op.read();
  at.redis.answer_all();
  CHECK(at.parts.stats.clock_steps.value() == 1);
  CHECK(at.redis.count("EVAL") == 1);  // it moves all of them in Redis
  CHECK(at.partition(0).next_retry < at.parts.clock.last() + 6'000'000);
  CHECK(at.partition(0).retries_moved);
}

TEST_CASE("a list of another type puts its partition to rest, unless turns are under way") {
  Reading at;
  at.redis.says["LRANGE " + at.list_of(0)] = wrong_type();
  at.op.read();
  at.redis.answer_all();
  CHECK(at.told == Told{"read"});
  CHECK(at.rests(0));
  CHECK_FALSE(at.rests(1));

  Reading busy;
  busy.take_in_hand();
  busy.redis.says["LRANGE " + busy.list_of(0)] = wrong_type();
  busy.op.read_ahead();
  busy.redis.answer_all();
  CHECK(busy.told == Told{"failed ingress_unreadable"});
  CHECK_FALSE(busy.rests(0));
}

TEST_CASE("what Redis refuses drops all") {
  const std::map<std::string, std::string> events = {
      {"TIME", "time_unreadable"}, {"LRANGE", "ingress_unreadable"}, {"MEMORY", "list_not_weighed"}};
  for (const auto& [command, event] : events) {
    CAPTURE(command);
    Reading at;
    at.partition(0).list_bytes = 100;
    at.redis.says[command] = error("NOPERM no permission");
    at.op.read();
    at.redis.answer_all();
    CHECK(at.told == Told{"failed " + event});
  }
  Reading at;
  at.redis.refusal = Error{Errc::kWouldBlock, "too much waits"};
  at.op.read();
  CHECK(at.told == Told{"failed redis_unreachable"});
}

TEST_CASE("large lists are weighed first, and a read takes what fits") {
  Reading at(small_turns());
  at.make_large(0);
  at.redis.says["LRANGE " + at.list_of(0)] = list({text(std::string(1000, 'x'))});
  at.redis.says["MEMORY"] = integer(1'000'000);  // a hundred nodes or so, whatever the samples
  at.op.read();
  CHECK(at.parts.pipeline.read() == Read::kNone);
  CHECK(arguments_of(at.redis, "LRANGE") == std::vector<std::string>{at.list_of(0) + " 0 0"});
  CHECK(at.redis.count("MEMORY") == ListWeight::kSamples.size());
  at.redis.answer_all();
  CHECK(at.told == Told{"read"});
  CHECK(at.parts.stats.round_trips.value() == 2);
  CHECK(at.redis.count("LRANGE") == 3);  // the head, and then both lists
}

TEST_CASE("an element that is too large is found in three steps, and set aside with its first bytes") {
  Reading at(small_turns());
  at.op.read();
  at.redis.answer_until("LRANGE");
  at.redis.lose({Errc::kTooLarge, "a text of 20 MB"});  // whose list is first is not said
  CHECK(at.told == Told{"failed value_too_large"});
  CHECK(at.gave_up_link);
  Partition& its = at.oversized(0) ? at.partition(0) : at.partition(1);
  REQUIRE(at.oversized(its.number).has_value());
  CHECK(at.oversized(its.number)->bytes == 0);  // one is somewhere in the list

  at.redis.says["MEMORY"] = integer(20'000'000);
  at.redis.too_large = {20'000'000, "how it begins"};
  at.op.read();
  at.redis.lose({Errc::kTooLarge, "a text of 20 MB"});  // it is the head
  CHECK(at.oversized(its.number)->bytes == 20'000'000);
  CHECK(at.oversized(its.number)->epoch == its.epoch_number);

  at.redis.sent.clear();
  at.op.read();
  at.redis.answer_all();
  CHECK(at.told.back() == "read");
  for (const auto& range : arguments_of(at.redis, "LRANGE")) CHECK_FALSE(range.starts_with(its.ingress_key));
  CHECK(at.elements() == std::vector<std::string>{"how it begins"});
  CHECK(at.parts.batch.frames()[0].fault->decision == Decision::kTooLarge);

  at.op.turn_committed();
  CHECK(at.oversized(its.number)->bytes == 0);  // there may be others
  CHECK(at.parts.events.bytes().find("it has 20000000 bytes") != std::string::npos);
}

TEST_CASE("a retry that is too large puts its partition to rest") {
  for (const char* command : {"EVAL", "ZRANGEBYSCORE"}) {
    CAPTURE(command);
    Reading at;
    at.partition(0).next_retry = 0;
    at.op.read();
    at.redis.answer_until(command);
    at.redis.lose({Errc::kTooLarge, "a text of 20 MB"});
    CHECK(at.told == Told{"failed value_too_large"});
    CHECK(at.rests(0));
  }
}

TEST_CASE("an element in doubt is read alone, and set aside when that failed before") {
  for (int64_t count : {1, 2}) {
    Reading at;
    at.partition(1).beyond_doubt = false;
    at.partition(1).dropped = 2;
    at.partition(1).list_bytes = 100;
    at.redis.says["EVAL"] = integer(count);
    at.redis.says["LRANGE"] = list({text("in doubt")});
    at.op.read();
    CHECK(arguments_of(at.redis, "LRANGE") == std::vector<std::string>{at.list_of(1) + " 0 0"});
    at.redis.answer_all();
    CHECK(at.told == Told{"read"});
    CHECK(at.parts.trials.under_way() == &at.partition(1));
    CHECK(at.parts.trials.failed_before() == (count == 2));
    CHECK(at.elements() == std::vector<std::string>{"in doubt"});
    const auto& fault = at.parts.batch.frames()[0].fault;
    REQUIRE(fault.has_value());
    CHECK((fault->text.find("repeatedly") != std::string::npos) == (count == 2));
  }
}

TEST_CASE("a trial of a partition that another gateway has taken drops all") {
  Reading at;
  at.partition(0).beyond_doubt = false;
  at.partition(0).epoch_number = 5;
  at.partition(0).list_bytes = 100;
  at.redis.says["EVAL"] = integer(-1);
  at.op.read();
  at.redis.answer_all();
  CHECK(at.told == Told{"failed commit_fenced"});
}

TEST_CASE("a read under way is told once when the link is lost, wherever it is lost") {
  for (bool weighed : {false, true}) {
    for (size_t answered = 0;; ++answered) {
      CAPTURE(weighed, answered);
      Reading at(small_turns());
      if (weighed) at.make_large(0);
      at.redis.says["MEMORY"] = integer(1000);
      at.op.read();
      for (size_t i = 0; i < answered && at.told.empty(); ++i) at.redis.answer();
      if (!at.told.empty()) break;  // all of it was answered
      at.redis.lose();
      CHECK(at.told == Told{"failed redis_lost"});
      at.op.read();
      at.redis.answer_all();
      CHECK(at.told == Told{"failed redis_lost", "read"});
    }
  }
}

TEST_CASE("elements of a partition that was lost meanwhile are not taken") {
  Reading at;
  at.redis.says["LRANGE"] = list({text("one")});
  at.op.read();
  at.parts.partitions.set_owned({true, false});
  at.redis.answer_all();
  CHECK(at.elements().size() == 1);
}

TEST_CASE("on a cluster no read goes along with a commit, and Redis's clock is always that of the same node") {
  for (KeyLayout layout : {KeyLayout::kOneServer, KeyLayout::kCluster}) {
    const bool cluster = layout == KeyLayout::kCluster;
    Reading at({}, layout);
    at.redis.says["EVAL"] = list({text("1795350096"), text("0")});
    at.take_in_hand();
    CHECK(at.op.may_read_ahead());
    at.parts.pipeline.move_hand(Hand::kDeciding);
    at.parts.pipeline.move_hand(Hand::kDecided);
    at.parts.pipeline.commit();
    CHECK(at.op.may_read_along() == !cluster);
    at.parts.pipeline.commit_over();
    at.op.read();
    CHECK(at.redis.count("TIME") == (cluster ? 0 : 1));
    CHECK(at.redis.count("EVAL") == (cluster ? 1 : 0));
    at.redis.answer_all();
    CHECK(at.told == Told{"read"});
  }
}

TEST_CASE("on a cluster the clock may be told after the elements") {
  Reading at({}, KeyLayout::kCluster);
  at.redis.says["EVAL"] = list({text("1795350096"), text("0")});
  for (unsigned p : {0u, 1u}) at.redis.says["LRANGE " + at.list_of(p)] = list({text("element " + std::to_string(p))});
  at.op.read();
  at.redis.answer_out_of_order("LRANGE", at.list_of(1));
  at.redis.answer_out_of_order("LRANGE", at.list_of(0));
  CHECK(at.told.empty());
  at.redis.answer_out_of_order("EVAL", at.frame.keys().config());
  CHECK(at.told == Told{"read"});
  at.parts.pipeline.begin();
  CHECK(at.elements() == std::vector<std::string>{"element 1", "element 0"});
}
