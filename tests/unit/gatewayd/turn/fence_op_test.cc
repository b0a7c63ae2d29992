// Fencing: what is loaded, what puts a partition to rest, what drops all.
#include "daemons/gatewayd/turn/fence_op.h"

#include "tests/unit/gatewayd/turn/turn_fixture.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

namespace {

struct Fencing : TurnFixture {
  FenceOp op{parts, *this};
  explicit Fencing(KeyLayout layout = KeyLayout::kOneServer) : TurnFixture({}, layout) {
    on_failure = [this] { op.reset(); };
  }
  std::string key(const std::string Partition::*member) { return partition(0).*member; }
};

}  // namespace

TEST_CASE("fencing raises the epochs and loads what the owner has to know") {
  Fencing at;
  at.redis.says["INCR " + at.partition(0).epoch_key] = integer(7);
  at.redis.says["MEMORY"] = integer(4096);
  at.redis.says["ZCARD " + at.partition(1).retries_key] = integer(3);
  at.redis.says["ZRANGE " + at.partition(1).retries_key] = list({text("member"), text("1795350096000001")});
  at.op.start(false);
  at.redis.answer_all();
  CHECK(at.told == Told{"fenced"});
  CHECK(at.partition(0).epoch == "7");
  CHECK(at.partition(0).epoch_number == 7);
  CHECK(at.partition(0).list_bytes == 4096);
  CHECK(at.partition(0).next_retry == Partition::kNoRetry);
  CHECK(at.partition(1).epoch == "1");
  CHECK(at.partition(1).retries == 3);
  CHECK(at.partition(1).next_retry == 1795350096000001);
  CHECK(at.parts.partitions.deciding() == std::vector<unsigned>{0, 1});
  CHECK(at.parts.stats.fences.value() == 2);
  CHECK(at.parts.stats.round_trips.value() == 1);
  CHECK(at.redis.count("XLEN") == 0);
}

TEST_CASE("audit blocks that were seen and are gone are recorded by the next block, and named by the next head") {
  Fencing at;
  audit::BlockHead seen{0, 9, {}};
  seen.hash.fill(7);
  at.chains.saw(seen);
  for (int times = 0; times < 2; ++times) {  // fenced again before it was committed
    at.op.start(false);
    at.redis.answer_all();
    REQUIRE(at.partition(0).lost);
    CHECK(at.partition(0).lost->first == 1);
    CHECK(at.partition(0).lost->last == 9);
    CHECK(at.partition(0).lost->hash == seen.hash);
    CHECK(at.partition(0).summary_due(at.parts.clock.last()));
    CHECK_FALSE(at.partition(1).lost);
    at.parts.partitions.forget_all();
  }
  CHECK(at.chains.to_sign().size() == 1);
  CHECK(at.chains.take_unreported().size() == 1);
}

TEST_CASE("only partitions that are neither fenced nor asleep are fenced") {
  Fencing at;
  at.partition(0).epoch = "4";
  at.op.start(true);
  CHECK(at.redis.count("INCR") == 1);
  CHECK(at.redis.count("XLEN") == 1);  // deliveries are archived: the key is looked at, too
  at.redis.answer_all();
  CHECK(at.partition(0).epoch == "4");
  CHECK(at.partition(1).epoch == "1");
  at.partition(1).epoch.clear();
  at.parts.partitions.rest(at.partition(1), "its key is broken");
  at.redis.sent.clear();
  at.op.start(false);
  CHECK(at.redis.count("INCR") == 0);
  at.redis.answer_all();
  CHECK(at.told == Told{"fenced", "fenced"});
}

TEST_CASE("a key of another type puts its partition to rest, and the others go on") {
  for (const char* command : {"INCR", "LLEN", "HGETALL", "XLEN", "XREVRANGE", "ZCARD", "ZRANGE"}) {
    CAPTURE(command);
    Fencing at;
    const std::map<std::string, std::string> keys = {
        {"INCR", at.key(&Partition::epoch_key)},      {"LLEN", at.key(&Partition::ingress_key)},
        {"HGETALL", at.key(&Partition::senders_key)}, {"XLEN", at.key(&Partition::archive_key)},
        {"XREVRANGE", at.key(&Partition::audit_key)}, {"ZCARD", at.key(&Partition::retries_key)},
        {"ZRANGE", at.key(&Partition::retries_key)}};
    at.redis.says[std::string(command) + " " + keys.at(command)] = wrong_type();
    at.op.start(true);
    at.redis.answer_all();
    CHECK(at.told == Told{"fenced"});
    CHECK(at.rests(0));
    CHECK(at.partition(0).epoch.empty());
    CHECK_FALSE(at.rests(1));
    CHECK(at.partition(1).epoch == "1");
  }
}

