// The decider over simulated time: the order of denials, sequences, lanes, and what strangers cannot do.
#include "daemons/gatewayd/turn/decider.h"

#include <random>

#include "tests/unit/gatewayd/turn_case.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

TEST_CASE("an allowed message is delivered, audited and receipted") {
  TurnCase at;
  auto receipt = at.send({}, {envelope("alice", "bob"), envelope("alice", "bob")});
  CHECK(receipt.kind == ReceiptKind::kDecided);
  CHECK(receipt.channel == at.keys.receipts("alice", id_of(0xa1).hex()));
  CHECK(receipt.decisions == Decisions{Decision::kAllowed, Decision::kAllowed});
  REQUIRE(at.delivered.size() == 1);
  CHECK(at.delivered[0].stream == "agent.stream:bob");
  CHECK(at.delivered[0].envelopes == std::vector<std::string>(2, envelope("alice", "bob")));
  REQUIRE(at.audited.size() == 2);
  CHECK(at.audited[1].sequence == 2);
  CHECK(at.audited[1].target == "bob");
  at.check_ledger();
  REQUIRE(at.decider.result().work().size() == 1);
  CHECK(at.decider.result().work()[0]->elements == 1);
  CHECK(at.decider.result().work()[0]->fields.size() == 1);
}

TEST_CASE("blocks are chained from turn to turn") {
  TurnCase at;
  at.send({}, {envelope("alice", "bob")});
  Partition& partition = *at.partitions[TurnCase::partition_of("alice")];
  CHECK(partition.next_block == 2);
  Digest first = partition.previous_hash;
  at.push({.first = 2}, {envelope("alice", "bob")});
  at.decide();
  audit::Block block;
  REQUIRE(audit::decode_block(at.decider.result().work()[0]->block.bytes, block).ok());
  CHECK(block.head.number == 2);
  CHECK(block.previous == first);
}

TEST_CASE("the first denial wins, in the order of the contract") {
  TurnCase at;
  at.policy.limits = Mode::kEnforce;
  at.policy.guard.max_hops = 3;
  at.decider.set_policy(at.policy);
  std::string late = R"("deadline":1.0,"hops":9)", hops = R"("hops":9)";
  at.add("alice", [](AgentFacts& agent) {
    agent.rules = rules({"bob", "nobody", "full"}, {"carol"});
    agent.limits = {.per_minute = 1};
  });
  at.add("full");
  at.lengths["agent.stream:full"] = at.policy.max_backlog_records;
  auto receipt = at.send({}, {
                                 envelope("alice", "bob", late, "[]"),  // malformed, though late and blocked
                                 envelope("mallory", "bob", late),      // another's name
                                 envelope("alice", "no id!", late),     // where nobody can be
                                 envelope("alice", "carol", late),      // blocked, though late
                                 envelope("alice", "dave", late),       // not allowed: learns nothing of dave
                                 envelope("alice", "nobody", late),     // allowed and not there, though late
                                 envelope("alice", "bob", late),        // late, though passed on too often
                                 envelope("alice", "bob", hops),        // passed on too often: takes no token
                                 envelope("alice", "full"),             // the token is gone with this one
                                 envelope("alice", "full"),             // over the rate, though full
                             });
  CHECK(receipt.decisions == Decisions{Decision::kMalformed, Decision::kMalformed, Decision::kTargetNotFound,
                                       Decision::kAuthzDenied, Decision::kAuthzDenied, Decision::kTargetNotFound,
                                       Decision::kExpired, Decision::kLoopDetected, Decision::kTargetOverloaded,
                                       Decision::kRateLimited});
  CHECK(receipt.retry_after[9] > 0);
  for (const auto& detail : receipt.details) CHECK_FALSE(detail.empty());
  CHECK(at.delivered.empty());
  CHECK(at.audited.size() == 10);
}

