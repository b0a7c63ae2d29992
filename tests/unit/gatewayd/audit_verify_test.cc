// The chain verifier: whatever is done to a chain, the first bad block is named, or what nothing anchors.
#include "daemons/gatewayd/audit/verify.h"

#include "tests/unit/catch.h"
#include "tests/unit/gatewayd/audit_chain.h"

using namespace mas;
using namespace mas::gateway::audit;
using namespace mas::gateway::audit::testing;

namespace {

Anchor anchor(const std::vector<Link>& chain, uint64_t number, bool trusted = true) {
  return {number, chain.at(number - 1).hash, kNow, trusted};
}

ChainReport verified(const std::vector<Link>& chain, const Anchors& anchors = {}, bool to_end = true) {
  ChainVerifier verifier(3);
  size_t i = 0;
  for (const Link& link : chain) verifier.add("1-" + std::to_string(++i), link.bytes);
  return verifier.finish(anchors, to_end);
}

void check_bad(const ChainReport& report, Fault fault, uint64_t block) {
  INFO(report.why);
  CHECK(fault_text(report.fault) == fault_text(fault));
  CHECK(report.bad_block == block);
  CHECK_FALSE(report.why.empty());
}

}  // namespace

TEST_CASE("a chain that fits is found in order, and its tail unanchored where no head names it") {
  auto chain = make_chain(1, 9);
  auto report = verified(chain);
  CHECK(report.ok());
  CHECK(report.blocks == 9);
  CHECK(report.records == 18);
  CHECK(report.first == 1);
  CHECK(report.last == 9);
  CHECK(report.unanchored_since() == 1);

  report = verified(chain, {{anchor(chain, 4), anchor(chain, 6)}, {}, {}});
  CHECK(report.ok());
  CHECK(report.anchored == 6);
  CHECK(report.unanchored_since() == 7);

  report = verified(chain, {{anchor(chain, 9)}, {}, {}});
  CHECK(report.unanchored_since() == 0);
  CHECK(verified({}).ok());
}

namespace {

/// Blocks 1 to 9, of which 5 to 9 are lost, and what was written over them. @param recorded whether it says so.
struct LostChain {
  std::vector<Link> before = make_chain(1, 9);
  std::vector<Link> now;
  LostBlocks lost{3, 5, 9, before[8].hash, before[3].hash, kNow + 60'000'000};

  explicit LostChain(bool recorded) : now(before.begin(), before.begin() + 4) {
    if (recorded) now.push_back(recording_block());
    for (const Link& link : make_chain(now.size() + 1, 7, now.back().hash, "planner-2")) now.push_back(link);
  }
  Link recording_block() const {
    BlockBuilder builder;
    builder.begin(3, 4, 5, before[3].hash, lost.time, {}, {});
    builder.add(lost_record(lost, lost_record_reason(lost)));
    auto finished = builder.finish();
    return {std::string(finished.bytes), finished.hash};
  }
  /// A head that was signed when the lost blocks were there.
  Anchor old(uint64_t number) const { return anchor(before, number); }
  Anchor later(uint64_t number) const { return {number, now[number - 1].hash, lost.time + 1'000'000'000'000, true}; }
};

}  // namespace

TEST_CASE("blocks that the chain says are lost are named, and heads that named them are no fault") {
  LostChain at(true);
  auto report = verified(at.now, {{at.old(3), at.old(8), at.later(6)}, {}, {}});
  INFO(report.why);
  CHECK(report.ok());
  CHECK(report.anchored == 6);
  REQUIRE(report.lost.size() == 1);
  CHECK(report.lost[0] == at.lost);
  // Without any head the chain is intact, and still it tells.
  report = verified(at.now);
  CHECK(report.ok());
  CHECK(report.lost.size() == 1);
}

TEST_CASE("blocks that a signed head says are lost are named once, and the range grows to what heads had named") {
  LostChain at(true);
  LostBlocks known = at.lost;
  known.last = 7;
  known.hash = at.before[6].hash;
  auto report = verified(at.now, {{at.old(9), at.later(7)}, {}, {{known, true}}});
  CHECK(report.ok());
  REQUIRE(report.lost.size() == 1);
  CHECK(report.lost[0].last == 9);

  LostChain unrecorded(false);
  report = verified(unrecorded.now, {{unrecorded.old(9), unrecorded.later(7)}, {}, {{known, true}}});
  INFO(report.why);
  CHECK(report.ok());
  REQUIRE(report.lost.size() == 1);
  CHECK(report.lost[0].first == 5);
  CHECK(report.lost[0].last == 9);
  CHECK(report.lost[0].hash == unrecorded.before[8].hash);
}