TEST_CASE("an answer of another type, and a record that cannot be read, put the partition to rest") {
  for (const auto& [command, reply] :
       {std::pair("INCR", text("seven")), std::pair("HGETALL", integer(1)),
        std::pair("HGETALL", list({text("alice/no instance"), text("x")})),
        std::pair("XREVRANGE", list({list({text("1-0"), list({text("other"), text("x")})})})),
        std::pair("XREVRANGE", list({list({text("1-0"), list({text("b"), text("no block")})})})),
        std::pair("ZCARD", nil())}) {
    CAPTURE(command, reply);
    Fencing at;
    at.redis.says[command] = reply;
    at.op.start(false);
    at.redis.answer_all();
    CHECK(at.told == Told{"fenced"});
    CHECK(at.rests(0));
    CHECK(at.rests(1));
    CHECK(at.parts.partitions.deciding().empty());
  }
}

TEST_CASE("an error that is not a key's drops all") {
  for (const char* command : {"INCR", "LLEN", "HGETALL", "XREVRANGE", "ZCARD", "ZRANGE"}) {
    CAPTURE(command);
    Fencing at;
    at.redis.says[command] = error("OOM command not allowed when used memory > 'maxmemory'.");
    at.op.start(false);
    at.redis.answer_all();
    CHECK(at.told == Told{"failed fence_failed"});
    CHECK_FALSE(at.rests(0));
  }
  Fencing at;
  at.redis.says["MEMORY"] = error("NOPERM no permission");
  at.op.start(false);
  at.redis.answer_all();
  CHECK(at.told == Told{"failed list_not_weighed"});
}

TEST_CASE("another number of partitions drops all") {
  for (const auto& reply : {text("4"), nil(), text("two"), integer(2), error("LOADING")}) {
    CAPTURE(reply);
    Fencing at;
    at.redis.says["HGET"] = reply;
    at.op.start(false);
    at.redis.answer_all();
    CHECK(at.told == Told{"failed partitions_changed"});
  }
}

TEST_CASE("a lost link is told once, wherever it is lost, and the operation can be started again") {
  Fencing whole;
  whole.op.start(false);
  const size_t replies = whole.redis.sent.size();
  whole.redis.answer_all();
  for (size_t answered = 0; answered < replies; ++answered) {
    CAPTURE(answered);
    Fencing at;
    at.op.start(false);
    for (size_t i = 0; i < answered; ++i) at.redis.answer();
    at.redis.lose();
    CHECK(at.told == Told{"failed redis_lost"});
    at.parts.partitions.forget_all();
    at.op.start(false);
    at.redis.answer_all();
    CHECK(at.told == Told{"failed redis_lost", "fenced"});
  }
}

TEST_CASE("a command that cannot be sent drops all") {
  Fencing at;
  at.redis.refusal = Error{Errc::kUnreachable, "no link"};
  at.op.start(false);
  CHECK(at.told == Told{"failed redis_unreachable"});
}

TEST_CASE("a value that is too large puts its partition to rest and costs the link") {
  for (const char* command : {"HGETALL", "XREVRANGE", "ZRANGE"}) {
    CAPTURE(command);
    Fencing at;
    at.op.start(false);
    at.redis.answer_until(command);
    at.redis.lose({Errc::kTooLarge, "a text of 17 MiB"});
    CHECK(at.told == Told{"failed value_too_large"});
    CHECK(at.gave_up_link);
    CHECK(at.rests(0));
    CHECK_FALSE(at.rests(1));
  }
  Fencing at;
  at.op.start(false);
  at.redis.answer_until("HGET");
  at.redis.lose({Errc::kTooLarge, "a text of 17 MiB"});
  CHECK(at.told == Told{"failed redis_lost"});
}

