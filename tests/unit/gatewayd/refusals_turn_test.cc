// What refusals write: a budget of records, then one record a second that counts.
#include "tests/unit/gatewayd/turn_case.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

namespace {

constexpr size_t kBudget = 100;  // at once, of one a second

size_t recorded(TurnCase& at, const std::function<void()>& push) {
  push();
  at.decide();
  at.keep_results();
  at.commit();
  return at.audited.size();
}

}  // namespace

TEST_CASE("strangers share the budget of their partition; past it they are counted once a second") {
  TurnCase at;
  at.policy.refusal_records = 1;
  at.decider.set_policy(at.policy);
  const unsigned p = TurnCase::partition_of("alice");
  auto flood = [&] {
    for (int i = 0; i < 500; ++i) {
      at.batch.append(p, "poison");
      at.push({.instance = new_instance_id(), .token = "wrong"}, {envelope("alice", "bob")});
    }
  };
  CHECK(recorded(at, flood) == kBudget);
  CHECK(at.decider.result().receipts().size() == 500);  // they are told as ever
  CHECK(at.decider.result().unproven().size() == kBudget / 2);
  CHECK(at.decider.result().counts().refusals_counted == 1000 - kBudget);
  CHECK(at.partitions[p]->next_summary == at.now + 1'000'000);
  at.now += 400'000;
  CHECK(recorded(at, flood) == 0);
  // What was recorded of honest senders meanwhile is whole.
  at.push({}, {envelope("alice", "bob"), envelope("alice", "nobody")});
  CHECK(recorded(at, flood) == 2);
  at.now += 600'000;  // nothing comes any more, and the count is written all the same
  CHECK(recorded(at, [] {}) == 1);
  CHECK(at.audited[0].sender.empty());
  CHECK(at.audited[0].reason ==
        "counted, not recorded one by one: 2900 refusals in 1000 ms: MALFORMED 1450 AUTH_FAILED 1450");
  CHECK(at.partitions[p]->next_summary == Partition::kNoSummary);
  CHECK(recorded(at, [] {}) == 0);
}

TEST_CASE("what was counted is told when the clock steps back") {
  TurnCase at;
  at.policy.refusal_records = 1;
  at.decider.set_policy(at.policy);
  const unsigned p = TurnCase::partition_of("alice");
  at.send({}, std::vector<std::string>(300, envelope("alice", "nobody")));
  for (int i = 0; i < 300; ++i) at.batch.append(p, "poison");
  CHECK(recorded(at, [] {}) == kBudget);
  at.now -= 3'600'000'000;
  CHECK(at.partitions[p]->summary_due(at.now));
  CHECK(recorded(at, [] {}) == 2);
  CHECK(at.partitions[p]->next_summary == Partition::kNoSummary);
  CHECK_FALSE(at.partitions[p]->summary_due(at.now));
}

TEST_CASE("a sender has a budget of its own, and takes nothing of others") {
  TurnCase at;
  at.policy.refusal_records = 1;
  at.decider.set_policy(at.policy);
  std::vector<std::string> refused(300, envelope("alice", "nobody"));
  auto receipt = at.send({}, refused);
  CHECK(receipt.decisions == std::vector<Decision>(300, Decision::kTargetNotFound));
  CHECK(at.audited.size() == kBudget);
  CHECK(at.send({.sender = "carol", .token = "token of carol"}, {envelope("carol", "nobody")}).decisions.size() == 1);
  CHECK(at.audited.size() == 1);
  at.now += 1'000'000;
  auto allowed = at.send({.first = 301}, {envelope("alice", "bob"), envelope("alice", "nobody")});
  REQUIRE(at.audited.size() == 3);  // the budget has one more by now
  CHECK(at.audited[2].sender == "alice");
  CHECK(at.audited[2].decision == Decision::kTargetNotFound);
  CHECK(at.audited[2].reason == "counted, not recorded one by one: 200 refusals in 1000 ms: TARGET_NOT_FOUND 200");
  // A number that was refused and counted is answered as before.
  CHECK(at.send({}, refused).decisions == receipt.decisions);
}

TEST_CASE("short of memory no count is written") {
  TurnCase at;
  at.policy.refusal_records = 1;
  at.decider.set_policy(at.policy);
  at.send({}, std::vector<std::string>(300, envelope("alice", "nobody")));
  at.policy.memory_low = true;
  at.decider.set_policy(at.policy);
  at.now += 2'000'000;
  CHECK(recorded(at, [] {}) == 0);
}

TEST_CASE("what is remembered of a sender's refusals is bounded, however many instances it has") {
  TurnCase at;
  // Every other message of theirs was refused: a byte of state for each.
  SenderState large, small;
  for (int i = 0; i < 60'000; ++i) {
    large.decide(Decision::kTargetNotFound);
    large.decide(Decision::kAllowed);
  }
  small.decide(Decision::kTargetNotFound);
  Partition& partition = *at.partitions[TurnCase::partition_of("alice")];
  Sender& alice = partition.sender("alice");
  auto remember = [&](const Id128& id, const SenderState& state) {
    Sender::Instance& instance = partition.instance(alice, "alice", id, at.keys);
    std::string bytes;
    instance.state = state;
    instance.state.append_to(bytes);
    alice.wrote(instance, bytes.size());
  };
  const Id128 first = id_of(1), second = id_of(2);
  remember(first, large);
  remember(second, small);
  CHECK(at.send({.instance = first, .first = large.last() + 1}, {envelope("alice", "bob")}).kind ==
        ReceiptKind::kDecided);
  while (alice.state_bytes <= 4 * 1024 * 1024) remember(new_instance_id(), large);
  auto refused = at.send({.instance = first, .first = large.last() + 2}, {envelope("alice", "bob")});
  CHECK(refused.kind == ReceiptKind::kFrameRefused);
  CHECK(refused.decisions == std::vector<Decision>{Decision::kUnavailable});
  // Small instances, new ones, and other senders go on.
  const std::vector<Decision> allowed{Decision::kAllowed};
  CHECK(at.send({.instance = second, .first = 2}, {envelope("alice", "bob")}).decisions == allowed);
  CHECK(at.send({}, {envelope("alice", "bob")}).decisions == allowed);
  CHECK(at.send({.sender = "carol", .token = "token of carol"}, {envelope("carol", "bob")}).decisions == allowed);
  // What is forgotten makes room.
  for (auto& [id, instance] : alice.instances) {
    if (id != view_of(first.bytes)) partition.forgettable.push_back({"alice", id});
  }
  at.now += 1;
  partition.take_forgettable(at.now + 1);
  CHECK(alice.state_bytes < 100'000);
  CHECK(at.send({.instance = first, .first = large.last() + 2}, {envelope("alice", "bob")}).decisions == allowed);
}
