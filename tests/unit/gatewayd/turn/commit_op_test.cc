// Committing: what is sent together, when receipts go out, and what each answer of the script means.
#include "daemons/gatewayd/turn/commit_op.h"

#include <thread>

#include "daemons/gatewayd/turn/fence_op.h"
#include "tests/unit/gatewayd/turn/committing.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

namespace {

using Hand = TurnPipeline::Hand;

constexpr std::string_view kWrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";

TurnOptions with_replicas() {
  TurnOptions options;
  options.wait_replicas = 2;
  return options;
}

redis::Reply replicas_confirm(int64_t count) {
  redis::Reply reply;
  reply.type = redis::Reply::Type::kInteger;
  reply.integer = count;
  return reply;
}

}  // namespace

TEST_CASE("a turn goes out in one write, and its receipts once it is done") {
  Committing at;
  at.decide();
  at.parts.events.add("PUBLISH", "mas.system", "an alert");
  const std::string stream(at.parts.decider.result().deliveries()[0].key);
  REQUIRE(at.op.start());
  CHECK(at.parts.pipeline.committing());
  CHECK(at.parts.pipeline.hand() == Hand::kNone);
  std::vector<std::string> names;
  for (const Words& words : at.redis.sent) names.push_back(words[0]);
  CHECK(names == std::vector<std::string>{"PUBLISH", "XLEN", "EVAL"});
  CHECK(at.parts.stats.round_trips.value() == 1);
  CHECK(at.parts.events.count() == 0);
  for (const std::string& word :
       {stream, std::string("LTRIM"), at.frame.keys().unproven(), at.partition(0).audit_key, at.partition(1).audit_key})
    CHECK(at.has(word));

  at.redis.answer_all();
  CHECK(at.told == Told{"committed", "commit over"});
  CHECK(at.parts.pipeline.clear());
  CHECK(at.parts.stats.turns() == 1);
  CHECK(at.parts.stats.messages() == 1);
  CHECK(at.parts.stats.receipts.value() == 1);
  CHECK(at.parts.events.count() == 1);
  CHECK(at.parts.events.bytes().find("mas.receipt") != std::string::npos);
}

TEST_CASE("another gateway's epoch: nothing is told to senders") {
  Committing at;
  at.decide();
  at.redis.says["EVAL"] = list({text("FENCED"), integer(1)});
  at.op.start();
  at.redis.answer_all();
  CHECK(at.told == Told{"failed commit_fenced"});
  CHECK(at.parts.events.count() == 0);
  CHECK(at.parts.stats.turns() == 0);
}

TEST_CASE("what the script does not answer, and what Redis refuses as a whole, drop all") {
  for (const auto& reply : {error("OOM command not allowed"), text("DONE"), list({}), list({text("FENCED")}),
                            list({text("FAILED"), integer(0)})}) {
    CAPTURE(reply);
    Committing at;
    at.decide();
    at.redis.says["EVAL"] = reply;
    at.op.start();
    at.redis.answer_all();
    CHECK(at.told == Told{"failed commit_failed"});
    CHECK(at.parts.events.count() == 0);
  }
}

TEST_CASE("a refused key is remembered, and the next turn does without it") {
  SECTION("a partition's: it rests") {
    Committing at;
    at.decide();
    at.op.start();
    at.redis.says["EVAL"] = at.refusal_of(at.partition(0).audit_key, kWrongType);
    at.redis.answer_all();
    CHECK(at.told == Told{"failed keys_refused"});
    CHECK(at.rests(0));
    CHECK_FALSE(at.rests(1));
    CHECK(at.why.starts_with(at.partition(0).audit_key + ": WRONGTYPE"));
  }
  SECTION("a target's stream: its messages fail") {
    Committing at;
    at.decide();
    TargetStream* inbox = at.parts.decider.result().deliveries()[0].inbox;
    at.op.start();
    at.redis.says["EVAL"] = at.refusal_of(inbox->key, kWrongType);
    at.redis.answer_all();
    CHECK(at.told == Told{"failed keys_refused"});
    CHECK(inbox->failing == kWrongType);
    CHECK(inbox->failing_until > mono_now());
    CHECK_FALSE(at.rests(0));
  }
  SECTION("the stream of what is no frame: it is not kept for a while") {
    Committing at;
    at.decide();
    at.op.start();
    at.redis.says["EVAL"] = at.refusal_of(at.frame.keys().unproven(), kWrongType);
    at.redis.answer_all();
    CHECK(at.told == Told{"failed keys_refused"});
    CHECK(at.parts.unproven_again > mono_now());
  }
  SECTION("Redis is out of memory: that is no key's fault") {
    Committing at;
    at.decide();
    at.op.start();
    at.redis.says["EVAL"] = at.refusal_of(at.partition(0).audit_key, "OOM command not allowed");
    at.redis.answer_all();
    CHECK(at.told == Told{"failed commit_refused"});
    CHECK_FALSE(at.rests(0));
  }
}

