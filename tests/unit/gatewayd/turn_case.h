// What the tests of the turn share: agents whose facts are set by hand, frames as a sender makes them, a turn from
// need() to finish(), and readers of what came out. Time is simulated.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "daemons/gatewayd/turn/decider.h"
#include "proto/base/bytes.h"
#include "tests/unit/catch.h"

namespace mas::gateway::test {

using namespace std::chrono_literals;

inline constexpr size_t kPartitions = 4;

inline Id128 id_of(unsigned char fill) {
  Id128 id;
  id.bytes.fill(fill);
  return id;
}

inline SenderRules rules(std::initializer_list<std::string_view> allowed,
                         std::initializer_list<std::string_view> blocked = {}) {
  const std::vector<std::string_view> may(allowed), may_not(blocked);
  return parse_rules(may, may_not, {});
}

/// The entry as it is written.
inline std::string blob_of(const Delivery& delivery) {
  std::string blob;
  for (auto piece : delivery.pieces) blob.append(piece);
  CHECK(blob.size() == delivery.bytes);
  return blob;
}

inline std::string envelope(std::string_view sender, std::string_view target, std::string_view meta = {},
                            std::string_view data = "{}") {
  std::string json = R"({"sender_id":")" + std::string(sender) + R"(","target_id":")" + std::string(target);
  json += R"(","message_type":"note","data":)" + std::string(data) + R"(,"meta":{"version":1)";
  if (!meta.empty()) json.append(",").append(meta);
  return json + R"(},"timestamp":1.5,"message_id":"m1"})";
}

struct Sent {
  std::string sender = "alice";
  Id128 instance = id_of(0xa1);
  uint64_t first = 1;
  std::string token = "token of alice";
  std::string ticket{};
  uint8_t flags = 0;
  WallMicros timestamp = 0;  ///< 0: now
};

using Decisions = std::vector<Decision>;

/// One decided turn as tests look at it.
struct Outcomes {
  ReceiptKind kind{};
  uint64_t sequence = 0;
  std::vector<Decision> decisions;  ///< of each number
  std::vector<std::string> details;
  std::vector<uint32_t> retry_after;
  std::string channel;
};

struct TurnCase {
  Keys keys;
  Facts facts{keys};
  TicketOffice tickets{HmacKey("tickets")};
  HmacKey payload_key{"payloads"}, replay_key{"replays"};
  Decider decider{keys, "", facts, {tickets, payload_key, replay_key}};
  Policy policy;
  Batch batch{limits::kEnvelopeBytes};
  std::vector<std::unique_ptr<Partition>> partitions;
  WallMicros now = 1'795'350'096'000'000;
  MonoTime mono{1h};
  MonoTime until = MonoTime::max();  ///< of a slice
  size_t slices = 0;                 ///< of the last turn
  size_t need_slices = 0;            ///< of looking for what it lacked
  size_t most_wanted = 0;            ///< agents and streams of one read
  unsigned most_reads = 4;
  std::map<std::string, uint64_t> lengths;    ///< of streams, as Redis would answer
  std::map<std::string, std::string> broken;  ///< streams whose length is an error
  std::vector<std::string> lengths_read;      ///< streams that were looked at in the last turn
  std::vector<std::string> agents_read;       ///< agents that were looked at in the last turn
  std::map<std::string, std::function<void(AgentFacts&)>> agents;
  std::map<std::string, Circuit> circuits;                ///< as Redis holds them
  std::map<std::string, std::vector<std::string>> roles;  ///< their permissions
  std::map<std::string, std::string> entries;             ///< blobs, by stream and id: `agent.stream:bob 1-0`
  std::set<std::string> unreadable;                       ///< likewise: what Redis answers with an error
  size_t entries_read = 0;                                ///< in the last turn
  std::vector<std::string> spent;                         ///< entries that the last send() took away, likewise
  std::map<std::string, WallMicros> waiting;              ///< members of the sets of retries, with when they are due

  TurnCase() {
    for (unsigned p = 0; p < kPartitions; ++p) {
      partitions.push_back(std::make_unique<Partition>(p, keys));
      partitions.back()->epoch = "1";
      partitions.back()->epoch_number = 1;
    }
    for (const char* id : {"alice", "bob", "carol"}) add(id);
    decider.set_policy(policy);
  }