TEST_CASE("numbers decided before get their decision again, and nothing is delivered or audited twice") {
  TurnCase at;
  std::vector<std::string> three{envelope("alice", "bob"), envelope("alice", "nobody"), envelope("alice", "bob")};
  auto first = at.send({}, three);
  auto again = at.send({}, three);
  CHECK(again.decisions == first.decisions);
  CHECK(again.decisions == Decisions{Decision::kAllowed, Decision::kTargetNotFound, Decision::kAllowed});
  CHECK(at.delivered.empty());
  CHECK(at.audited.empty());
  CHECK(at.decider.result().counts().repeated == 3);
  // What was decided and what is new in one frame.
  auto overlap = at.send({.first = 3}, {envelope("alice", "bob"), envelope("alice", "carol")});
  CHECK(overlap.decisions == Decisions{Decision::kAllowed, Decision::kAllowed});
  REQUIRE(at.delivered.size() == 1);
  CHECK(at.delivered[0].stream == "agent.stream:carol");
  REQUIRE(at.audited.size() == 1);
  CHECK(at.audited[0].sequence == 4);
}

TEST_CASE("copies of a frame in one turn are decided once") {
  TurnCase at;
  for (int i = 0; i < 50; ++i) at.push({}, {envelope("alice", "bob"), envelope("alice", "nobody")});
  at.decide();
  for (size_t i = 0; i < 50; ++i)
    CHECK(at.receipt(i).decisions == Decisions{Decision::kAllowed, Decision::kTargetNotFound});
  at.keep_results();
  REQUIRE(at.delivered.size() == 1);
  CHECK(at.delivered[0].envelopes.size() == 1);
  CHECK(at.audited.size() == 2);
  CHECK(at.decider.result().work()[0]->elements == 50);
}

TEST_CASE("a gap decides nothing and is told what is missing") {
  TurnCase at;
  at.send({}, {envelope("alice", "bob")});
  auto gap = at.send({.first = 5}, {envelope("alice", "bob")});
  CHECK(gap.kind == ReceiptKind::kResendFrom);
  CHECK(gap.sequence == 2);
  CHECK(at.delivered.empty());
  CHECK(at.audited.empty());
  CHECK(at.send({.first = 2}, {envelope("alice", "bob")}).decisions == Decisions{Decision::kAllowed});
}

TEST_CASE("an instance that begins with a gap leaves nothing to remember") {
  TurnCase at;
  for (int i = 0; i < 20; ++i) {
    auto gap = at.send({.instance = new_instance_id(), .first = 7}, {envelope("alice", "bob")});
    CHECK(gap.kind == ReceiptKind::kResendFrom);
    CHECK(gap.sequence == 1);
    CHECK(at.decider.result().work()[0]->elements == 1);
    CHECK(at.decider.result().work()[0]->fields.empty());
  }
  CHECK(at.partitions[TurnCase::partition_of("alice")]->sender("alice").instances.empty());
}

TEST_CASE("instances of a sender count apart, their limit together") {
  TurnCase at;
  at.add("alice", [](AgentFacts& agent) { agent.limits = {.per_minute = 3}; });
  CHECK(at.send({.instance = id_of(1)}, {envelope("alice", "bob"), envelope("alice", "bob")}).decisions ==
        Decisions{Decision::kAllowed, Decision::kAllowed});
  CHECK(at.send({.instance = id_of(2)}, {envelope("alice", "bob"), envelope("alice", "bob")}).decisions ==
        Decisions{Decision::kAllowed, Decision::kRateLimited});
  at.now += 20'000'000;
  CHECK(at.send({.instance = id_of(2), .first = 3}, {envelope("alice", "bob")}).decisions ==
        Decisions{Decision::kAllowed});
}

TEST_CASE("too many instances of a sender are unavailable, those that are known go on") {
  TurnCase at;
  Sender& sender = at.partitions[TurnCase::partition_of("alice")]->sender("alice");
  at.send({}, {envelope("alice", "bob")});
  for (int i = 0; i < 5000; ++i) sender.instances.try_emplace("instance " + std::to_string(i));
  auto refused = at.send({.instance = id_of(9)}, {envelope("alice", "bob")});
  CHECK(refused.kind == ReceiptKind::kFrameRefused);
  CHECK(refused.decisions == Decisions{Decision::kUnavailable});
  CHECK(at.send({.first = 2}, {envelope("alice", "bob")}).decisions == Decisions{Decision::kAllowed});
}