TEST_CASE("receipts wait until enough replicas have the commit") {
  for (int64_t replicas : {1, 2}) {
    CAPTURE(replicas);
    Committing at(with_replicas());
    at.decide();
    at.redis.says["WAIT"] = integer(replicas);
    at.op.start();
    at.redis.answer_until("WAIT");
    CHECK(at.told == Told{"committed"});
    CHECK(at.parts.pipeline.committing());
    CHECK(at.parts.events.count() == 0);
    at.redis.answer_all();
    CHECK(at.told == Told{"committed", "commit over"});
    CHECK(at.parts.stats.receipts.value() == (replicas == 2 ? 1 : 0));
  }
}

TEST_CASE("while replicas are missing no commit waits for long, and receipts come out once they are back") {
  Committing at(with_replicas());
  auto bound_of_wait = [&at] { return at.redis.sent.back().at(2); };
  at.redis.says["WAIT"] = integer(0);
  at.decide();
  at.op.start();
  CHECK(bound_of_wait() == "500");
  at.redis.answer_all();
  CHECK(at.op.replicas_problem().find("0 of 2 replicas") == 0);
  CHECK(at.parts.events.count() == 1);  // an alert
  at.parts.events = {};
  at.decide(2);
  at.op.start();
  CHECK(std::stoi(bound_of_wait()) < 50);
  at.redis.says["WAIT"] = integer(2);
  at.redis.answer_all();
  CHECK(at.op.replicas_problem().empty());
  CHECK(at.parts.events.count() == 2);
  CHECK(at.parts.stats.receipts.value() == 2);

  at.redis.says["WAIT"] = integer(0);
  at.decide(3);
  at.op.start();
  at.redis.answer_all();
  at.op.reset();  // a turn is dropped: the server has the commit
  CHECK_FALSE(at.op.replicas_problem().empty());
  at.op.link_lost();  // the next one may lack it
  CHECK(at.op.replicas_problem().empty());
  CHECK(at.parts.stats.receipts.value() == 2);
}

