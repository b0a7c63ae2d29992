// A turn that is decided in slices, also within a frame, decides as one that is not.
#include "tests/unit/gatewayd/turn_case.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

namespace {

/// Frames of 40 messages each; every third is to nobody, one has no envelope.
std::vector<std::string> letters() {
  std::vector<std::string> all;
  for (int i = 0; i < 40; ++i)
    all.push_back(i == 17 ? "no envelope"
                          : envelope("alice", i % 3 == 0 ? "nobody" : "bob", {}, "\"" + std::string(4000, 'x') + "\""));
  return all;
}

}  // namespace

TEST_CASE("a frame is decided in slices when its messages are large, and nothing is decided twice") {
  std::vector<Decision> whole;
  for (MonoTime until : {MonoTime::max(), MonoTime::min()}) {
    TurnCase at;
    at.until = until;
    at.push({}, letters());
    at.push({.first = 41}, letters());
    at.decide();
    CHECK(at.decider.result().counts().messages == 80);
    CHECK(at.decider.result().receipts().size() == 2);
    std::vector<Decision> decisions = at.receipt(0).decisions;
    for (Decision decision : at.receipt(1).decisions) decisions.push_back(decision);
    REQUIRE(decisions.size() == 80);
    if (whole.empty()) whole = decisions;
    CHECK(decisions == whole);
    if (until == MonoTime::max()) {
      CHECK(at.slices == 1);
    } else {
      CHECK(at.slices > 16);
      CHECK(at.slices < 40);
    }
  }
}

TEST_CASE("what a turn lacks is looked for in slices, within a frame, too, and read in bounded parts") {
  constexpr int kFrames = 7, kOfFrame = 500;
  for (MonoTime until : {MonoTime::max(), MonoTime::min()}) {
    TurnCase at;
    at.until = until;
    at.most_reads = 8;
    for (int f = 0; f < kFrames; ++f) {
      std::vector<std::string> letters;
      for (int i = 0; i < kOfFrame; ++i) {
        const std::string target = "target-" + std::to_string(f * kOfFrame + i);
        at.add(target);
        letters.push_back(envelope("alice", target));
      }
      at.push({.first = static_cast<uint64_t>(f * kOfFrame + 1)}, letters);
    }
    at.decide(kFrames * kOfFrame, 16 * 1024 * 1024);
    CHECK(at.decider.result().counts().decisions[static_cast<size_t>(Decision::kAllowed)] == kFrames * kOfFrame);
    CHECK(at.most_wanted >= Decider::kMaxWanted);
    CHECK(at.most_wanted < Decider::kMaxWanted + kOfFrame);
    CHECK((at.need_slices > kFrames * kOfFrame / 64) == (until == MonoTime::min()));
  }
}
