// The batch: what is read of elements, frames and envelopes, and what is wrong with those that cannot be delivered.
#include "daemons/gatewayd/turn/batch.h"

#include <map>
#include <memory>

#include "daemons/gatewayd/audit/block.h"
#include "proto/wire/limits.h"
#include "tests/unit/gatewayd/turn_case.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

namespace {

constexpr size_t kAll = SIZE_MAX;

struct BatchCase {
  TurnCase turn;
  Batch& batch = turn.batch;

  /// The one message of a frame by alice.
  const Message& decoded(const std::string& text, const Sent& sent = {}) {
    batch.start();
    batch.append(0, turn.frame(sent, {text}));
    batch.decode(kAll, kAll);
    REQUIRE(batch.messages().size() == 1);
    return batch.messages()[0];
  }
  Decision fault(const std::string& text, const Sent& sent = {}) {
    const Message& message = decoded(text, sent);
    REQUIRE(message.fault);
    CHECK_FALSE(message.fault->text.empty());
    return message.fault->decision;
  }
};

}  // namespace

TEST_CASE("what decisions need is read of an envelope") {
  BatchCase at;
  const Message& message = at.decoded(envelope("alice", "bob",
                                               R"("correlation_id":"c\u0031","expects_reply":true,"is_reply":true,)"
                                               R"("deadline":12.5,"hops":3,"priority":"high")"));
  CHECK_FALSE(message.fault);
  CHECK(message.target == "bob");
  CHECK(message.type == "note");
  CHECK(message.id == "m1");
  CHECK(message.correlation_id == "c1");
  CHECK(message.deadline == 12.5);
  CHECK(message.hops == 3);
  CHECK(message.wanted == Lane::kHigh);
  CHECK(message.is_reply);
  CHECK(message.expects_reply);
}