TEST_CASE("who only writes to Redis cannot make a rewritten chain a lost one") {
  LostChain at(true);
  auto report = verified(at.now, {{at.old(3), at.old(6)}, {}, {}});  // no head was signed since
  check_bad(report, Fault::kRehashed, 6);
  report = verified(LostChain(false).now, {{at.old(8)}, {}, {}});
  check_bad(report, Fault::kTruncated, 8);
  // A head that was signed long after the loss names what was written since.
  Anchor since = at.later(7);
  since.hash = at.before[6].hash;
  report = verified(at.now, {{at.later(5), since}, {}, {}});
  check_bad(report, Fault::kRehashed, 7);
}

TEST_CASE("a head whose signature was not checked anchors nothing") {
  auto chain = make_chain(1, 9);
  auto report = verified(chain, {{anchor(chain, 9, false)}, {}, {}});
  CHECK(report.ok());
  CHECK(report.unanchored_since() == 1);
}

TEST_CASE("a chain of another namespace that was copied here does not verify") {
  auto chain = std::vector<Link>{make_block(1, kGenesisPrevious, "planner-1", 4, 3, "staging")};
  for (const char* ns : {"", "prod", "stagin"}) {
    ChainVerifier verifier(3, ns);
    verifier.add("1-1", chain[0].bytes);
    auto report = verifier.finish({{anchor(chain, 1)}, {}, {}}, true);
    check_bad(report, Fault::kUnreadable, 0);
    CHECK(report.why.find("of namespace 'staging'") != std::string::npos);
  }
  ChainVerifier its_own(3, "staging");
  its_own.add("1-1", chain[0].bytes);
  CHECK(its_own.finish({{anchor(chain, 1)}, {}, {}}, true).ok());
  // The name is part of what the hash covers: it cannot be written over.
  ChainVerifier renamed(3, "bragign");
  renamed.add("1-1", changed(chain[0].bytes, "staging", "bragign"));
  check_bad(renamed.finish({}, true), Fault::kEdited, 1);
}

TEST_CASE("an edited block is named") {
  for (uint64_t bad : {1u, 5u, 9u}) {
    auto chain = make_chain(1, 9);
    chain[bad - 1].bytes = changed(chain[bad - 1].bytes, "worker-7", "worker-8");
    check_bad(verified(chain), Fault::kEdited, bad);
  }
}

TEST_CASE("every changed byte of a block is found") {
  auto chain = make_chain(1, 3);
  for (size_t i = 0; i < chain[1].bytes.size(); ++i) {
    auto changed_chain = chain;
    changed_chain[1].bytes[i] = static_cast<char>(changed_chain[1].bytes[i] ^ 1);
    auto report = verified(changed_chain);
    INFO(i);
    REQUIRE_FALSE(report.ok());
    REQUIRE(report.bad_block == 2);
  }
}

TEST_CASE("a dropped block is named, also the first") {
  auto chain = make_chain(1, 9);
  auto dropped = chain;
  dropped.erase(dropped.begin() + 4);
  check_bad(verified(dropped), Fault::kMissing, 5);
  dropped = chain;
  dropped.erase(dropped.begin());
  check_bad(verified(dropped), Fault::kNoFront, 1);
}

TEST_CASE("reordered blocks are told from dropped ones") {
  auto chain = make_chain(1, 9);
  std::swap(chain[3], chain[4]);
  check_bad(verified(chain), Fault::kReordered, 4);
}

TEST_CASE("an inserted block is named") {
  auto chain = make_chain(1, 9);
  auto inserted = chain;
  inserted.insert(inserted.begin() + 4, chain[4]);
  check_bad(verified(inserted), Fault::kInserted, 5);
  inserted = chain;
  inserted.insert(inserted.begin() + 4, make_block(5, chain[3].hash, "mallory"));
  check_bad(verified(inserted), Fault::kInserted, 5);
  inserted = chain;
  inserted.push_back(make_block(10, chain[8].hash, "planner-1", 4, 2));  // another partition's
  check_bad(verified(inserted), Fault::kUnreadable, 10);
}

TEST_CASE("a single block that was hashed again is named") {
  auto chain = make_chain(1, 9);
  auto hashed = chain;
  hashed[4] = make_block(5, chain[3].hash, "mallory");
  check_bad(verified(hashed), Fault::kRehashed, 5);
  // A head that vouches for block 5 makes block 6 the wrong one; one that contradicts it does not.
  auto sixth = chain;
  sixth[5] = make_block(6, Digest{}, "mallory");
  check_bad(verified(sixth, {{anchor(chain, 5)}, {}, {}}), Fault::kRehashed, 6);
  check_bad(verified(hashed, {{anchor(chain, 5)}, {}, {}}), Fault::kRehashed, 5);
}