TEST_CASE("a frame that is not its sender's is refused whole: no number used, one record") {
  TurnCase at;
  Sent sent;
  Decision expected = Decision::kAuthFailed;
  SECTION("another token") { sent.token = "token of bob"; }
  SECTION("a sender that nobody knows") { sent.sender = "mallory", sent.token = "token of mallory"; }
  SECTION("too old") { sent.timestamp = at.now - 301'000'000, expected = Decision::kReplayed; }
  SECTION("from the future") { sent.timestamp = at.now + 301'000'000, expected = Decision::kReplayed; }
  auto refused = at.send(sent, {envelope(sent.sender, "bob"), envelope(sent.sender, "bob")});
  CHECK(refused.kind == ReceiptKind::kFrameRefused);
  CHECK(refused.decisions == Decisions{expected});
  CHECK(at.delivered.empty());
  REQUIRE(at.audited.size() == 1);
  CHECK(at.audited[0].decision == expected);
  CHECK(at.decider.result().work()[0]->fields.empty());
  CHECK(at.send({}, {envelope("alice", "bob")}).decisions == Decisions{Decision::kAllowed});
}

TEST_CASE("a stranger's frame makes the gateway look at nobody but him") {
  TurnCase at;
  std::vector<std::string> many;
  for (int i = 0; i < 500; ++i) many.push_back(envelope("alice", "target" + std::to_string(i)));
  at.send({.token = "guessed"}, many);
  CHECK(at.agents_read == std::vector<std::string>{"alice"});
  CHECK(at.lengths_read.empty());
  CHECK(at.facts.size() == 1);
}

TEST_CASE("a frame in another's partition is refused before anything is looked at") {
  TurnCase at;
  at.batch.append((TurnCase::partition_of("alice") + 1) % kPartitions, at.frame({}, {envelope("alice", "bob")}));
  at.decide();
  CHECK(at.receipt().decisions == Decisions{Decision::kUnavailable});
  CHECK(at.agents_read.empty());
  at.keep_results();
  CHECK(at.delivered.empty());
  CHECK(at.audited.size() == 1);
}

TEST_CASE("poison is kept apart from dead letters, audited and trimmed, the head of it where it is large") {
  TurnCase at;
  at.batch.append(0, "");
  at.batch.append(0, "no frame");
  at.batch.append(0, std::string(2'000'000, '\1'));
  at.decide(1000, 100'000'000);
  CHECK(at.decider.result().work()[0]->elements == 3);
  CHECK(at.decider.result().counts().poison == 3);
  CHECK(at.decider.result().receipts().empty());
  CHECK(at.decider.result().dead_letters().empty());
  REQUIRE(at.decider.result().unproven().size() == 3);
  CHECK(at.decider.result().unproven()[1].payload == "no frame");
  CHECK(at.decider.result().unproven()[1].reason.starts_with("sender not proven: frame: "));
  CHECK(at.decider.result().unproven()[2].payload.size() == 4096);
  CHECK(at.decider.result().unproven()[2].reason.find("of 2000000") != std::string::npos);
  at.keep_results();
  CHECK(at.audited.size() == 3);

  at.commit();
  at.decider.keep_unproven(false);  // its stream has just refused one
  at.batch.append(0, "no frame");
  at.decide();
  at.keep_results();
  CHECK(at.decider.result().unproven().empty());
  CHECK(at.audited.size() == 1);
  CHECK(at.decider.result().counts().not_kept == 1);
}

TEST_CASE("a header that can be read gets a receipt, also when what follows cannot") {
  TurnCase at;
  std::string frame = at.frame({}, {envelope("alice", "bob")});
  at.batch.append(TurnCase::partition_of("alice"), frame.substr(0, frame.size() - 1));
  at.decide();
  CHECK(at.receipt().kind == ReceiptKind::kFrameRefused);
  CHECK(at.receipt().decisions == Decisions{Decision::kMalformed});
  CHECK(at.receipt().channel == at.keys.receipts("alice", id_of(0xa1).hex()));
}

