// What an owner holds of a partition: loaded from Redis, looked up, forgotten; hostile fields are named.
#include "daemons/gatewayd/turn/partition.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;

namespace {

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

Id128 id_of(unsigned char fill) {
  Id128 id;
  id.bytes.fill(fill);
  return id;
}

std::string state(std::initializer_list<Decision> decisions, WallMicros active = 0) {
  SenderState state;
  for (Decision decision : decisions) state.decide(decision);
  state.touch(active);
  std::string bytes;
  state.append_to(bytes);
  return bytes;
}

}  // namespace

TEST_CASE("an instance has its field and its channel, whoever names it") {
  Keys keys("ns");
  Partition partition(3, keys);
  Sender& alice = partition.sender("alice");
  Sender::Instance& one = partition.instance(alice, "alice", id_of(0xab), keys);
  CHECK(one.field == "alice/" + id_of(0xab).hex());
  CHECK(one.receipts == keys.receipts("alice", id_of(0xab).hex()));
  CHECK(&partition.instance(partition.sender("alice"), "alice", id_of(0xab), keys) == &one);
  CHECK(&partition.instance(alice, "alice", id_of(0xac), keys) != &one);
  // Growing moves nothing that a turn points to.
  for (int i = 0; i < 1000; ++i) partition.sender("sender" + std::to_string(i));
  CHECK(&partition.sender("alice") == &alice);
  CHECK(&partition.instance(alice, "alice", id_of(0xab), keys) == &one);
}

TEST_CASE("a partition knows what is expected at its keys, and which are not its own") {
  Keys keys("ns");
  Partition partition(3, keys);
  for (const std::string& key :
       {partition.epoch_key, partition.ingress_key, partition.senders_key, partition.audit_key})
    CHECK_FALSE(partition.expected_at(key).empty());
  for (const std::string& key : {keys.ingress(4), keys.dead_letters(), keys.partition_lease(3), std::string()})
    CHECK(partition.expected_at(key).empty());
}

TEST_CASE("fields of senders and of their instances are told apart") {
  Keys keys;
  Partition partition(0, keys);
  LimiterState limiter{1'000, 2'000, 3'000};
  std::string limited, decided = state({Decision::kAllowed, Decision::kMalformed}, 77);
  limiter.encode(limited);
  std::string name = "alice/" + id_of(1).hex();
  REQUIRE(partition.load_senders(Fields{{"alice", limited}, {name, decided}}, keys).ok());
  Sender& alice = partition.sender("alice");
  CHECK(alice.limiter == limiter);
  REQUIRE(alice.instances.size() == 1);
  Sender::Instance& one = partition.instance(alice, "alice", id_of(1), keys);
  CHECK(one.state.last() == 2);
  CHECK(one.state.active() == 77);
  CHECK(one.state.decision(2) == Decision::kMalformed);
  CHECK(one.field == name);
}

TEST_CASE("a field that nobody wrote so is named, not guessed") {
  Keys keys;
  std::string good = state({Decision::kAllowed}), hex = id_of(1).hex();
  auto problem = [&](std::string_view field, std::string_view value) {
    Partition partition(0, keys);
    auto status = partition.load_senders(Fields{{field, value}}, keys);
    return status.ok() ? std::string() : status.error().message;
  };
  CHECK(problem("alice/" + hex, good).empty());
  for (const std::string& field :
       {"alice/" + hex.substr(1), "alice/" + hex + "0", "alice/" + hex + "/", std::string("alice/"),
        "alice/" + std::string(32, 'x'), std::string("/"), "alice/bob/" + hex})
    CHECK(problem(field, good).find("mas.sender:{0}") != std::string::npos);
  CHECK_FALSE(problem("alice", good).empty());  // an instance's state where the limiter is expected
  CHECK_FALSE(problem("alice/" + hex, "").empty());
  CHECK_FALSE(problem("alice/" + hex, "x").empty());
  CHECK(problem("a\nb/" + hex, "").find('\n') == std::string::npos);
}

TEST_CASE("the chain goes on from the newest block") {
  Keys keys;
  Partition partition(5, keys);
  audit::BlockBuilder builder;
  builder.begin(5, 1, 41, audit::kGenesisPrevious, 1, Digest{}, "prod");
  auto block = builder.finish();
  REQUIRE(partition.load_audit_head(block.bytes, "prod").ok());
  CHECK(partition.next_block == 42);
  CHECK(partition.previous_hash == block.hash);
  CHECK_FALSE(partition.load_audit_head("x").ok());
  CHECK_FALSE(partition.load_audit_head(block.bytes, "staging").ok());
  auto foreign = partition.load_audit_head(block.bytes);
  CHECK(foreign.error().message.find("of namespace 'prod'") != std::string::npos);
  REQUIRE(partition.load_audit_head({}).ok());
  CHECK(partition.next_block == audit::kFirstBlock);
  CHECK(partition.previous_hash == audit::kGenesisPrevious);
}

TEST_CASE("forgetting leaves a partition as new") {
  Keys keys;
  Partition partition(5, keys);
  partition.epoch = "7";
  partition.epoch_number = 7;
  partition.next_block = 9;
  partition.sender("alice");
  partition.forgettable.push_back({"alice", {}});
  partition.forget();
  CHECK(partition.epoch.empty());
  CHECK(partition.next_block == audit::kFirstBlock);
  CHECK(partition.senders.empty());
  CHECK(partition.forgettable.empty());
}

TEST_CASE("of what a sweep found, only what is still silent is forgotten") {
  Keys keys;
  Partition partition(0, keys);
  auto instance = [&](std::string_view id, unsigned char fill, WallMicros active) -> Sender::Instance& {
    Sender::Instance& made = partition.instance(partition.sender(id), id, id_of(fill), keys);
    made.state.touch(active);
    partition.forgettable.push_back({std::string(id), std::string(view_of(id_of(fill).bytes))});
    return made;
  };
  instance("silent", 1, 100);
  instance("spoke", 1, 200);
  instance("speaks", 1, 100).changed = true;
  partition.sender("idle");
  partition.sender("idle and limited").limiter_changed = true;
  for (const char* id : {"idle", "idle and limited", "speaks", "gone"}) partition.forgettable.push_back({id, {}});
  auto fields = partition.take_forgettable(200);
  CHECK(fields == std::vector<std::string>{"silent/" + id_of(1).hex(), "idle"});
  CHECK(partition.sender("silent").instances.empty());
  CHECK(partition.sender("spoke").instances.size() == 1);
  CHECK(partition.sender("speaks").instances.size() == 1);
  CHECK_FALSE(partition.senders.contains("idle"));
  CHECK(partition.senders.contains("idle and limited"));
  CHECK(partition.take_forgettable(1'000).empty());
}