TEST_CASE("the last block hashed again is found by a head only, and said to be unanchored without") {
  auto chain = make_chain(1, 9);
  auto hashed = chain;
  hashed[8] = make_block(9, chain[7].hash, "mallory");
  auto report = verified(hashed, {{anchor(chain, 7)}, {}, {}});
  CHECK(report.ok());
  CHECK(report.unanchored_since() == 8);
  check_bad(verified(hashed, {{anchor(chain, 9)}, {}, {}}), Fault::kRehashed, 9);
}

TEST_CASE("a chain that was hashed again to its end is found by the first head behind the place") {
  auto chain = make_chain(1, 9);
  auto hashed = make_chain(5, 9, chain[3].hash, "mallory");
  hashed.insert(hashed.begin(), chain.begin(), chain.begin() + 4);
  auto report = verified(hashed, {{anchor(chain, 8), anchor(chain, 3), anchor(chain, 6)}, {}, {}});
  check_bad(report, Fault::kRehashed, 6);
  CHECK(report.anchored == 3);
  CHECK(report.why.find("a block after block 3") != std::string::npos);

  report = verified(hashed);
  CHECK(report.ok());
  CHECK(report.unanchored_since() == 1);  // nothing says that it is the chain that was
  check_bad(verified(make_chain(1, 9, kGenesisPrevious, "mallory"), {{anchor(chain, 9)}, {}, {}}), Fault::kRehashed, 9);
}

TEST_CASE("a tail that was cut off is found by a head") {
  auto chain = make_chain(1, 9);
  auto cut = chain;
  cut.resize(6);
  check_bad(verified(cut, {{anchor(chain, 8)}, {}, {}}), Fault::kTruncated, 7);
  check_bad(verified({}, {{anchor(chain, 8)}, {}, {}}), Fault::kTruncated, 1);
  CHECK(verified(cut, {{anchor(chain, 8)}, {}, {}}, false).ok());  // an archive ends somewhere
}

TEST_CASE("bytes that were cut are not read as a block") {
  auto chain = make_chain(1, 9);
  chain[4].bytes.resize(chain[4].bytes.size() - 1);
  check_bad(verified(chain), Fault::kUnreadable, 5);
}

TEST_CASE("an epoch does not go back") {
  auto chain = make_chain(1, 3);
  chain.push_back(make_block(4, chain[2].hash, "planner-1", 3));
  check_bad(verified(chain), Fault::kEpoch, 4);
}

TEST_CASE("a trimmed front needs a mark that fits") {
  auto chain = make_chain(1, 9);
  auto rest = std::vector<Link>(chain.begin() + 4, chain.end());
  check_bad(verified(rest), Fault::kNoFront, 4);
  CHECK(verified(rest, {{}, {anchor(chain, 4)}, {}}).ok());
  // Archived up to 6, not trimmed as far yet.
  CHECK(verified(rest, {{}, {anchor(chain, 6)}, {}}).ok());
  check_bad(verified(rest, {{}, {anchor(chain, 3)}, {}}), Fault::kNoFront, 4);
  auto other = make_chain(1, 9, kGenesisPrevious, "mallory");
  check_bad(verified(rest, {{}, {anchor(other, 4)}, {}}), Fault::kNoFront, 4);
  check_bad(verified(rest, {{}, {anchor(other, 6)}, {}}), Fault::kNoFront, 4);
  // A head is no permission to trim.
  check_bad(verified(rest, {{anchor(chain, 4)}, {}, {}}), Fault::kNoFront, 4);
}

TEST_CASE("archived blocks go before those of the stream, and may be there twice") {
  auto chain = make_chain(1, 9);
  auto verify = [&](size_t archived, size_t from, std::vector<Link> live) {
    ChainVerifier verifier(3);
    for (size_t i = 0; i < archived; ++i) verifier.add("archive", chain[i].bytes);
    verifier.next_source();
    for (size_t i = from; i < live.size(); ++i) verifier.add("live", live[i].bytes);
    return verifier.finish({}, true);
  };
  auto report = verify(5, 5, chain);
  CHECK(report.ok());
  CHECK(report.first == 1);
  CHECK(report.last == 9);
  CHECK(verify(5, 3, chain).ok());
  check_bad(verify(5, 6, chain), Fault::kMissing, 6);
  auto other = chain;
  other[4] = make_block(5, chain[3].hash, "mallory");
  check_bad(verify(5, 4, other), Fault::kRehashed, 5);
}