TEST_CASE("short of memory, every frame is unavailable: nothing is read, written or remembered") {
  TurnCase at;
  at.policy.memory_low = true;
  at.decider.set_policy(at.policy);
  at.push({}, {envelope("alice", "bob")});
  at.batch.append(1, "no frame");
  CHECK(at.decide() == 0);
  CHECK(at.receipt().decisions == Decisions{Decision::kUnavailable});
  CHECK(at.decider.result().dead_letters().empty());
  for (const auto* work : at.decider.result().work()) {
    CHECK(work->elements == 1);
    CHECK(work->block.bytes.empty());
    CHECK(work->fields.empty());
  }
  at.commit();
  at.policy.memory_low = false;
  at.decider.set_policy(at.policy);
  CHECK(at.send({}, {envelope("alice", "bob")}).decisions == Decisions{Decision::kAllowed});
}

TEST_CASE("targets that are not there, take no part, or are away") {
  TurnCase at;
  at.add("p2p", [](AgentFacts& agent) { agent.gateway_mode = false; });
  at.add("away", [](AgentFacts& agent) { agent.active = false; });
  at.add("admitted", [](AgentFacts& agent) {
    agent.registered = agent.gateway_mode = agent.active = false;
    agent.secrets.found = SenderSecrets::Found::kReadable;
  });
  at.add("revoked", [](AgentFacts& agent) {
    agent.registered = false;
    agent.secrets.found = SenderSecrets::Found::kReadable;
    agent.secrets.state = IdentityState::kRevoked;
    agent.has_stream = true;
  });
  at.add("stopped", [](AgentFacts& agent) {
    agent.registered = agent.gateway_mode = agent.active = false;
    agent.has_stream = true;
  });
  std::vector<std::string> sent;
  for (const char* target : {"nobody", "p2p", "revoked", "away", "admitted", "stopped", "bob"})
    sent.push_back(envelope("alice", target));
  CHECK(at.send({}, sent).decisions ==
        Decisions{Decision::kTargetNotFound, Decision::kTargetNotFound, Decision::kTargetNotFound,
                  Decision::kQueuedOffline, Decision::kQueuedOffline, Decision::kQueuedOffline, Decision::kAllowed});
  at.check_ledger();
}

TEST_CASE("lanes are streams of their own; a lane that is none is the normal one") {
  TurnCase at;
  std::vector<std::string> sent;
  for (const char* lane : {"critical", "high", "normal", "low", "bulk", "no such"})
    sent.push_back(envelope("alice", "bob", R"("priority":")" + std::string(lane) + '"'));
  at.send({}, sent);
  std::map<std::string, size_t> counts;
  for (const auto& one : at.delivered) counts[one.stream] += one.envelopes.size();
  CHECK(counts == std::map<std::string, size_t>{{"agent.stream:bob", 2},
                                                {"agent.stream:bob:bulk", 1},
                                                {"agent.stream:bob:critical", 1},
                                                {"agent.stream:bob:high", 1},
                                                {"agent.stream:bob:low", 1}});
}

TEST_CASE("what goes to one stream in a turn is one entry, up to its bounds, in order") {
  TurnCase at;
  std::string big = R"({"x":")" + std::string(400'000, 'x') + "\"}";
  at.push({.instance = id_of(1)}, {envelope("alice", "bob", {}, big)});
  at.push({.sender = "carol", .instance = id_of(2), .token = "token of carol"},
          {envelope("carol", "bob"), envelope("carol", "alice")});
  at.push({.instance = id_of(1), .first = 2}, {envelope("alice", "bob", {}, big), envelope("alice", "bob")});
  at.push({.instance = id_of(1), .first = 4}, {envelope("alice", "bob", {}, big)});
  at.decide(1000, 100'000'000);
  at.keep_results();
  REQUIRE(at.delivered.size() == 3);
  CHECK(at.delivered[0].stream == "agent.stream:bob");
  CHECK(at.delivered[0].envelopes.size() == 4);
  CHECK(at.delivered[1].stream == "agent.stream:alice");
  CHECK(at.delivered[2].stream == "agent.stream:bob");
  CHECK(at.delivered[2].envelopes.size() == 1);
  at.check_ledger();
}