TEST_CASE("views stay what they are while further elements are decoded") {
  BatchCase at;
  std::vector<std::string> sent;
  for (int i = 0; i < 300; ++i)
    sent.push_back(
        envelope("alice", "target" + std::to_string(i), R"("correlation_id":"c\u00e4)" + std::to_string(i) + '"'));
  for (int turn = 0; turn < 3; ++turn) {
    at.batch.start();
    for (uint64_t i = 0; i < 3; ++i)
      at.batch.append(static_cast<unsigned>(i),
                      at.turn.frame({.first = 1 + 100 * i}, {sent.begin() + static_cast<long>(100 * i),
                                                             sent.begin() + static_cast<long>(100 * (i + 1))}));
    at.batch.decode(kAll, kAll);
    REQUIRE(at.batch.frames().size() == 3);
    REQUIRE(at.batch.messages().size() == 300);
    for (size_t i = 0; i < 300; ++i) {
      REQUIRE(at.batch.messages()[i].envelope == sent[i]);
      REQUIRE(at.batch.messages()[i].target == "target" + std::to_string(i));
      REQUIRE(at.batch.messages()[i].correlation_id == "c\u00e4" + std::to_string(i));
    }
    for (const FrameInTurn& frame : at.batch.frames()) {
      CHECK(frame.header.sender == "alice");
      CHECK(frame.header.first_sequence == 1 + frame.first);
      CHECK(frame.count == 100);
      CHECK(at.batch.records_of(frame)[99].envelope == sent[frame.first + 99]);
    }
  }
}

TEST_CASE("a turn is decoded in slices, while what is read for the next one comes in") {
  BatchCase at;
  auto frame = [&](uint64_t first) {
    return at.turn.frame({.first = first}, {envelope("alice", "bob"), envelope("alice", "bob")});
  };
  at.batch.start();
  for (uint64_t i = 0; i < 3; ++i) at.batch.append(1, frame(1 + 2 * i));
  at.batch.begin(kAll, kAll);
  CHECK(at.batch.empty());  // nothing for the next turn yet
  CHECK_FALSE(at.batch.decode_some(MonoTime::min()));
  CHECK(at.batch.frames().size() == 1);  // at least one, however late it is

  at.batch.start();
  at.batch.append(0, frame(101));
  at.batch.append(1, frame(201));
  unsigned slices = 1;
  while (!at.batch.decode_some(MonoTime::min())) ++slices;
  CHECK(slices == 3);
  REQUIRE(at.batch.frames().size() == 3);
  CHECK(at.batch.elements_of(0) == 0);
  CHECK(at.batch.elements_of(1) == 3);
  CHECK(at.batch.elements_of(2) == 0);
  CHECK(at.batch.messages().size() == 6);
  CHECK(at.batch.frames()[2].header.first_sequence == 5);

  at.batch.decode(kAll, kAll);
  REQUIRE(at.batch.frames().size() == 2);
  CHECK(at.batch.frames()[0].header.first_sequence == 101);
  CHECK(at.batch.frames()[1].header.first_sequence == 201);
  CHECK(at.batch.elements_of(0) == 1);
  CHECK(at.batch.elements_of(1) == 1);
}

TEST_CASE("a message that nobody could deliver has a fault, and its neighbours have none") {
  BatchCase at;
  CHECK(at.fault("") == Decision::kMalformed);
  CHECK(at.fault("{") == Decision::kMalformed);
  CHECK(at.fault(envelope("bob", "carol")) == Decision::kMalformed);
  CHECK(at.fault(envelope("alice", "bob", {}, "[]")) == Decision::kMalformed);
  CHECK(at.fault(envelope("alice", "bob", R"("hops":-1)")) == Decision::kMalformed);
  CHECK(at.fault(envelope("alice", "not an id")) == Decision::kTargetNotFound);
  CHECK(at.fault(envelope("alice", std::string(129, 'x'))) == Decision::kTargetNotFound);
  CHECK(at.fault(envelope("alice", std::string(600, 'x'))) == Decision::kTooLarge);
  CHECK(at.fault(envelope("alice", "bob", R"("correlation_id":")" + std::string(300, 'c') + '"')) ==
        Decision::kTooLarge);
  CHECK(at.fault(envelope("alice", "bob"), {.flags = Record::kReplayed}) == Decision::kMalformed);
  std::string large = envelope("alice", "bob", {}, R"({"x":")" + std::string(limits::kEnvelopeBytes, 'x') + "\"}");
  CHECK(at.fault(large) == Decision::kTooLarge);

  at.batch.start();
  at.batch.append(0, at.turn.frame({}, {envelope("alice", "bob"), "{", envelope("alice", "bob")}));
  at.batch.decode(kAll, kAll);
  CHECK_FALSE(at.batch.messages()[0].fault);
  CHECK(at.batch.messages()[1].fault);
  CHECK_FALSE(at.batch.messages()[2].fault);
}

TEST_CASE("an element that is no frame has a fault and no messages; what its header says is kept") {
  BatchCase at;
  std::string frame = at.turn.frame({}, {envelope("alice", "bob"), envelope("alice", "bob")});
  for (size_t size = 0; size < frame.size(); ++size) {
    at.batch.start();
    at.batch.append(2, frame.substr(0, size));
    at.batch.append(2, frame);
    at.batch.decode(kAll, kAll);
    REQUIRE(at.batch.frames().size() == 2);
    const FrameInTurn& cut = at.batch.frames()[0];
    REQUIRE(cut.fault);
    REQUIRE(cut.count == 0);
    REQUIRE(cut.element.size() == size);
    REQUIRE((cut.header.sender.empty() || cut.header.sender == "alice"));
    REQUIRE_FALSE(at.batch.frames()[1].fault);
    REQUIRE(at.batch.messages().size() == 2);
  }
}

TEST_CASE("a frame past its bounds is too large as a whole") {
  BatchCase at;
  auto decision = [&](const std::vector<std::string>& envelopes) {
    at.batch.start();
    at.batch.append(0, at.turn.frame({}, envelopes));
    at.batch.decode(kAll, kAll);
    const auto& fault = at.batch.frames()[0].fault;
    return fault ? fault->decision : Decision::kAllowed;
  };
  CHECK(decision(std::vector<std::string>(limits::kFrameRecords, "{}")) == Decision::kAllowed);
  CHECK(decision(std::vector<std::string>(limits::kFrameRecords + 1, "{}")) == Decision::kTooLarge);
  std::string half(limits::kFrameBytes / 2 - record_overhead(false), 'x');
  CHECK(decision({half, half}) == Decision::kAllowed);
  CHECK(decision({half, half + "x"}) == Decision::kTooLarge);
  CHECK(decision({half + half + half}) == Decision::kAllowed);  // alone, the envelope's own limit holds
}

TEST_CASE("as many elements are decoded as make a turn, and at least one") {
  BatchCase at;
  std::string frame = at.turn.frame({}, std::vector<std::string>(10, envelope("alice", "bob")));
  auto frames = [&](size_t messages, size_t bytes) {
    at.batch.start();
    for (int i = 0; i < 5; ++i) at.batch.append(0, frame);
    at.batch.decode(messages, bytes);
    return at.batch.frames().size();
  };
  CHECK(frames(kAll, kAll) == 5);
  CHECK(frames(0, kAll) == 0);
  CHECK(frames(1, kAll) == 1);
  CHECK(frames(10, kAll) == 1);
  CHECK(frames(11, kAll) == 2);
  CHECK(frames(kAll, 0) == 1);
  CHECK(frames(kAll, frame.size()) == 1);
  CHECK(frames(kAll, frame.size() + 1) == 2);
}

TEST_CASE("what the next turn has no room for is not kept, and the turn is the same") {
  TurnCase turn;
  const std::string small = turn.frame({}, {envelope("alice", "bob")});
  const std::string large = turn.frame({}, {envelope("alice", "bob") + std::string(1024 * 1024, ' ')});
  const size_t room = kPartitionBytes + 10 * small.size();
  Batch bounded(limits::kEnvelopeBytes, room), whole(limits::kEnvelopeBytes);
  for (Batch* batch : {&bounded, &whole}) {
    batch->start();
    for (int i = 0; i < 100; ++i) batch->append(3, large);
    for (int i = 0; i < 100'000; ++i) batch->append(1, small);
    batch->append_oversized(2, 1u << 30, small);
    batch->begin(kAll, room);
  }
  CHECK(whole.kept_bytes() > room + large.size());
  CHECK(bounded.kept_bytes() >= room);
  CHECK(bounded.kept_bytes() < room + large.size());
  bounded.decode_some(MonoTime::max());
  whole.decode_some(MonoTime::max());
  for (unsigned partition : {1, 2, 3}) CHECK(bounded.elements_of(partition) == whole.elements_of(partition));
  CHECK(bounded.messages().size() == whole.messages().size());
}

TEST_CASE("a partition gives a turn no more than its audit block holds; the others give theirs") {
  BatchCase at;
  auto frame_of = [&](size_t count, size_t padding) {
    return at.turn.frame({}, std::vector<std::string>(count, envelope("alice", "bob") + std::string(padding, ' ')));
  };
  auto frames = [&](const std::string& frame, unsigned number) {
    at.batch.start();
    for (unsigned partition : {3, 1})
      for (unsigned i = 0; i < number; ++i) at.batch.append(partition, frame);
    at.batch.decode(kAll, kAll);
    std::map<unsigned, size_t> of;
    for (const auto& one : at.batch.frames()) ++of[one.partition];
    CHECK(of.size() == 2);
    CHECK(of[1] == of[3]);
    return of[3];
  };
  CHECK(frames(frame_of(1000, 0), 4) == 4);
  CHECK(frames(frame_of(1000, 0), 6) == 4);
  CHECK(frames(frame_of(999, 0), 6) == 5);
  CHECK(frames(frame_of(1, 1024 * 1024), 6) == 4);  // a MiB and more of each
  CHECK(frames(frame_of(1000, 0), 9) == 4);
  at.batch.start();
  std::string large = frame_of(1, 1024 * 1024);
  for (int i = 0; i < 9; ++i) at.batch.append(3, large);
  at.batch.append(1, large);
  at.batch.decode(kAll, 5 * 1024 * 1024);  // what the first one does not give leaves room for the second
  CHECK(at.batch.frames().size() == 5);
  CHECK(at.batch.frames().back().partition == 1);
  static_assert(kPartitionMessages + limits::kFrameRecords + 1000 < audit::kBlockRecords, "with what is due");
}

TEST_CASE("of an element that is too large its head is there, and what it says about itself does not count") {
  BatchCase at;
  const std::string whole = at.turn.frame({}, {envelope("alice", "bob")});
  at.batch.start();
  at.batch.append_oversized(3, 400'000'000, whole);
  at.batch.append_oversized(4, 20'000'000, whole.substr(0, 30));
  at.batch.decode(kAll, kAll);
  REQUIRE(at.batch.frames().size() == 2);
  CHECK(at.batch.messages().empty());
  const FrameInTurn& frame = at.batch.frames()[0];
  REQUIRE(frame.fault);
  CHECK(frame.fault->decision == Decision::kTooLarge);
  CHECK(frame.fault->text.find("400000000 bytes") != std::string_view::npos);
  CHECK(frame.header.sender == "alice");
  CHECK(frame.element == whole);
  CHECK(at.batch.frames()[1].header.sender.empty());
  CHECK(at.batch.elements_of(3) == 1);
}

TEST_CASE("memory that was lent stays as it is while further turns are decoded, and is used again afterwards") {
  BatchCase at;
  const std::string sent = envelope("alice", "bob") + std::string(500, ' ');
  at.decoded(sent);
  const std::string_view view = at.batch.messages()[0].envelope;
  auto lent = std::make_unique<redis::Lent>(at.batch.lend());
  CHECK(lent->holds(view));
  CHECK_FALSE(lent->holds(sent));
  for (uint64_t turn = 2; turn < 5; ++turn)
    at.decoded(envelope("alice", "carol") + std::string(500, ' '), {.first = turn});
  CHECK(view == sent);
  CHECK_FALSE(lent->holds(at.batch.messages()[0].envelope));
  lent.reset();
  bool again = false;
  for (uint64_t turn = 5; turn < 8; ++turn) {
    at.decoded(sent, {.first = turn});
    again = again || at.batch.messages()[0].envelope.data() == view.data();
  }
  CHECK(again);
}