  /// An agent that Redis knows: active, in gateway mode, with a token in its registry entry.
  void add(const std::string& id, std::function<void(AgentFacts&)> more = {}) {
    agents[id] = [id, more](AgentFacts& agent) {
      agent.registered = agent.gateway_mode = agent.active = true;
      agent.secrets.registry_token = token_hash("token of " + id);
      if (more) more(agent);
    };
  }

  static unsigned partition_of(std::string_view sender) { return mas::partition_of(sender, kPartitions); }

  std::string frame(const Sent& sent, const std::vector<std::string>& envelopes) const {
    FrameHeader header;
    header.id = id_of(0xf1);
    header.instance = sent.instance;
    header.first_sequence = sent.first;
    header.timestamp = sent.timestamp != 0 ? sent.timestamp : now;
    header.sender = sent.sender;
    header.credential = sent.token;
    std::string records, bytes;
    for (const auto& text : envelopes) append_record(records, text, sent.ticket, sent.flags);
    append_frame(bytes, header, nullptr, static_cast<uint32_t>(envelopes.size()), records);
    return bytes;
  }

  void push(const Sent& sent, const std::vector<std::string>& envelopes) {
    batch.append(partition_of(sent.sender), frame(sent, envelopes));
  }

  void answer(const Facts::Wanted& wanted) {
    AgentFacts& agent = *wanted.agent;
    agents_read.push_back(agent.id);
    if ((wanted.groups & kCircuit) != 0) agent.breaker.learn(circuits[agent.id], policy.breaker);
    if (auto it = agents.find(agent.id); it != agents.end()) it->second(agent);
    for (Group group : {kPresence, kIdentity, kRules, kLimits, kCircuit})
      if ((wanted.groups & group) != 0) facts.finish(agent, group);
  }

  void answer(TargetStream& inbox) {
    lengths_read.push_back(inbox.key);
    inbox.measured(lengths[inbox.key], mono);
    if (!broken.contains(inbox.key)) return;
    inbox.failing = broken[inbox.key];
    inbox.failing_until = mono + 5s;
  }

  void answer(ReportedEntry& entry) {
    std::string where = keys.inbox(entry.agent, entry.lane, 0) + " " + std::string(entry.id);
    auto found = entries.find(where);
    entry.failed = unreadable.contains(where);
    ++entries_read;
    if (found != entries.end()) entry.blob = found->second;
    entry.known = true;
  }

  /// Decides what was pushed. @return how many reads it took.
  unsigned decide(size_t messages = 1000, size_t bytes = 1024 * 1024) {
    std::vector<Partition*> owned;
    for (auto& partition : partitions) owned.push_back(partition.get());
    batch.decode(messages, bytes);
    std::vector<TargetStream*> inboxes;
    lengths_read.clear();
    agents_read.clear();
    entries_read = 0;
    unsigned reads = 0;
    need_slices = most_wanted = 0;
    for (;; ++reads) {
      REQUIRE(reads < most_reads);
      decider.start(owned, now, mono);
      facts.hold();
      for (++need_slices; !decider.need_some(batch, inboxes, until); ++need_slices) continue;
      auto wanted = facts.take_wanted();
      most_wanted = std::max({most_wanted, wanted.size(), inboxes.size()});
      auto wanted_roles = facts.take_wanted_roles();
      if (wanted.empty() && inboxes.empty() && wanted_roles.empty() && decider.wanted_entries().empty()) break;
      for (ReportedEntry* entry : decider.wanted_entries()) answer(*entry);
      for (const auto& one : wanted) answer(one);
      for (const auto& name : wanted_roles)
        facts.finish(Role::parse(name, std::vector<std::string_view>(roles[name].begin(), roles[name].end())));
      for (TargetStream* inbox : inboxes) answer(*inbox);
    }
    for (slices = 1; !decider.decide_some(batch, until); ++slices) continue;
    decider.finish();
    facts.end_turn();
    return reads;
  }