TEST_CASE("a turn takes about so many messages and bytes; the rest stays in the list") {
  TurnCase at;
  for (uint64_t i = 0; i < 10; ++i)
    at.push({.first = 1 + 3 * i}, {envelope("alice", "bob"), envelope("alice", "bob"), envelope("alice", "bob")});
  SECTION("by messages") {
    at.decide(7);
    CHECK(at.decider.result().work()[0]->elements == 3);
    CHECK(at.decider.result().counts().messages == 9);
  }
  SECTION("by bytes") {
    at.decide(1000, at.frame({}, std::vector<std::string>(3, envelope("alice", "bob"))).size() + 1);
    CHECK(at.decider.result().work()[0]->elements == 2);
  }
  SECTION("one element at least") {
    at.decide(1, 0);
    CHECK(at.decider.result().work()[0]->elements == 1);
  }
}

TEST_CASE("a length that could not be read is asked for again") {
  TurnCase at;
  at.lengths["agent.stream:bob"] = at.policy.max_backlog_records;
  std::vector<Partition*> owned;
  for (auto& partition : at.partitions) owned.push_back(partition.get());
  at.push({}, {envelope("alice", "bob")});
  at.batch.decode(1000, 1'000'000);
  std::vector<TargetStream*> inboxes;
  for (int round = 0; round < 2; ++round) {
    at.decider.start(owned, at.now, at.mono);
    at.decider.need_some(at.batch, inboxes, MonoTime::max());
    for (const auto& wanted : at.facts.take_wanted()) at.answer(wanted);
  }
  CHECK(inboxes.size() == 1);
  at.facts.abandon();  // the link is lost
  at.batch.start();
  CHECK(at.send({}, {envelope("alice", "bob")}).decisions == Decisions{Decision::kTargetOverloaded});
}

TEST_CASE("in shadow mode a denial is counted and audited, and the message goes on") {
  TurnCase at;
  at.policy.authorisation = at.policy.limits = Mode::kShadow;
  at.decider.set_policy(at.policy);
  at.add("alice", [](AgentFacts& agent) {
    agent.rules = rules({"carol"});
    agent.limits = {.per_minute = 1};
  });
  auto receipt = at.send({}, {envelope("alice", "carol"), envelope("alice", "bob"), envelope("alice", "carol"),
                              envelope("alice", "nobody")});
  CHECK(receipt.decisions ==
        Decisions{Decision::kAllowed, Decision::kAllowed, Decision::kAllowed, Decision::kTargetNotFound});
  REQUIRE(at.audited.size() == 4);
  CHECK_FALSE(at.audited[0].shadow);
  CHECK(at.audited[1].shadow == Decision::kAuthzDenied);  // the first one
  CHECK(at.audited[2].shadow == Decision::kRateLimited);
  CHECK(at.audited[3].decision == Decision::kTargetNotFound);
  CHECK(at.audited[3].shadow == Decision::kAuthzDenied);
  CHECK(at.decider.result().counts().shadow == 4);
  at.check_ledger();
}

TEST_CASE("limits that cannot be read let nothing pass; those that are off are not asked") {
  TurnCase at;
  at.add("alice", [](AgentFacts& agent) { agent.limits_problem = "per_minute is 'many'"; });
  CHECK(at.send({}, {envelope("alice", "bob")}).decisions == Decisions{Decision::kRateLimited});
  at.policy.limits = Mode::kOff;
  at.decider.set_policy(at.policy);
  CHECK(at.send({.first = 2}, {envelope("alice", "bob")}).decisions == Decisions{Decision::kAllowed});
}

TEST_CASE("what is remembered survives the owner: written fields load into the same decisions") {
  TurnCase at;
  at.add("alice", [](AgentFacts& agent) { agent.limits = {.per_minute = 2}; });
  std::vector<std::string> sent(3, envelope("alice", "bob"));
  auto first = at.send({}, sent);
  std::vector<std::pair<std::string, std::string>> fields;
  Partition& before = *at.partitions[TurnCase::partition_of("alice")];
  for (const auto& [name, value] : at.decider.result().work()[0]->fields) fields.emplace_back(name, value);
  CHECK(fields.size() == 2);
  std::vector<std::pair<std::string_view, std::string_view>> views(fields.begin(), fields.end());
  before.forget();
  REQUIRE(before.load_senders(views, at.keys).ok());
  CHECK(at.send({}, sent).decisions == first.decisions);
  CHECK(at.delivered.empty());
  CHECK(at.send({.first = 4}, {envelope("alice", "bob")}).decisions == Decisions{Decision::kRateLimited});
}