TEST_CASE(
    "while replicas are missing a question waits for the whole bound now and then, and commits put no other off") {
  TurnOptions options = with_replicas();
  options.wait_timeout = std::chrono::milliseconds(20);
  Committing at(options);
  ReplicaWait waits(at.parts);
  auto asks_for = [&waits](std::string_view bound) {
    redis::Command command;
    waits.ask(command);
    return command.bytes().ends_with("\r\n" + std::string(bound) + "\r\n");
  };
  CHECK(asks_for("20"));
  waits.answered(replicas_confirm(0));
  CHECK(asks_for("5"));
  const MonoTime end = mono_now() + std::chrono::seconds(30);
  while (!asks_for("20") && mono_now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK(mono_now() < end);
  CHECK(asks_for("5"));
  redis::Timer turning(&at.loop.uv, [] {});
  turning.every(std::chrono::milliseconds(1));
  while (at.redis.sent.empty() && mono_now() < end) {
    waits.answered(replicas_confirm(0));  // as with each commit
    uv_run(&at.loop.uv, UV_RUN_ONCE);
  }
  REQUIRE(at.redis.sent.size() == 1);
  CHECK(at.redis.sent[0][0] == "WAIT");
}

TEST_CASE("receipts are withheld up to so many bytes") {
  Committing at(with_replicas());
  ReplicaWait waits(at.parts);
  waits.answered(replicas_confirm(0));
  const std::string receipt(1024 * 1024, 'r');
  for (int i = 0; i < 64; ++i) waits.hold(redis::Command("PUBLISH", "alice", receipt));  // the last is too much
  waits.hold(redis::Command("PUBLISH", "alice", receipt));
  waits.answered(replicas_confirm(2));
  CHECK(at.parts.stats.receipts.value() == 1);
}

TEST_CASE("a commit under way is told once when the link is lost, wherever it is lost, and publishes no receipt") {
  Committing whole(with_replicas());
  whole.decide();
  whole.op.start();
  const size_t replies = whole.redis.sent.size();
  REQUIRE(replies == 3);  // XLEN, the script, WAIT
  for (size_t answered = 0; answered < replies; ++answered) {
    CAPTURE(answered);
    Committing at(with_replicas());
    at.decide();
    at.op.start();
    for (size_t i = 0; i < answered; ++i) at.redis.answer();
    at.redis.lose({answered == 0 ? Errc::kTooLarge : Errc::kConnectionLost, "the link was lost"});
    CHECK(at.told == (answered < 2 ? Told{"failed redis_lost"} : Told{"committed", "failed redis_lost"}));
    CHECK(at.parts.events.count() == 0);
    CHECK(at.parts.stats.receipts.value() == 0);
    CHECK(at.parts.pipeline.clear());
  }
}

TEST_CASE("a commit that cannot be sent drops all") {
  Committing at;
  at.decide();
  at.redis.refusal = Error{Errc::kWouldBlock, "too much waits"};
  CHECK_FALSE(at.op.start());
  CHECK(at.told == Told{"failed redis_unreachable"});
  CHECK(at.parts.pipeline.clear());
}

TEST_CASE("a trial ends with the commit, and what failed before is told") {
  Committing at;
  redis::Command command;
  at.parts.trials.begin(at.partition(0), command);
  redis::Reply counted;
  counted.type = redis::Reply::Type::kInteger;
  counted.integer = 2;
  REQUIRE(at.parts.trials.counted(counted));
  at.decide();
  at.op.start();
  CHECK(at.has(at.partition(0).trial_key));
  at.redis.answer_all();
  CHECK(at.parts.trials.under_way() == nullptr);
  CHECK(at.parts.events.bytes().find("was set aside") != std::string::npos);
}

TEST_CASE("an element that was too large to be read is trimmed, and its head is kept") {
  Committing at;
  at.parts.batch.append_oversized(0, 20'000'000, "how it begins");
  at.decide();
  at.op.start();
  CHECK(at.has("how it begins"));
  at.redis.answer_all();
  CHECK(at.told == Told{"committed", "commit over"});
}

TEST_CASE("an element that was too large is decided from memory only while no commit may have taken it away") {
  const Told lost{"failed redis_lost", "fenced"}, fenced{"failed commit_fenced", "fenced"};
  for (const Told& expected : {lost, fenced}) {
    CAPTURE(expected);
    Committing at;
    FenceOp fence(at.parts, at);
    at.oversized(0) = {1, 20'000'000, "how it begins"};
    at.parts.batch.append_oversized(0, 20'000'000, "how it begins");
    at.decide();
    at.op.start();
    if (expected == fenced) {
      at.redis.says["EVAL"] = list({text("FENCED"), integer(0)});
      at.redis.answer_all();
    } else {
      at.redis.lose();
    }
    at.redis.says["INCR"] = integer(2);
    fence.start(false);
    at.redis.answer_all();
    CHECK(at.told == expected);
    REQUIRE(at.oversized(0).has_value());
    CHECK(at.oversized(0)->bytes == (expected == fenced ? 20'000'000 : 0));  // 0: the list is weighed
  }
}

TEST_CASE("on a cluster an element that was too large is gone with its script, whatever becomes of the others") {
  for (unsigned done : {0u, 1u}) {
    CAPTURE(done);
    Committing at({}, KeyLayout::kCluster);
    at.oversized(0) = {1, 20'000'000, "how it begins"};
    at.parts.batch.append_oversized(0, 20'000'000, "how it begins");
    at.decide();
    at.op.start();
    at.redis.answer_out_of_order("EVAL", at.partition(done).epoch_key);
    at.redis.says["EVAL"] = list({text("FENCED"), integer(0)});
    at.redis.answer_out_of_order("EVAL", at.partition(1 - done).epoch_key);
    CHECK(at.told == Told{"failed commit_fenced"});
    REQUIRE(at.oversized(0).has_value());
    CHECK(at.oversized(0)->bytes == (done == 0 ? 0 : 20'000'000));
    CHECK(at.tells("was set aside") == (done == 0));
  }
}

TEST_CASE("on a cluster a script that is not answered leaves what the others did") {
  const unsigned alices = mas::partition_of("alice", kTwoPartitions), others = 1 - alices;
  const std::string wake = "mas.wake:{bob}";
  SECTION("its answer comes first: the others are waited for") {
    Committing at({}, KeyLayout::kCluster);
    at.decide();
    at.op.start();
    at.redis.fail_out_of_order("EVAL", at.partition(others).epoch_key);
    CHECK(at.told.empty());
    at.redis.answer_out_of_order("EVAL", at.partition(alices).epoch_key);
    CHECK(at.told == Told{"failed redis_lost"});
    CHECK(at.parts.stats.receipts.value() == 1);
    CHECK(at.tells(wake));
  }
  SECTION("the link is lost before it answers: receipts of what is done go out") {
    Committing at({}, KeyLayout::kCluster);
    at.decide();
    at.op.start();
    at.redis.answer_out_of_order("EVAL", at.partition(alices).epoch_key);
    CHECK(at.tells(wake));  // its receiver does not wait for the other script
    CHECK(at.parts.stats.receipts.value() == 0);
    at.on_failed({"redis_lost", "a primary is gone"});  // as the loop's link tells it
    CHECK(at.parts.stats.receipts.value() == 1);
    CHECK(at.tells("mas.receipts:{alice}:"));
  }
  SECTION("a length is not answered: the turn does without") {
    Committing at({}, KeyLayout::kCluster);
    at.decide();
    at.op.start();
    at.redis.fail_out_of_order("XLEN", at.frame.keys().inbox("bob", Lane::kNormal, alices));
    for (unsigned p : {alices, others}) at.redis.answer_out_of_order("EVAL", at.partition(p).epoch_key);
    CHECK(at.told == Told{"committed", "commit over"});
  }
}

TEST_CASE("on a cluster a length that comes after the scripts is not looked at: it counts what they delivered") {
  const unsigned alices = mas::partition_of("alice", kTwoPartitions);
  Committing at({}, KeyLayout::kCluster);
  at.decide();
  const TargetStream& inbox = *at.parts.decider.result().deliveries()[0].inbox;
  const MonoTime read_at = inbox.read_at;
  at.op.start();
  for (unsigned p : {0u, 1u}) at.redis.answer_out_of_order("EVAL", at.partition(p).epoch_key);
  at.redis.says["XLEN"] = integer(7);
  at.redis.answer_out_of_order("XLEN", at.frame.keys().inbox("bob", Lane::kNormal, alices));
  CHECK(at.told == Told{"committed", "commit over"});
  CHECK(inbox.read_at == read_at);
}

TEST_CASE("another builder may be put in the place of the script's") {
  struct Forgetful final : CommitBuilder {
    using CommitBuilder::CommitBuilder;
    void add_block(Commit&, const PartitionWork&) override {}
  };
  Committing at({}, std::make_unique<Forgetful>(Keys()));
  at.decide();
  at.op.start();
  CHECK_FALSE(at.has(at.partition(0).audit_key));
  CHECK(at.has("LTRIM"));
}

TEST_CASE("on a cluster each partition has a script of its own, in its slot") {
  Committing at({}, KeyLayout::kCluster);
  const unsigned alices = mas::partition_of("alice", kTwoPartitions), others = 1 - alices;
  at.decide();
  at.parts.events.add("PUBLISH", "mas.system", "an alert");
  REQUIRE(at.op.start());
  CHECK(at.redis.sent[0][0] == "PUBLISH");  // by itself
  CHECK(at.redis.count("EVAL") == 2);
  const std::string inbox = at.frame.keys().inbox("bob", Lane::kNormal, alices);
  for (const Words& words : at.redis.sent) {
    if (words[0] != "EVAL") continue;
    const auto has = [&words](const std::string& word) {
      return std::find(words.begin(), words.end(), word) != words.end();
    };
    const bool its = has(at.partition(alices).epoch_key);
    CHECK(has(at.partition(others).epoch_key) != its);
    CHECK(has(inbox) == its);
    CHECK(has(at.partition(alices).audit_key) == its);
    CHECK(has(at.frame.keys().unproven(others)) != its);
  }

  SECTION("all are done: receipts and a wake-up go out, by sharded channels") {
    at.redis.answer_all();
    CHECK(at.told == Told{"committed", "commit over"});
    CHECK(at.redis.count("SPUBLISH") + at.parts.events.count() == 2);
    CHECK(at.tells("mas.wake:{bob}", std::to_string(alices) + " normal"));
    CHECK(at.tells("mas.receipts:{alice}:"));
    CHECK(at.parts.stats.receipts.value() == 1);
  }
  SECTION("in any order") {
    at.redis.answer_out_of_order("EVAL", at.partition(others).epoch_key);
    CHECK(at.told.empty());
    at.redis.answer_out_of_order("EVAL", at.partition(alices).epoch_key);
    CHECK(at.told == Told{"committed"});
  }
  SECTION("one is refused: what the other has done is told, and the turn is read again") {
    at.redis.answer_out_of_order("EVAL", at.partition(alices).epoch_key);
    CHECK(at.told.empty());
    at.redis.says["EVAL"] = list({text("FENCED"), integer(0)});
    at.redis.answer_out_of_order("EVAL", at.partition(others).epoch_key);
    CHECK(at.told == Told{"failed commit_fenced"});
    CHECK(at.parts.stats.receipts.value() == 1);
    CHECK(at.tells("mas.wake:{bob}"));
  }
  SECTION("the sender's is refused: it hears nothing") {
    at.redis.answer_out_of_order("EVAL", at.partition(others).epoch_key);
    at.redis.says["EVAL"] = list({text("FENCED"), integer(0)});
    at.redis.answer_out_of_order("EVAL", at.partition(alices).epoch_key);
    CHECK(at.told == Told{"failed commit_fenced"});
    CHECK_FALSE(at.tells("mas.wake"));
    CHECK_FALSE(at.tells("mas.receipts"));
  }
  SECTION("a key is refused: the right one is remembered") {
    at.redis.says["EVAL"] = list({text("FAILED"), integer(1), text(kWrongType)});  // behind the epoch
    at.redis.answer_out_of_order("EVAL", at.partition(others).epoch_key);
    at.redis.says["EVAL"] = list({text("DONE")});
    at.redis.answer_out_of_order("EVAL", at.partition(alices).epoch_key);
    CHECK(at.told == Told{"failed keys_refused"});
    CHECK(at.parts.stats.receipts.value() == 1);
  }
}

TEST_CASE("on a cluster each node that executed a script is asked for its replicas behind the last one") {
  for (int64_t replicas : {1, 2}) {
    CAPTURE(replicas);
    Committing at(with_replicas(), KeyLayout::kCluster);
    at.decide();
    at.redis.says["WAIT"] = integer(replicas);
    at.op.start();
    CHECK(at.redis.count("WAIT") == 0);
    at.redis.answer_until("EVAL");
    at.redis.answer();
    CHECK(at.redis.count("WAIT") == 0);
    at.redis.answer();
    CHECK(at.redis.count("WAIT") == 1);  // both were at the same node
    CHECK(at.told == Told{"committed"});
    CHECK(at.parts.pipeline.committing());
    CHECK(at.parts.stats.receipts.value() == 0);
    at.redis.answer_all();
    CHECK(at.told == Told{"committed", "commit over"});
    CHECK(at.parts.stats.receipts.value() == (replicas == 2 ? 1 : 0));
    CHECK(at.op.replicas_problem().empty() == (replicas == 2));
  }
}