TEST_CASE("an epoch that went back shows that Redis lost data") {
  Fencing at;
  at.redis.says["INCR"] = integer(9);
  at.op.start(false);
  at.redis.answer_all();
  CHECK(at.op.lost().at == 0);
  at.parts.partitions.forget_all();
  at.redis.says["INCR"] = integer(3);
  at.op.start(false);
  at.redis.answer_all();
  CHECK(at.op.lost().what.find("of partition 0 the epoch was 9 and is 3") != std::string::npos);
  CHECK(at.parts.stats.losses.value() == 1);
  CHECK(at.parts.events.count() == 1);
  CHECK(at.parts.events.bytes().find("Redis lost data") != std::string::npos);
}

TEST_CASE("an element that was too large still is the head, unless somebody else has fenced the partition") {
  for (int64_t epoch : {6, 7}) {
    Fencing at;
    at.oversized(0) = {5, 20'000'000, "head"};
    at.redis.says["INCR"] = integer(epoch);
    at.op.start(false);
    at.redis.answer_all();
    REQUIRE(at.oversized(0).has_value());
    CHECK(at.oversized(0)->bytes == (epoch == 6 ? 20'000'000 : 0));
  }
}

TEST_CASE("an element that was too large is not taken for the head once a commit was sent that may have trimmed it") {
  Fencing at;
  at.oversized(0) = {.epoch = 5, .bytes = 20'000'000, .head = "head", .in_commit = true};
  at.redis.says["INCR"] = integer(6);
  at.op.start(false);
  at.redis.answer_all();
  REQUIRE(at.oversized(0).has_value());
  CHECK(at.oversized(0)->bytes == 0);
}

TEST_CASE("a partition that works again is not at rest any more") {
  Fencing at;
  at.parts.partitions.rest(at.partition(0), "its key is broken");
  at.parts.partitions.resting().look_now(mono_now());
  at.op.start(false);
  at.redis.answer_all();
  CHECK_FALSE(at.rests(0));
  CHECK(at.parts.partitions.deciding() == std::vector<unsigned>{0, 1});
}

TEST_CASE("on a cluster nothing is read before all epochs are raised") {
  Fencing at(KeyLayout::kCluster);
  at.op.start(true);
  REQUIRE(at.redis.sent.size() == 2);
  CHECK(at.redis.count("INCR") == 2);
  at.redis.answer_out_of_order("INCR", at.partition(1).epoch_key);
  CHECK(at.redis.sent.size() == 2);
  at.redis.answer_out_of_order("INCR", at.partition(0).epoch_key);
  CHECK(at.redis.count("HGETALL") == 2);
  CHECK(at.redis.count("INCR") == 2);
  at.redis.answer_out_of_order("ZRANGE", at.partition(1).retries_key);
  at.redis.answer_out_of_order("HGET", at.frame.keys().config());
  CHECK(at.told.empty());
  for (const char* name : {"LLEN", "MEMORY", "HGETALL", "XLEN", "XREVRANGE", "ZCARD"})
    for (unsigned p : {1u, 0u}) {
      const Partition& partition = at.partition(p);
      for (const std::string& key : {partition.ingress_key, partition.senders_key, partition.archive_key,
                                     partition.audit_key, partition.retries_key})
        if (at.redis.awaits(name, key)) at.redis.answer_out_of_order(name, key);
    }
  at.redis.answer_out_of_order("ZRANGE", at.partition(0).retries_key);
  CHECK(at.told == Told{"fenced"});
  CHECK(at.parts.partitions.deciding() == std::vector<unsigned>{0, 1});
}

TEST_CASE("on a cluster a link that is lost while epochs are raised drops all") {
  Fencing at(KeyLayout::kCluster);
  at.op.start(false);
  at.redis.answer_out_of_order("INCR", at.partition(1).epoch_key);
  at.redis.lose();
  CHECK(at.told == Told{"failed redis_lost"});
  at.parts.partitions.forget_all();  // as the loop does
  at.op.start(false);
  CHECK(at.redis.count("INCR") == 4);
}