TEST_CASE("random traffic: every accepted message is delivered and audited once, in order") {
  TurnCase at;
  at.add("dave", [](AgentFacts& agent) { agent.active = false; });
  std::mt19937 random(31);
  const std::string senders[] = {"alice", "bob", "carol"}, targets[] = {"alice", "bob", "carol", "dave", "nobody"};
  std::map<std::string, uint64_t> next;
  std::map<std::string, std::vector<std::string>> expected, streams;
  uint64_t number = 0;
  for (int turn = 0; turn < 60; ++turn) {
    for (int frames = 0; frames < 10; ++frames) {
      const std::string& sender = senders[random() % 3];
      auto instance = static_cast<unsigned char>(1 + random() % 2);
      uint64_t& last = next.try_emplace(sender + std::to_string(instance), 0).first->second;
      std::vector<std::string> envelopes;
      size_t count = 1 + random() % 5;
      bool gap = random() % 8 == 0;
      for (size_t i = 0; i < count; ++i) {
        const std::string& target = targets[random() % 5];
        envelopes.push_back(envelope(sender, target, {}, R"({"n":)" + std::to_string(++number) + "}"));
        if (!gap && target != "nobody") expected["agent.stream:" + target].push_back(envelopes.back());
      }
      Sent sent{
          .sender = sender, .instance = id_of(instance), .first = last + (gap ? 2 : 1), .token = "token of " + sender};
      at.push(sent, envelopes);
      if (!gap) last += count;
      if (random() % 4 == 0) at.push(sent, envelopes);  // and again
    }
    at.decide(100'000, 100'000'000);
    at.keep_results();
    at.check_ledger();
    for (const auto& one : at.delivered)
      streams[one.stream].insert(streams[one.stream].end(), one.envelopes.begin(), one.envelopes.end());
    at.commit();
  }
  CHECK(streams == expected);
}

TEST_CASE("what a payload holds is blocked, masked or told, after the limits and before the backlog") {
  TurnCase at;
  auto rules = dlp::Rules::standard();
  REQUIRE(rules.ok());
  auto stage = dlp::ContentStage::make(*rules, std::nullopt, at.payload_key, limits::kEnvelopeBytes);
  REQUIRE(stage.ok());
  auto with = [](std::string_view data) { return envelope("alice", "bob", {}, data); };
  at.policy.dlp = Mode::kEnforce;
  at.decider.set_policy(at.policy);
  auto unseen = at.send({}, {with("{}")});
  CHECK(unseen.decisions == Decisions{Decision::kUnavailable});  // the stage could not be made
  CHECK(at.delivered.empty());
  at.decider.set_dlp(stage->get());
  auto receipt = at.send({.first = 2}, {with(R"({"card":"4111111111111111"})"), with(R"({"ssn":"219-45-9876"})"),
                                        with(R"({"to":"bob@example.com"})"), with("{}")});
  CHECK(receipt.decisions ==
        Decisions{Decision::kDlpBlocked, Decision::kRedacted, Decision::kAllowed, Decision::kAllowed});
  REQUIRE(at.delivered.size() == 1);
  CHECK(at.delivered[0].envelopes ==
        std::vector<std::string>{with(R"({"ssn":"XXX-XX-9876"})"), with(R"({"to":"bob@example.com"})"), with("{}")});
  at.check_ledger();
  CHECK((*stage)->counts()[static_cast<size_t>(dlp::Type::credit_card)][static_cast<size_t>(dlp::Action::kBlock)] == 1);

  at.policy.dlp = Mode::kShadow;
  at.decider.set_policy(at.policy);
  receipt = at.send({.first = 6}, {with(R"({"card":"4111111111111111"})"), with(R"({"ssn":"219-45-9876"})")});
  CHECK(receipt.decisions == Decisions{Decision::kAllowed, Decision::kAllowed});
  CHECK(at.decider.result().counts().shadow == 1);
}