  /// Redis took the commit.
  void commit() {
    for (const CircuitChange& change : decider.circuit_changes()) {
      Circuit& held = circuits[std::string(change.id)];
      if (held.generation == change.from) held = change.circuit;
      facts.changed(keys.circuit(change.id));
    }
    for (const auto* work : decider.result().work())
      for (const RetryChange& change : work->retries) {
        if (change.due)
          waiting[std::string(change.member)] = *change.due;
        else
          CHECK(waiting.erase(std::string(change.member)) == 1);
      }
    SealedTurn sealed;
    decider.seal(sealed);
    if (!sealed.deliveries.empty()) last_delivery = sealed.deliveries.back().inbox;
    decider.committed(sealed);
  }

  Outcomes receipt(size_t index = 0) const {
    REQUIRE(index < decider.result().receipts().size());
    const PendingReceipt& pending = decider.result().receipts()[index];
    ReceiptMessage message;
    REQUIRE(decode_receipt(pending.bytes, message).ok());
    CHECK(message.frame == id_of(0xf1));
    Outcomes outcomes{message.kind, message.sequence, {}, {}, {}, std::string(pending.channel)};
    outcomes.decisions.resize(std::max<size_t>(message.count, message.outcomes.size()), Decision::kAllowed);
    outcomes.details.resize(outcomes.decisions.size());
    outcomes.retry_after.resize(outcomes.decisions.size());
    for (const Outcome& outcome : message.outcomes) {
      REQUIRE(outcome.offset < outcomes.decisions.size());
      outcomes.decisions[outcome.offset] = outcome.decision;
      outcomes.details[outcome.offset] = outcome.detail;
      outcomes.retry_after[outcome.offset] = outcome.retry_after_ms;
    }
    return outcomes;
  }

  /// One frame, decided and committed. @return its receipt.
  Outcomes send(const Sent& sent, const std::vector<std::string>& envelopes) {
    push(sent, envelopes);
    decide();
    Outcomes outcomes = receipt();
    keep_results();
    commit();
    return outcomes;
  }

  struct Delivered {
    std::string stream;
    std::vector<std::string> envelopes;
    std::vector<std::string> tickets;
    std::vector<std::string> retries;  ///< encoded states
  };
  std::vector<Delivered> delivered;       ///< by the last send()
  TargetStream* last_delivery = nullptr;  ///< where the last that was committed went
  std::vector<std::string> dead;          ///< reasons
  struct Audited {
    std::string sender, target, reason;
    Decision decision;
    uint64_t sequence;
    std::optional<Decision> shadow;
  };
  std::vector<Audited> audited;

  void keep_results() {
    delivered.clear();
    dead.clear();
    audited.clear();
    spent.clear();
    for (const auto* work : decider.result().work())
      for (const SpentEntry& entry : work->spent)
        spent.push_back(std::string(entry.stream) + " " + std::string(entry.id));
    for (const Delivery& delivery : decider.result().deliveries()) {
      Delivered one{std::string(delivery.key), {}, {}, {}};
      const std::string blob = blob_of(delivery);
      auto records = records_of_entry(blob);
      REQUIRE(records.ok());
      RecordReader reader(*records);
      for (Record record; reader.next(record);) {
        one.envelopes.emplace_back(record.envelope);
        one.tickets.emplace_back(record.ticket);
        one.retries.emplace_back(record.retry);
      }
      REQUIRE(reader.status().ok());
      CHECK(one.envelopes.size() == delivery.records);
      delivered.push_back(std::move(one));
    }
    for (const DeadLetter& letter : decider.result().dead_letters()) dead.push_back(letter.reason);
    for (const PartitionWork* work : decider.result().work()) {
      if (work->block.bytes.empty()) continue;
      audit::Block block;
      REQUIRE(audit::decode_block(work->block.bytes, block).ok());
      for (const auto& record : block.records) {
        std::optional<Decision> shadow;
        if (record.shadow) shadow = record.shadow->decision;
        audited.push_back({std::string(record.sender), std::string(record.target), std::string(record.reason),
                           record.decision, record.sequence, shadow});
      }
    }
  }

  /// What is kept of each element: nothing delivered without its record, nothing recorded as accepted and not
  /// delivered.
  void check_ledger() const {
    size_t deliveries = 0, accepted = 0;
    for (const auto& one : delivered) deliveries += one.envelopes.size();
    for (const auto& one : audited) accepted += decision_accepted(one.decision) ? 1 : 0;
    CHECK(deliveries == accepted);
  }
};

}  // namespace mas::gateway::test
